// The filters in the address, as chips that can be seen and removed.
import { changed } from "./address.js";
import { h, visible } from "./dom.js";
import { say, sayOf } from "./words.js";

/** Return the value of a filter in words. @param {string} name @param {string} value */
export function shown(name, value) {
  if (name === "room" && !value) return say("no_room");
  return visible(name === "state" ? sayOf(value) : value);
}

/** Return a filter in words, such as "room: A102". @param {string} name @param {string} value */
export function filterText(name, value) {
  return say("filter", { name: sayOf(`f_${name}`), value: shown(name, value) });
}

/**
 * Return the chips of the filters that a page understands; null if there are none.
 * @param {Place} state
 * @param {string[]} names such as "room", each with its word `f_room`
 * @param {typeof filterText} textOf returns a filter in words; a page with filters of its own has words for them
 */
export function chips({ query }, names, textOf = filterText) {
  const items = names.flatMap((name) => {
    const value = query.get(name);
    if (value === null || (!value && name !== "room")) return [];
    const what = textOf(name, value);
    const link = h(
      "a",
      { class: "chip", href: changed({ [name]: null }), "aria-label": say("remove", { what }) },
      h("bdi", {}, what),
      h("span", { "aria-hidden": "true" }, " ×"),
    );
    return [h("li", {}, link)];
  });
  return items.length ? h("ul", { class: "chips", "aria-label": say("filters") }, items) : null;
}
