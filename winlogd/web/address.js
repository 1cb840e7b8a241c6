// The whole state of a page is its address: path and query. To go elsewhere is to change the address.

import { notePlace } from "./scroll.js";

/** @type {Record<string, string>} The filter of Now for a name that has no page. */
const FILTERS = { machine: "host" };

/** @type {Set<() => void>} */
const listeners = new Set();

/**
 * Return where the page is: `parts` are the path's segments, decoded.
 * @returns {Place}
 */
export function here() {
  const parts = location.pathname.split("/").slice(1).map(decoded);
  return { path: location.pathname, parts, query: new URLSearchParams(location.search) };
}

/** @param {string} part */
function decoded(part) {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

/**
 * Return an address, such as `to(["machine", "A102-07"], {at: "now"})`. What is null or empty is left out,
 * except an empty room, which is the machines without a room.
 * @param {string[]} parts
 * @param {Record<string, string | null | undefined>} [query]
 */
export function to(parts, query = {}) {
  const [kind = "", name = ""] = parts;
  // A browser takes a part of dots for a folder, however it is written (URL standard, 4.4): such a name has no page.
  if (/^\.{1,2}$/.test(name)) return to([], { [FILTERS[kind] ?? kind]: name });
  const path = `/${parts.map(encodeURIComponent).join("/")}`;
  return withQuery(path, new URLSearchParams(), query);
}

/**
 * Return this page's address with some parameters changed, or removed where they are null.
 * @param {Record<string, string | null | undefined>} changes
 */
export function changed(changes) {
  return withQuery(location.pathname, new URLSearchParams(location.search), changes);
}

/**
 * @param {string} path
 * @param {URLSearchParams} query
 * @param {Record<string, string | null | undefined>} changes
 */
function withQuery(path, query, changes) {
  for (const [name, value] of Object.entries(changes)) {
    if (value === null || value === undefined || (value === "" && name !== "room")) query.delete(name);
    else query.set(name, value);
  }
  const text = query.toString();
  return text ? `${path}?${text}` : path;
}

/**
 * Go to an address of these pages, without loading anew.
 * @param {string} address
 * @param {{replaces?: boolean}} [how] `replaces`: the back button skips the present address
 */
export function go(address, { replaces = false } = {}) {
  notePlace();
  if (replaces) history.replaceState(history.state, "", address);
  else history.pushState(null, "", address);
  for (const listener of listeners) listener();
}

/**
 * Unfold a room, or fold it again: the address names the rooms that are unfolded. The back button skips this.
 * @param {URLSearchParams} query
 * @param {string} name
 */
export function toggleRoom(query, name) {
  const [next, before] = [new URLSearchParams(query), query.getAll("open")];
  const others = before.filter((each) => each !== name);
  next.delete("open");
  for (const each of others.length < before.length ? others : [...others, name]) next.append("open", each);
  go(`${location.pathname}?${next}`.replace(/\?$/, ""), { replaces: true });
}

/**
 * Call `listener` after each change of the address, also by the back button and by links.
 * @param {() => void} listener
 */
export function onMove(listener) {
  listeners.add(listener);
}

/** Follow links to these pages without loading anew. Call this once. */
export function followLinks() {
  addEventListener("popstate", () => {
    for (const listener of listeners) listener();
  });
  addEventListener("click", (event) => {
    const link = event.target instanceof Element ? event.target.closest("a") : null;
    if (!link || event.defaultPrevented || event.button || event.ctrlKey || event.metaKey) return;
    if (event.shiftKey || event.altKey || link.target || link.hasAttribute("download")) return;
    const url = new URL(link.href);
    const isElsewhere =
      url.origin !== location.origin || /^\/(api|web|login|logout|account)\b/.test(url.pathname);
    if (isElsewhere || url.hash) return;
    event.preventDefault();
    if (url.href !== location.href) go(url.pathname + url.search);
  });
}
