// What can be had while the other modules load, so that this one imports none of them: the first answers, for which the
// shell has the browser ask, and what its user prefers.

/** @typedef {{status: number, text: string, headers: Headers, heardMs: number}} Answer */
/** @typedef {Record<string, string | null | undefined>} Query */

/** A server that is silent for so long is gone, as in `feed.js`. */
const SILENCE_MS = 40_000;

/** @type {Map<string, Promise<Answer | null>>} */
const answers = new Map();
const ending = new AbortController();
/** @type {NodeListOf<HTMLLinkElement>} */
const links = document.querySelectorAll("link[as=fetch]");

for (const link of links) {
  const { href, pathname, searchParams } = new URL(link.href);
  answers.set(nameOf(pathname, searchParams), read(href, ending.signal));
}
setTimeout(endFirst, SILENCE_MS);

// Intl loads when it is first used, and so does what the browser keeps. There is time for both now.
new Intl.Collator();

/** The language that the user has chosen. */
export const preferred = recall("language");

/**
 * Return an answer of any status; null if the server was not reached, or if that was ended.
 * @param {string} address
 * @param {AbortSignal | null} signal
 * @returns {Promise<Answer | null>}
 */
export async function read(address, signal) {
  try {
    const answer = await fetch(address, { signal });
    const [{ status, headers }, heardMs] = [answer, Date.now()];
    return { status, text: await answer.text(), headers, heardMs };
  } catch {
    return null;
  }
}

/** Return parameters without those that are null or empty. @param {Query} query */
export function parametersOf(query) {
  /** @type {any} */
  const given = Object.entries(query).filter(([, value]) => value);
  return new URLSearchParams(given);
}

/** @param {string} path @param {URLSearchParams} parameters */
function nameOf(path, parameters) {
  parameters.sort();
  return `${path}?${parameters}`;
}

/**
 * Return the answer for which the shell has asked, once; null if there is none, or no more.
 * @param {string} path below /api/v1/
 * @param {Query} [query] as `ask` takes it
 */
export async function firstAnswer(path, query = {}) {
  const name = nameOf(`/api/v1/${path}`, parametersOf(query));
  const answer = answers.get(name);
  answers.delete(name);
  return (await answer) ?? null;
}

/** End the first questions: the page was left, or has not asked. An answer would be old when the page comes back. */
export function endFirst() {
  ending.abort();
  answers.clear();
  // A browser goes on loading what a link names, for as long as the link is there.
  for (const link of links) link.remove();
}

/**
 * Return what this browser's user prefers: a language, or a density. A browser that keeps nothing has no preferences.
 * @param {string} name
 * @returns {string | null}
 */
export function recall(name) {
  try {
    return localStorage.getItem(`winlogd ${name}`);
  } catch {
    return null;
  }
}

/**
 * @param {string} name
 * @param {string} value
 */
export function remember(name, value) {
  try {
    localStorage.setItem(`winlogd ${name}`, value);
  } catch {
    // The preference then lasts as long as the page.
  }
}
