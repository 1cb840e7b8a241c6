// The page of ghosts: sessions that may be over, and those that ended in a way that nobody knows. Each with why.
import { changed } from "./address.js";
import { ask, failure } from "./ask.js";
import { csvButton, csvRows } from "./copy.js";
import { begun, doubtOf, keepFocus, loader, machineLink, scope, sessionLine, userLink } from "./details.js";
import { words } from "./details_words.js";
import { fill, h, named, sheet } from "./dom.js";
import { chips, shown as filterValue } from "./filters.js";
import { bindRows } from "./keys.js";
import { live } from "./live.js";
import { offer } from "./pages.js";
import { mark } from "./states.js";
import { table } from "./table.js";
import { age, clock, localText, today, when } from "./time.js";
import { compareNames, number, say, sayOf } from "./words.js";

/** @typedef {Session & {kind: Kind, why: string}} Ghost */
/** @typedef {(typeof KINDS)[number]} Kind */

const KINDS = /** @type {const} */ (["doubtful", "too_long", "lost"]);
const FILTERS = ["kind", "room", "why"];
const LIMIT = "1000";

offer("ghosts", show);

/**
 * Show the page.
 * @param {HTMLElement} root
 * @param {Place} state
 * @returns {Promise<Page>}
 */
async function show(root, state) {
  const body = h("div", { class: "details" });
  fill(root, body);
  const [, sees] = await Promise.all([sheet("details.css"), scope()]);
  /** @type {{ghosts: Ghost[], isCut: boolean, at: string}} */
  let known;
  const draw = () => page(known, state, sees === "now", () => loading.load());
  const loading = loader(
    body,
    async (signal) => {
      known = sees === "now" ? ofNow() : await found(signal);
      return draw();
    },
    (fault) => [h("h1", {}, say("ghosts")), failure(fault, () => loading.load())],
  );
  await loading.load();
  return {
    title: say("ghosts"),
    ends: [bindRows(root), loading.end],
    change: (next) => {
      state = next;
      if (!known) return;
      fill(body, draw());
      keepFocus(body, ".total[aria-current]");
    },
  };
}

/** @param {AbortSignal} signal */
async function found(signal) {
  const day = today();
  const lost = { ended_by: "auto,expired", from: "yesterday", limit: LIMIT };
  const answers = await Promise.all([
    ask("sessions", { state: "doubtful", limit: LIMIT }, signal),
    ask("sessions", lost, signal),
  ]);
  const [open, ended] = answers.map((each) => /** @type {Session[]} */ (each.sessions));
  const ghosts = [
    ...(open ?? []).map((each) => ghost(each)),
    ...(ended ?? [])
      .filter((each) => each.disconnected_at?.startsWith(day))
      .map((each) => ghost(each, "lost")),
  ];
  return sorted(
    ghosts,
    answers.some((each) => each.next),
  );
}

/** Return the ghosts that a reader sees who may not see the past: those of the machines now. */
function ofNow() {
  const ghosts = [...(live.machines?.values() ?? [])].flatMap((machine) =>
    machine.users
      .filter((each) => each.certainty === "doubtful")
      .map((each) => {
        // What such a reader is not told is left out.
        const known = { ...machine, ...each, state: "open", received_at: each.connected_at ?? "" };
        return ghost(/** @type {any} */ (known));
      }),
  );
  return sorted(ghosts, false);
}

/** @param {Ghost[]} ghosts @param {boolean} isCut */
function sorted(ghosts, isCut) {
  ghosts.sort(
    (a, b) =>
      compareNames(a.room ?? "\uffff", b.room ?? "\uffff") ||
      compareNames(a.hostname ?? "", b.hostname ?? ""),
  );
  return { ghosts, isCut, at: localText(Date.now()) };
}

/** @param {Session} session */
function isTooLong({ doubt }) {
  return doubt === "age" || doubt === "closed";
}

/** @param {Session} session @param {Kind} [kind] @returns {Ghost} */
function ghost(session, kind = isTooLong(session) ? "too_long" : "doubtful") {
  return { ...session, kind, why: session.ended_by ?? session.doubt ?? "" };
}

/**
 * @param {{ghosts: Ghost[], isCut: boolean, at: string}} known
 * @param {Place} state
 * @param {boolean} isNow
 * @param {() => void} reload
 */
function page({ ghosts, isCut, at }, state, isNow, reload) {
  const [kind, room, why] = FILTERS.map((name) => state.query.get(name));
  const inRoom = ghosts.filter(
    (each) => (room === null || (each.room ?? "") === room) && (!why || each.why === why),
  );
  const shown = inRoom.filter((each) => !kind || each.kind === kind);
  const empty = words.say(ghosts.length ? "none_such" : "no_ghosts");
  return [
    h("h1", {}, say("ghosts")),
    h("p", { class: "since" }, words.say("ghosts_intro")),
    h("div", { class: "totals", role: "group", "aria-label": say("f_kind") }, totals(inRoom, kind ?? "")),
    h(
      "div",
      { class: "filters" },
      chips(state, FILTERS, wordsOf),
      h("span", { class: "since" }, words.say("as_of", { time: clock(at) })),
      h("button", { type: "button", class: "quiet", onclick: reload }, words.say("reload_now")),
      csvButton("ghosts", () => csvRows(shown)),
    ),
    isNow && h("p", { class: "note" }, words.say("ghosts_now")),
    isCut && h("p", { class: "note" }, words.say("too_many")),
    shown.length
      ? table(say("ghosts"), columns(), shown, { line: sessionLine, group: (each) => group(each, shown) })
      : h("p", { class: "empty" }, empty),
    help(),
  ];
}

/** @param {Ghost[]} ghosts @param {string} kind */
function totals(ghosts, kind) {
  return ["", ...KINDS].map((each) => {
    const count = ghosts.filter((one) => !each || one.kind === each).length;
    const attributes = {
      class: "total",
      href: changed({ kind: each || null }),
      "aria-current": each === kind && "true",
    };
    const shape = each === "doubtful" || each === "too_long" ? mark("doubtful") : null;
    return h(
      "a",
      attributes,
      shape,
      h("b", {}, number(count)),
      h("span", {}, words.say(/** @type {any} */ (each ? `k_${each}` : "all"))),
    );
  });
}

/** Return the value of a filter in words. @param {string} name @param {string} value */
function wordsOf(name, value) {
  if (name === "kind") return words.say(/** @type {any} */ (`k_${value}`));
  return name === "why" ? whyText(value) : filterValue(name, value);
}

/** @param {string} why */
function whyText(why) {
  return why === "auto" || why === "expired" ? words.say(why) : sayOf(why);
}

/**
 * @param {Ghost} ghost
 * @param {Ghost[]} shown
 * @returns {[string, import("./dom.js").Child]}
 */
function group({ room }, shown) {
  const count = shown.filter((each) => each.room === room).length;
  const name = room === null ? say("no_room") : named(room);
  const link = h("a", { href: changed({ room: room ?? "" }) }, words.say("n_sessions", { n: count }));
  return [room ?? "", [name, h("span", { class: "since" }, " ", link)]];
}

/** @returns {import("./table.js").Column<Ghost>[]} */
function columns() {
  return [
    { key: "machine", label: words.say("machine"), cell: (each) => machineLink(each.hostname) },
    { key: "user", label: words.say("user"), cell: (each) => userLink(each.username) },
    { key: "from", label: words.say("from"), cell: since },
    {
      key: "why",
      label: words.say("why"),
      cell: (each) => h("a", { class: "why", href: changed({ why: each.why }) }, doubtOf(each)),
    },
  ];
}

/** @param {Ghost} ghost */
function since(ghost) {
  const begin = begun(ghost);
  return [when(begin), h("span", { class: "since" }, ` (${age(begin)})`)];
}

function help() {
  const keys = /** @type {const} */ (["do_doubtful", "do_too_long", "do_lost", "do_room"]);
  return h(
    "section",
    { class: "part" },
    h("h2", {}, words.say("what_to_do")),
    keys.map((key) => h("p", {}, words.say(key))),
  );
}
