// A moment on paper: a list of all who were on, also in the rooms that are folded on the screen.
import { h, named } from "./dom.js";
import { given, shown } from "./filters.js";
import { gradedWhy, untilOf } from "./moment_session.js";
import { offsetOf, shortened } from "./moment_time.js";
import { words } from "./moment_words.js";
import { localText } from "./time.js";
import { compareNames, sayOf } from "./words.js";

/**
 * What is printed.
 * @typedef {{title: string, filters: string, rows: PaperRow[], isWhole: boolean}} Paper
 * @typedef {{room: string | null, hostname: string | null, session: UserThen}} PaperRow
 */

/**
 * Print a list in the place of the page. Return the function that ends this.
 * @param {() => Paper | null} make
 */
export function printed(make) {
  /** @type {HTMLElement | null} */
  let sheet = null;
  const before = () => {
    const paper = make();
    if (!paper) return;
    sheet?.remove();
    sheet = draw(paper);
    document.body.append(sheet);
  };
  const after = () => sheet?.remove();
  addEventListener("beforeprint", before);
  addEventListener("afterprint", after);
  return () => {
    after();
    removeEventListener("beforeprint", before);
    removeEventListener("afterprint", after);
  };
}

/** Return a button that prints. */
export function printButton() {
  return h("button", { type: "button", class: "quiet", onclick: () => window.print() }, words.say("print"));
}

/**
 * Return the filters of a page in words.
 * @param {Place} state
 * @param {string[]} names
 */
export function filterWords({ query }, names) {
  const filters = given(query, names).map(([name, value]) => `${sayOf(`f_${name}`)} ${shown(name, value)}`);
  return filters.join(", ");
}

/** @param {Paper} paper */
function draw({ title, filters, rows, isWhole }) {
  const heads = /** @type {const} */ ([
    "c_room",
    "c_machine",
    "c_user",
    "c_since",
    "c_until",
    "c_ip",
    "c_certainty",
  ]);
  const sorted = [...rows].sort(
    (a, b) =>
      compareNames(a.room ?? "\uffff", b.room ?? "\uffff") ||
      compareNames(a.hostname ?? "", b.hostname ?? ""),
  );
  const time = localText(Date.now()).replace("T", " ");
  return h(
    "section",
    { class: "paper" },
    h("h1", {}, words.say("paper", { title })),
    h("p", {}, words.say("paper_source", { host: location.host, time })),
    filters ? h("p", {}, words.say("paper_filters", { filters })) : null,
    isWhole ? null : h("p", {}, h("strong", {}, words.say("loaded", { n: rows.length }))),
    h("p", {}, words.say("sessions", { n: rows.length })),
    h(
      "table",
      {},
      h(
        "thead",
        {},
        h(
          "tr",
          {},
          heads.map((each) => h("th", { scope: "col" }, words.say(each))),
        ),
      ),
      h("tbody", {}, sorted.map(row)),
    ),
    h("p", {}, words.say("legend")),
  );
}

/** @param {PaperRow} row */
function row({ room, hostname, session }) {
  const { username, connected_at: since, disconnected_at: until, ended_by: end, source_ip: ip } = session;
  const told = end === "client" && until ? exact(until) : untilOf(session, "");
  const cells = [
    room === null ? "" : named(room),
    named(hostname ?? ""),
    named(username),
    since ? exact(since) : "",
    told,
    ip ?? "",
    gradedWhy(session),
  ];
  return h(
    "tr",
    {},
    cells.map((each) => h("td", {}, each)),
  );
}

/** @param {string} instant */
export function exact(instant) {
  const text = shortened(instant);
  return `${text.slice(0, 19).replace("T", " ")} ${offsetOf(text)}`;
}
