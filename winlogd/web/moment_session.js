// One session of the past: who, from when to when, how surely and why. In a row, on paper, and as a line for a ticket.
import { h, visible } from "./dom.js";
import { words } from "./moment_words.js";
import { user } from "./now_machine.js";
import { mark } from "./states.js";
import { clock, day } from "./time.js";
import { sayOf } from "./words.js";

/** How surely somebody was on, the surest first. */
export const GRADES = /** @type {const} */ (["certain", "presumed", "doubtful"]);

/**
 * Return a time of day, with the day if it is another one than that of the page.
 * @param {string} instant
 * @param {string} date of the page
 */
export function timeOn(instant, date) {
  return instant.slice(0, 10) === date.slice(0, 10)
    ? clock(instant)
    : `${day(instant, "short")}, ${clock(instant)}`;
}

/**
 * Return when a session ended, in words. Only a client tells the end.
 * @param {UserThen} session
 * @param {string} date of the page
 */
export function untilOf(session, date) {
  const { ended_by: end, disconnected_at: at } = session;
  if (end === "client" && at) return timeOn(at, date);
  return words.say(end ? "unknown_end" : "open");
}

/**
 * Return from when to when a session was on.
 * @param {UserThen} session
 * @param {string} date of the page
 */
export function spanOf(session, date) {
  const from = session.connected_at ? timeOn(session.connected_at, date) : "?";
  if (session.ended_by === "client") return words.say("until", { from, to: untilOf(session, date) });
  return words.say("since", { time: from });
}

/**
 * Return how surely a session was on, and why.
 * @param {UserThen} session
 */
export function gradedWhy(session) {
  return words.say("graded", { grade: sayOf(session.certainty), why: whyOf(session) });
}

/** @param {UserThen} session */
function whyOf({ certainty, doubt }) {
  if (certainty === "certain") return words.say("why_certain");
  return certainty === "presumed" ? words.say("why_presumed") : sayOf(doubt ?? "no_end");
}

/**
 * Return a session as a part of a row.
 * @param {UserThen} session
 * @param {string} date of the page
 * @param {string} note what has to be added
 */
export function person(session, date, note = "") {
  const { username, certainty } = session;
  return h(
    "span",
    { class: `person ${certainty}` },
    mark(certainty),
    " ",
    user(username),
    " ",
    h("span", { class: "since" }, spanOf(session, date)),
    " ",
    h("span", { class: "why" }, `${gradedWhy(session)}${note && ` (${note})`}`),
  );
}

/**
 * Return a session as one line, for a ticket.
 * @param {UserThen} session
 * @param {string} date of the page
 */
export function sessionLine(session, date) {
  return visible(`${session.username} ${spanOf(session, date)} (${gradedWhy(session)})`);
}
