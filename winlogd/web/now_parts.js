// Small parts of the pages that show rooms: a number of the whole site, and the bar of a room.
import { changed as changedAddress } from "./address.js";
import { h, place } from "./dom.js";
import { countWords, mark } from "./states.js";
import { number } from "./words.js";

/**
 * Return a number of the whole site, which is a link to its list; a plain text if the list is empty.
 * @param {string} state
 * @param {number} count how many the list has
 * @param {string} [text]
 * @param {string} [figures] what is shown for the number
 */
export function total(state, count, text = countWords(state, count), figures = number(count)) {
  const isSet = new URLSearchParams(location.search).get("state") === state;
  const parts = [mark(state), h("b", {}, figures), h("span", {}, text)];
  if (!count && !isSet) return h("span", { class: `total ${state}` }, parts);
  const address = changedAddress({ state: isSet ? null : state });
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
