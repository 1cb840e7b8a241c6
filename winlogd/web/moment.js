// The page of a moment, or of a span: who was on then. It does not follow what happens now.
import { sheet } from "./dom.js";
import { MomentPage } from "./moment_page.js";
import { printed } from "./moment_print.js";
import { SpanPage } from "./moment_span.js";
import { offer } from "./pages.js";

offer("moment", show);

/**
 * Show the page.
 * @param {HTMLElement} root
 * @param {Place} state
 * @returns {Promise<Page>}
 */
async function show(root, state) {
  await sheet("moment.css");
  let page = made(root, state);
  const endPrinting = printed(() => page.paper());
  document.body.classList.add("past");
  page.begin();
  return {
    title: page.title,
    ends: [() => page.leave(), endPrinting, () => document.body.classList.remove("past")],
    change: (next) => {
      if (SpanPage.takes(next) === page instanceof SpanPage) return void page.change(next);
      page.leave();
      page = made(root, next);
      page.begin();
    },
  };
}

/** @param {HTMLElement} root @param {Place} state */
function made(root, state) {
  return SpanPage.takes(state) ? new SpanPage(root, state) : new MomentPage(root, state);
}
