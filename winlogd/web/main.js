// The shell: the header, the banners and keys of all pages, and the page of the address.
import { followLinks, go, here, onMove } from "./address.js";
import { failure } from "./ask.js";
import { startBox } from "./box.js";
import { listenForCopies } from "./copy.js";
import { fill, h, set } from "./dom.js";
import { endFirst } from "./first.js";
import { bind, listen, showHelp } from "./keys.js";
import { follow, live } from "./live.js";
import { drawReader, mayOpen, meet } from "./me.js";
import { moduleOf, PAGES, showOf } from "./pages.js";
import { goToPlace, keepPlaces } from "./scroll.js";
import { localText, when } from "./time.js";
import { lang, say, speak } from "./words.js";

const root = /** @type {HTMLElement} */ (document.getElementById("main"));
const header = /** @type {HTMLElement} */ (document.getElementById("header"));
const field = makeField();
const box = makeBox();
const refreshBox = startBox(box, field);
/** @type {Page | null} */
let page = null;
let path = "";
let turn = 0;

/** Show the page of the address. A page that can change by itself is not made anew. */
async function show() {
  const state = here();
  const mine = ++turn;
  const name = moduleOf(state);
  const shown = `${name} ${state.path}`;
  if (page?.change && path === shown) return page.change(state);
  leave();
  const isOther = path !== "" && path !== shown;
  path = shown;
  fill(root);
  set(root, { "aria-busy": true });
  markNavigation(state);
  if (isOther) {
    endFirst();
    // At once: while the page loads, somebody may go back to the box and type.
    scrollTo(0, 0);
    root.focus({ preventScroll: true });
  }
  try {
    if (!name) throw new Error(say("no_page"));
    const showPage = await showOf(name);
    if (mine !== turn) return;
    const made = await showPage(root, state);
    if (mine !== turn) return leave(made);
    page = made;
    document.title = `${page.title} – winlogd`;
  } catch (fault) {
    fill(
      root,
      failure(fault, () => show()),
    );
    document.title = "winlogd";
  } finally {
    set(root, { "aria-busy": null });
  }
  document.body.classList.toggle("bare", page?.isBare === true);
}

/** A page goes: end all that it has begun. */
function leave(gone = page) {
  for (const end of gone?.ends ?? []) end();
  if (gone === page) page = null;
}

/** Make the header: the way home, the box, the pages, and what concerns the reader. */
function showHeader() {
  const links = PAGES.filter(([, , key]) => key).map(([first, name]) =>
    h("a", { href: `/${first}` }, say(/** @type {any} */ (name))),
  );
  fill(
    header,
    h("a", { class: "home", href: "/", "aria-label": `winlogd, ${say("now")}` }, "winlogd"),
    box,
    h("nav", { "aria-label": say("pages") }, links),
    h("div", { id: "reader" }),
    h(
      "button",
      { type: "button", class: "quiet", lang: lang() === "fr" ? "en" : "fr", onclick: change },
      say("language"),
    ),
    h("button", { type: "button", class: "quiet", onclick: showHelp, "aria-label": say("help") }, "?"),
  );
  set(field, { placeholder: say("search"), "aria-label": say("search") });
  fill(/** @type {Element} */ (document.querySelector(".skip")), say("skip"));
  drawReader();
  markNavigation(here());
}

/** @param {Place} state */
function markNavigation(state) {
  const isMoment = moduleOf(state) === "moment";
  for (const link of header.querySelectorAll("nav a")) {
    const href = link.getAttribute("href") ?? "";
    const isHere = href === `/${state.parts[0]}` && !isMoment;
    set(link, { "aria-current": isHere ? "page" : null, hidden: !mayOpen(href) });
  }
}

/** Make the search box. It is made once: what somebody types survives a change of the language. */
function makeBox() {
  const understood = h("p", { id: "understood", "aria-live": "polite" });
  return h("form", { id: "box", role: "search", action: "/" }, field, understood, h("div", { id: "found" }));
}

function makeField() {
  const attributes = { name: "q", type: "search", autocomplete: "off", spellcheck: "false" };
  return h("input", { ...attributes, enterkeyhint: "search" });
}

/** Change the language, and say everything anew. */
function change() {
  speak(lang() === "fr" ? "en" : "fr");
  showHeader();
  drawBanners();
  showAnew();
}

function showAnew() {
  refreshBox();
  path = "";
  leave();
  show();
}

/** Whoever may read no more must not see what was shown before: each page asks anew, and is refused. */
function watchReader() {
  let hasRead = false;
  follow(() => {
    if (hasRead && live.feed.state === "refused") showAnew();
    hasRead = live.snapshot !== null;
  });
}

/** Say above the content what has to be said: events cannot be stored, or the feed is cut. */
function drawBanners() {
  const root = document.getElementById("banners");
  const texts = [...stored(), ...connection(), ...past()];
  document.body.classList.toggle("stale", live.feed.state === "cut");
  if (!root || root.textContent === texts.join("")) return;
  fill(
    root,
    texts.map((text) => h("p", { class: "banner" }, text)),
  );
}

function stored() {
  const writable = live.snapshot?.writable;
  return writable && !writable.is
    ? [say("not_stored", { time: when(writable.since), why: writable.why ?? "" })]
    : [];
}

function connection() {
  const { state, since } = live.feed;
  if (state === "polling") return [say("polling")];
  if (state !== "cut") return [];
  if (since === null) return [say("cut_never")];
  return [say("cut", { time: when(localText(since)) })];
}

function past() {
  const history = live.snapshot?.history ?? "complete";
  return history === "complete" ? [] : [say("building", { share: history.replace("building, ", "") })];
}

function goToBox() {
  field.focus();
  field.select();
}

function bindKeys() {
  bind({
    "/": [() => say("k_box"), goToBox],
    "?": [() => say("k_help"), showHelp],
  });
  for (const [first, name, key] of PAGES)
    if (key)
      bind({
        [`g ${key}`]: [() => say("k_go", { page: say(/** @type {any} */ (name)) }), () => go(`/${first}`)],
      });
}

document.documentElement.lang = lang();
showHeader();
bindKeys();
listen();
listenForCopies();
keepPlaces();
followLinks();
onMove(() => show().then(goToPlace));
follow((changed) => (changed.all || changed.feed || live.snapshot?.writable) && drawBanners());
watchReader();
meet(() => markNavigation(here()));
show().then(goToPlace);
