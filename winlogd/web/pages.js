// The pages: the address of each, and the module that shows it. The shell loads the one of its own address.

/**
 * The pages: the first segment of the path, the module, and the key after "g". A page without a key has no place in the
 * navigation.
 * @type {[string, string, string?][]}
 */
export const PAGES = [
  ["", "now", "n"],
  ["timeline", "timeline", "t"],
  ["ghosts", "ghosts", "g"],
  ["hardware", "hardware", "h"],
  ["trends", "trends", "r"],
  ["wall", "wall", "w"],
  ["readers-log", "readers_log", "l"],
  ["machine", "machine"],
  ["user", "user"],
];

/** @typedef {(root: HTMLElement, state: Place) => Page | Promise<Page>} Show */

/** @type {Map<string, Show>} */
const loaded = new Map();

/**
 * Offer a page. Its module calls this when it runs.
 * @param {string} name of the module
 * @param {Show} show
 */
export function offer(name, show) {
  loaded.set(name, show);
}

/**
 * Return what shows a page: at once if its module has run. An import would wait until the browser has done other work.
 * @param {string} name of the module
 * @returns {Show | Promise<Show>}
 */
export function showOf(name) {
  return loaded.get(name) ?? import(`./${name}.js`).then(() => /** @type {Show} */ (loaded.get(name)));
}

/**
 * Return the name of the module that shows an address. The page Now with a time is a moment.
 * @param {Place} state
 */
export function moduleOf({ parts, query }) {
  const [, name] = PAGES.find(([first]) => first === parts[0]) ?? [];
  return name === "now" && ["at", "from", "to"].some((each) => query.get(each)) ? "moment" : name;
}
