// Ask the server, and say in plain words why there is no answer.
import { h } from "./dom.js";
import { firstAnswer, parametersOf } from "./first.js";
import { say } from "./words.js";

/** There is no answer. `status` is 0 if the server was not reached. */
export class Unanswered extends Error {
  /**
   * @param {number} status
   * @param {string} details what the server says of it
   */
  constructor(status, details) {
    super(details || String(status));
    this.status = status;
    this.details = details;
  }
}

/**
 * Return the answer to a question, such as `ask("machines", {room: "A102"})`. Give a signal to end it early.
 * @param {string} path below /api/v1/, encoded
 * @param {Record<string, string | null | undefined>} [query] what is null or empty is left out
 * @param {AbortSignal} [signal]
 * @returns {Promise<any>}
 * @throws {Unanswered} there is none; or the signal's reason
 */
export async function ask(path, query = {}, signal) {
  const parameters = `${parametersOf(query)}`;
  let answer;
  try {
    answer = await fetch(`/api/v1/${path}${parameters && `?${parameters}`}`, { signal: signal ?? null });
    return told(answer.status, await answer.text());
  } catch (fault) {
    if (signal?.aborted || fault instanceof Unanswered) throw fault;
    throw new Unanswered(0, "");
  }
}

/**
 * Return what the first answer to a question says, for which the shell has asked; without one, ask.
 * @type {typeof ask}
 */
export async function askFirst(path, query, signal) {
  const first = await firstAnswer(path, query);
  signal?.throwIfAborted();
  return first ? told(first.status, first.text) : ask(path, query, signal);
}

/** @param {number} status @param {string} text */
function told(status, text) {
  if (status !== 200) throw new Unanswered(status, detailsOf(text));
  return JSON.parse(text);
}

/** @param {string} text */
function detailsOf(text) {
  try {
    const { error, details } = JSON.parse(text);
    if (details && typeof details === "object")
      return Object.entries(details)
        .map(([name, said]) => `${name}: ${said}`)
        .join("; ");
    return String(details ?? error ?? "");
  } catch {
    return "";
  }
}

/**
 * Return why there is no answer, in words.
 * @param {unknown} fault
 */
export function why(fault) {
  if (!(fault instanceof Unanswered)) return String(fault);
  const { status, details } = fault;
  if (status === 0) return say("unreachable");
  if (status === 400) return say("wrong", { details });
  if (status === 401 || (status === 403 && !details)) return say("must_login");
  if (status === 403) return say("may_not", { details });
  if (status === 404) return say("not_found");
  return status === 503 || status === 429 ? say("busy") : say("failed", { status: String(status) });
}

/**
 * Return a message for the place where the answer would be, with the way out: log in, or try again.
 * @param {unknown} fault
 * @param {() => void} [again]
 */
export function failure(fault, again) {
  const status = fault instanceof Unanswered ? fault.status : -1;
  const next = encodeURIComponent(location.pathname + location.search);
  const mayLogin = status === 401 || status === 403;
  return h(
    "div",
    { class: "failure", role: "alert" },
    h("p", {}, why(fault)),
    mayLogin && h("a", { class: "button", href: `/login?next=${next}` }, say("login")),
    again && status !== 400 && !mayLogin && h("button", { type: "button", onclick: again }, say("again")),
  );
}
