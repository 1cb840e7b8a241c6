// The states of machines: each has a shape and a text before it has a colour; and how many machines are in each.
import { changed } from "./address.js";
import { h, place, svg } from "./dom.js";
import { daysAgo } from "./time.js";
import { number, sayOf } from "./words.js";

/** In the order in which people look for them. */
export const STATES = /** @type {const} */ ([
  "in_use",
  "doubtful",
  "free",
  "silent",
  "never_seen",
  "out_of_order",
]);

/** The shape of each state, in a square of 16: full, hatched, a ring, a bar, a dotted ring, a cross. */
const SHAPES = {
  in_use: "M3 2h10a1 1 0 0 1 1 1v10a1 1 0 0 1-1 1H3a1 1 0 0 1-1-1V3a1 1 0 0 1 1-1z",
  doubtful: "M2.5 2.5h11v11h-11zM2.5 8 8 2.5M2.5 13.5l11-11M8 13.5 13.5 8",
  certain: "M3 2h10a1 1 0 0 1 1 1v10a1 1 0 0 1-1 1H3a1 1 0 0 1-1-1V3a1 1 0 0 1 1-1z",
  presumed: "M2.5 2.5h11v11h-11zM5.5 5.5h5v5h-5z",
  free: "M8 2.5a5.5 5.5 0 1 0 0 11a5.5 5.5 0 1 0 0-11z",
  silent: "M2.5 8h11",
  never_seen: "M8 2.5a5.5 5.5 0 1 0 0 11a5.5 5.5 0 1 0 0-11z",
  out_of_order: "M3 3l10 10M13 3 3 13",
};

/**
 * Return the shape of a state. The text beside it says the same.
 * @param {string} state
 */
export function mark(state) {
  const path = svg("path", { d: SHAPES[/** @type {keyof typeof SHAPES} */ (state)] ?? "" });
  return svg("svg", { class: `mark ${state}`, viewBox: "0 0 16 16", "aria-hidden": "true" }, path);
}

/**
 * Return the word after a number of machines in a state.
 * @param {string} state
 * @param {number} count
 */
export function countWords(state, count) {
  return sayOf(state === "free" ? "free_of_all" : state, count);
}

/**
 * Return how long a silent machine has been silent, in steps: 30, 20 or 10 days.
 * @param {string | null} lastContact
 */
export function silenceDays(lastContact) {
  const days = lastContact ? daysAgo(lastContact) : 30;
  return days >= 30 ? 30 : days >= 20 ? 20 : 10;
}

/**
 * Return a number of what the other filters show, which is a link to its list; a plain text if the list is empty.
 * @param {string} state
 * @param {number} count how many the list has
 * @param {string} [text]
 * @param {string} [figures] what is shown for the number
 */
export function total(state, count, text = countWords(state, count), figures = number(count)) {
  const isSet = new URLSearchParams(location.search).get("state") === state;
  const parts = [mark(state), h("b", {}, figures), h("span", {}, text)];
  if (!count && !isSet) return h("span", { class: `total ${state}` }, parts);
  const address = changed({ state: isSet ? null : state });
  const attributes = { class: `total ${state}`, href: address, "aria-current": isSet ? "true" : null };
  return h("a", attributes, parts);
}

/**
 * Return the bar of a room: in use, doubtful, not known, and the rest, which is free.
 * @param {Room} room
 */
export function bar(room) {
  const unknown = room.silent + room.never_seen + room.out_of_order;
  const parts = { in_use: room.in_use, doubtful: room.doubtful, unknown };
  const segments = Object.entries(parts).map(([name, count]) => {
    const segment = h("span", { class: name });
    place(segment, { "inline-size": `${room.machines ? (100 * count) / room.machines : 0}%` });
    return segment;
  });
  return h("span", { class: "bar", "aria-hidden": "true" }, segments);
}
