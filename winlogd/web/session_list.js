// The sessions of one machine or one user: the last ten, or all of them page by page, with filters in the address.
import { changed } from "./address.js";
import { ask, failure } from "./ask.js";
import { csvLink } from "./copy.js";
import {
  begun,
  dayLink,
  end,
  lasted,
  machineLink,
  part,
  sessionLine,
  sureness,
  userLink,
  withoutFilters,
} from "./details.js";
import { words } from "./details_words.js";
import { fill, h, named } from "./dom.js";
import { chips } from "./filters.js";
import { table } from "./table.js";
import { when } from "./time.js";

const FILTERS = ["host", "user", "from", "to"];
const PAGE = "100";

/**
 * Return the part of a page with sessions.
 * @param {Place} state
 * @param {{host?: string, user?: string}} of the machine or the user
 * @param {Session[]} last the last ten
 * @param {AbortSignal} signal ends the questions
 */
export function sessionPart(state, of, last, signal) {
  const isWhole = state.query.has("all") || FILTERS.some((name) => state.query.get(name));
  const filters = Object.fromEntries(FILTERS.map((name) => [name, state.query.get(name)]));
  const query = { ...filters, ...of };
  const place = h("div", {});
  if (isWhole) loadAll(place, of, query, signal);
  else fill(place, list(of, last, words.say("never_used")));
  const other = isWhole
    ? h("a", { href: withoutFilters() }, words.say("fewer"))
    : h("a", { href: changed({ all: "1" }) }, words.say("all_sessions"));
  const bar = h("div", { class: "filters" }, chips(state, FILTERS), other, csvLink("sessions", query));
  return part(words.say(isWhole ? "all_sessions" : "last_ten"), bar, place);
}

/**
 * @param {HTMLElement} place
 * @param {{host?: string, user?: string}} of
 * @param {Record<string, string | null>} query
 * @param {AbortSignal} signal
 */
async function loadAll(place, of, query, signal) {
  /** @type {Session[]} */
  const known = [];
  /** @param {string | null} cursor */
  const load = async (cursor) => {
    try {
      const answer = await ask("sessions", { ...query, limit: PAGE, cursor }, signal);
      known.push(...answer.sessions);
      const next = answer.next;
      const attributes = { type: "button", onclick: () => load(next) };
      const part = table(words.say("all_sessions"), columns(of), answer.sessions, { line: sessionLine });
      if (!known.length) return fill(place, h("p", { class: "empty" }, words.say("no_sessions")));
      place.querySelector("p.earlier")?.remove();
      if (answer.sessions.length) place.append(part);
      if (next)
        place.append(h("p", { class: "earlier" }, h("button", attributes, words.say("more_sessions"))));
      if (cursor) /** @type {HTMLElement | null} */ (part.querySelector("[data-row]"))?.focus();
    } catch (fault) {
      if (!signal.aborted) place.append(failure(fault, () => load(cursor)));
    }
  };
  await load(null);
}

/**
 * @param {{host?: string, user?: string}} of
 * @param {Session[]} sessions
 * @param {string} empty
 */
function list(of, sessions, empty) {
  if (!sessions.length) return h("p", { class: "empty" }, empty);
  return table(words.say("last_ten"), columns(of), sessions, { line: sessionLine });
}

/**
 * @param {{host?: string, user?: string}} of
 * @returns {import("./table.js").Column<Session>[]}
 */
function columns(of) {
  /** @type {import("./table.js").Column<Session>[]} */
  const first = of.host
    ? [{ key: "user", label: words.say("user"), cell: (each) => userLink(each.username) }]
    : [
        { key: "host", label: words.say("machine"), cell: (each) => machineLink(each.hostname) },
        {
          key: "room",
          label: words.say("room"),
          cell: (each) => (each.room === null ? null : named(each.room)),
        },
      ];
  return [
    ...first,
    { key: "from", label: words.say("from"), cell: begin },
    { key: "to", label: words.say("to"), cell: end },
    {
      key: "lasted",
      label: words.say("lasted"),
      cell: (each) => (each.duration_seconds === null ? null : lasted(each.duration_seconds)),
    },
    { key: "sure", label: words.say("sure"), cell: sureness },
  ];
}

/** @param {Session} session */
function begin(session) {
  const instant = begun(session);
  return dayLink(instant, session.room, when(instant));
}
