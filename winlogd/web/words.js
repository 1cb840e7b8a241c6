// English and French, and which of them a user prefers. A page has words of its own by `wordsOf`; common ones are here.
import { preferred, remember } from "./first.js";
import { french } from "./words_fr.js";

/** @typedef {string | {one: string, other: string}} Text with {name} for a value; {n} chooses one or other */
/** @typedef {Record<string, string | number>} Values */

const wanted = [preferred, ...navigator.languages].map((each) => each?.slice(0, 2).toLowerCase());
/** @type {string} */
let language = wanted.find((each) => each === "en" || each === "fr") ?? "en";

/** Return the language of the pages: "en" or "fr". */
export function lang() {
  return language;
}

/**
 * Change the language. The caller shows the page again.
 * @param {string} wanted
 */
export function speak(wanted) {
  language = wanted;
  document.documentElement.lang = wanted;
  remember("language", wanted);
}

/**
 * Return the words of a page. Both tables have the same keys, which the type checker sees to.
 * `say` returns a text. `parts` returns texts and nodes, where a value may be a node such as a name in <bdi>.
 * @template {string} Key
 * @param {{en: Record<Key, Text>, fr: Record<Key, Text>}} tables
 */
export function wordsOf(tables) {
  /**
   * @param {Key} key
   * @param {Record<string, string | number | Node>} values with a number of things as `n`
   * @returns {string[]} texts and names of values by turns
   */
  function pieces(key, values) {
    const text = tables[language === "fr" ? "fr" : "en"][key];
    if (typeof text === "string") return text.split(/[{}]/);
    const n = Number(values.n ?? 1);
    return text[n === 1 || (n === 0 && language === "fr") ? "one" : "other"].split(/[{}]/);
  }
  return {
    /** @param {Key} key @param {Values} [values] @returns {string} */
    say: (key, values = {}) =>
      pieces(key, values)
        .map((each, at) => (at % 2 ? shown(values[each]) : each))
        .join(""),
    /** @param {Key} key @param {Record<string, string | number | Node>} [values] @returns {(string | Node)[]} */
    parts: (key, values = {}) =>
      pieces(key, values).map((each, at) => (at % 2 ? shownOrNode(values[each]) : each)),
  };
}

/** @param {string | number | undefined} value */
function shown(value) {
  return typeof value === "number" ? number(value) : (value ?? "");
}

/** @param {string | number | Node | undefined} value */
function shownOrNode(value) {
  return value instanceof Node ? value : shown(value);
}

/**
 * Return a number as it is written in the language.
 * @param {number} value
 */
export function number(value) {
  return numbers[language === "fr" ? "fr" : "en"].format(value);
}

/** To make one takes 50 µs, and a page of 200 rooms has a thousand numbers. */
const numbers = { en: new Intl.NumberFormat("en"), fr: new Intl.NumberFormat("fr") };

/** The order of names: A9 before A10. */
export const { compare: compareNames } = new Intl.Collator(undefined, { numeric: true });

const english = {
  now: "Now",
  timeline: "Timeline",
  ghosts: "Ghosts",
  hardware: "Hardware",
  trends: "Trends",
  readers_log: "Readers’ log",
  wall: "Wall",
  pages: "Pages",
  skip: "To the content",
  language: "Français",
  help: "Keys",
  help_title: "Keys",
  close: "Close",
  search: "Name, machine, room, address, time",
  in_use: "in use",
  certain: "certain",
  presumed: "presumed",
  free: "free",
  free_of_all: "free",
  doubtful: "doubtful",
  silent: "silent",
  never_seen: "never seen",
  out_of_order: "out of order",
  other_user: "another user has logged on since",
  restart: "the machine has restarted since",
  age: "the logon is too long ago",
  closed: "the site has closed since",
  no_end: "no end was reported",
  clock: "the two clocks disagree",
  no_room: "no room",
  just_now: "just now",
  minutes: "{n} min",
  hours: "{n} h",
  days: { one: "{n} day", other: "{n} days" },
  cut: "No news since {time}: the connection to the server is cut. What you see may be old.",
  cut_never: "The server does not answer. This page tries again.",
  not_stored: "Nothing is stored since {time}, because {why}.",
  polling: "The server has no place for one more live page. This one looks every 30 seconds.",
  building: "The past is being read: {share}. Until then it is incomplete.",
  failed: "The server could not answer ({status}).",
  unreachable: "The server does not answer.",
  login: "Log in",
  must_login: "You have to log in to read this.",
  may_not: "You may not read this: {details}.",
  busy: "The server is busy. Try again in a moment.",
  wrong: "The question was not understood: {details}.",
  not_found: "There is nothing here by this name.",
  no_page: "There is no such page.",
  again: "Try again",
  loading: "Loading…",
  copied: "The row is copied.",
  csv: "CSV",
  remove: "Remove the filter {what}",
  filters: "Filters",
  filter: "{name}: {value}",
  f_state: "state",
  f_room: "room",
  f_user: "user",
  f_host: "machine",
  f_ip: "address",
  f_at: "at",
  f_from: "from",
  f_to: "to",
  f_kind: "kind",
  f_why: "why",
  f_q: "words",
  f_reader: "reader",
  k_box: "the search box",
  k_go: "go to: {page}",
  k_next: "next row",
  k_previous: "previous row",
  k_enter: "open the row",
  k_copy: "copy the row as one line",
  k_help: "this list",
};

/** @typedef {keyof typeof english} Common */

export const { say, parts } = wordsOf({ en: english, fr: french });

/**
 * Return the words for a key that the server has sent, such as a doubt; the key itself if it is unknown.
 * @param {string} key
 * @param {number} [n] how many the words are of
 */
export function sayOf(key, n = 1) {
  return key in english ? say(/** @type {Common} */ (key), { n }) : key;
}
