// The filters in the address: as chips that can be seen and removed, and which names pass them.
import { changed } from "./address.js";
import { h, visible } from "./dom.js";
import { say, sayOf } from "./words.js";

/** Return the value of a filter in words. @param {string} name @param {string} value */
export function shown(name, value) {
  if (name === "room" && !value) return say("no_room");
  return visible(name === "state" ? sayOf(value) : value);
}

/**
 * Return the filters that are set: an empty one only if it is the room, which is then none.
 * @param {URLSearchParams} query
 * @param {string[]} names
 * @returns {[string, string][]} each with its value
 */
export function given(query, names) {
  return names.flatMap((name) => {
    const value = query.get(name);
    return value || (value === "" && name === "room") ? [[name, value]] : [];
  });
}

/**
 * Return the chips of the filters that a page understands; null if there are none.
 * @param {Place} state
 * @param {string[]} names such as "room", each with its word `f_room`
 * @param {typeof shown} wordsOf returns a value in words
 */
export function chips({ query }, names, wordsOf = shown) {
  const items = given(query, names).map(([name, value]) => {
    const what = say("filter", { name: sayOf(`f_${name}`), value: wordsOf(name, value) });
    const link = h(
      "a",
      { class: "chip", href: changed({ [name]: null }), "aria-label": say("remove", { what }) },
      h("bdi", {}, what),
      h("span", { "aria-hidden": "true" }, " ×"),
    );
    return h("li", {}, link);
  });
  return items.length ? h("ul", { class: "chips", "aria-label": say("filters") }, items) : null;
}

/**
 * Return what tells if a machine passes the filters of Now but that of the state. A name passes as on the server:
 * also without its domain, but an address of IPv4 has none (winlogd/events/names.py).
 * @param {URLSearchParams} query
 * @returns {(machine: Machine) => boolean}
 */
export function passesOf(query) {
  const room = query.get("room");
  const [host, user] = [pattern(query.get("host")?.replace(/\.$/, "")), pattern(query.get("user"))];
  /** @param {string} name @param {RegExp} form what is marked in it is the short name */
  const both = (name, form) => [folded(name), folded(name).replace(form, "$1")];
  return (each) =>
    (room === null || (each.room ?? "") === room) &&
    (!host || both(each.hostname.replace(/\.$/, ""), /^(?![\d.]+$)([^.]+)\..*/s).some(host)) &&
    (!user ||
      [...each.users.map((one) => one.username), each.last_user ?? ""].some((name) =>
        both(name, /^(?:.*\\)?([^@]*).*/s).some(user),
      ));
}

/** Return the form in which names are compared: Python's casefold, for the letters of names. @param {string} name */
export function folded(name) {
  return name.normalize("NFC").toLowerCase().replaceAll("ß", "ss").replaceAll("ς", "σ");
}

/**
 * Return what tells if the whole of a folded name has the form of a pattern; null without a pattern. It takes linear
 * time: the leftmost place of each piece leaves most room for the next.
 * @param {string | null | undefined} text where * stands for any characters
 * @returns {((name: string) => boolean) | null}
 */
export function pattern(text) {
  if (!text) return null;
  const pieces = folded(text).split("*");
  return (name) => {
    let end = 0;
    return pieces.every((piece, at) => {
      const place = at < pieces.length - 1 ? name.indexOf(piece, end) : name.length - piece.length;
      const isThere = place >= end && name.startsWith(piece, place) && (at > 0 || !place);
      end = place + piece.length;
      return isThere;
    });
  };
}
