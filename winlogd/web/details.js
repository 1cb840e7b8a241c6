// What the pages about one machine and one user share: facts, links, and sessions in words.
import { changed, to } from "./address.js";
import { failure, Unanswered } from "./ask.js";
import { words } from "./details_words.js";
import { fill, h, named, visible } from "./dom.js";
import { learned, live } from "./live.js";
import { mark } from "./states.js";
import { age, localText, nowMs, when } from "./time.js";
import { say, sayOf } from "./words.js";

/** @typedef {import("./dom.js").Child} Child */

/**
 * Return a part of a page, with its heading.
 * @param {string} title
 * @param {...Child} children
 */
export function part(title, ...children) {
  return h("section", { class: "part" }, h("h2", {}, title), children);
}

/**
 * Return what is known as a list of names and values. A value of null leaves its line out.
 * @param {[string, Child][]} lines
 */
export function facts(lines) {
  const known = lines.filter(([, value]) => value !== null);
  return h(
    "dl",
    { class: "facts" },
    known.map(([name, value]) => h("div", {}, h("dt", {}, name), h("dd", {}, value))),
  );
}

/** @param {string | null} hostname */
export function machineLink(hostname) {
  if (!hostname) return words.say("unknown");
  return h("a", { class: "host", href: to(["machine", hostname]) }, named(hostname));
}

/** @param {string} username */
export function userLink(username) {
  return h("a", { class: "user", href: to(["user", username]) }, named(username));
}

/**
 * Return a room as a link to its machines now.
 * @param {string | null} room
 */
export function roomLink(room) {
  return room === null ? null : h("a", { href: to([], { room }) }, named(room));
}

/**
 * Return a link to the day on the timeline.
 * @param {string} instant
 * @param {string | null} room
 * @param {Child} text
 */
export function dayLink(instant, room, text) {
  return h("a", { href: to(["timeline"], { day: instant.slice(0, 10), room }) }, text);
}

/**
 * Return when something was, and how long ago.
 * @param {string} instant
 */
export function ago(instant) {
  const isRecent = nowMs() - Date.parse(instant) < 60_000;
  const values = { time: when(instant), age: age(instant) };
  return h("time", { datetime: instant }, words.say(isRecent ? "recent" : "ago", values));
}

/**
 * Return a length of time in hours and minutes.
 * @param {number} seconds
 */
export function lasted(seconds) {
  const minutes = Math.floor(seconds / 60);
  if (minutes < 1) return words.say("s");
  if (minutes < 60) return words.say("m", { m: minutes });
  if (minutes % 60 === 0) return say("hours", { n: minutes / 60 });
  return words.say("hm", { h: Math.floor(minutes / 60), m: minutes % 60 });
}

/**
 * Return when a session began. A workstation's clock that is wrong does not count.
 * @param {Session} session
 */
export function begun({ connected_at: begin, received_at: received, clock_error_seconds: error }) {
  return error || !begin ? received : begin;
}

/** @param {Session} session */
function overAt({
  received_at,
  disconnected_at: over,
  clock_error_seconds: error,
  duration_seconds: seconds,
}) {
  if (!error || seconds === null) return over ?? "";
  return localText(Date.parse(received_at) + 1000 * seconds - (nowMs() - Date.now()));
}

/**
 * Return how a session ended, or that it is still on.
 * @param {Session} session
 */
export function end(session) {
  if (session.state === "open") return words.say("still_on");
  if (session.ended_by !== "client" || !session.disconnected_at) return words.say("unknown");
  const begin = begun(session);
  const over = overAt(session);
  return over.slice(0, 10) === begin.slice(0, 10) ? over.slice(11, 16) : when(over);
}

/**
 * Return why a session is not certain, in words; an empty text if nothing speaks against it.
 * @param {Session} session
 */
export function doubtOf(session) {
  const reasons = [];
  if (session.ended_by === "auto" || session.ended_by === "expired")
    reasons.push(words.say(session.ended_by));
  else if (session.certainty === "doubtful" && session.doubt) reasons.push(sayOf(session.doubt));
  const seconds = session.clock_error_seconds;
  if (seconds) {
    const time = lasted(Math.abs(seconds));
    reasons.push(words.say(seconds > 0 ? "clock_ahead" : "clock_behind", { time }));
  }
  return reasons.join("; ");
}

/**
 * Return how surely a session was on: a word, and why.
 * @param {Session} session
 */
export function sureness(session) {
  const { certainty } = session;
  const word = certainty === "doubtful" ? sayOf("doubtful") : words.say(certainty);
  const why = doubtOf(session);
  return [
    certainty === "doubtful" ? mark("doubtful") : null,
    " ",
    word,
    why ? h("span", { class: "why" }, ` ${why}`) : null,
  ];
}

/**
 * Return a name and what it is: two texts with the colon of the language between them.
 * @param {string} name
 * @param {string} value
 */
export function pair(name, value) {
  return say("filter", { name, value });
}

/**
 * Return a session as one line, for a ticket.
 * @param {Session} session
 */
export function sessionLine(session) {
  const { username, hostname, room } = session;
  const isKnown = session.ended_by === "client" && session.disconnected_at;
  const short = (/** @type {string} */ text) => text.slice(0, 16).replace("T", " ");
  const span = `${short(begun(session))} – ${isKnown ? short(overAt(session)) : end(session)}`;
  return visible([username, hostname, room, span, doubtOf(session)].filter(Boolean).join(", "));
}

/**
 * Show a part of a page anew, with the place where its answer comes from. What comes too late is not shown.
 * @param {HTMLElement} place
 * @param {(signal: AbortSignal) => Promise<Child>} make
 * @param {(fault: unknown) => Child} failed
 */
export function loader(place, make, failed) {
  let ending = new AbortController();
  return {
    async load() {
      ending.abort();
      const mine = new AbortController();
      ending = mine;
      try {
        const made = await make(mine.signal);
        if (!mine.signal.aborted) fill(place, made);
      } catch (fault) {
        if (!mine.signal.aborted) fill(place, failed(fault));
      }
    },
    end: () => ending.abort(),
  };
}

/**
 * Return what stands in place of the details that were not answered.
 * @param {unknown} fault
 * @param {string} name
 * @param {"no_machine" | "no_user"} unknownWords if there is no such name
 * @param {() => void} again
 */
export function unknown(fault, name, unknownWords, again) {
  if (!(fault instanceof Unanswered && fault.status === 404)) return failure(fault, again);
  return [h("h1", {}, named(name)), h("p", { class: "empty" }, words.say(unknownWords))];
}

/** Wait until it is known what the reader may see. Return the scope; null if the feed tells nothing. */
export async function scope() {
  await learned();
  return live.snapshot?.scope ?? null;
}

/**
 * Return a line that says that the page is old, and shows it anew. To look again makes a row in the readers' log, so a
 * page does not do it by itself.
 * @param {() => void} reload
 */
export function newsLine(reload) {
  const button = h("button", { type: "button", onclick: reload }, words.say("reload"));
  return h("p", { class: "news", role: "status" }, words.say("news"), " ", button);
}

/** Return this page's address without the filters of its list of sessions. */
export function withoutFilters() {
  return changed({ all: null, host: null, user: null, from: null, to: null });
}

/**
 * Put the focus on an element after the one that had it was drawn anew.
 * @param {HTMLElement} root
 * @param {string} selector
 */
export function keepFocus(root, selector) {
  if (document.activeElement === document.body)
    /** @type {HTMLElement | null} */ (root.querySelector(selector))?.focus();
}
