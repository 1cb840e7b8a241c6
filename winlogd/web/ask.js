// Ask the server, and say in plain words why there is no answer.
import { h } from "./dom.js";
import { firstAnswer, parametersOf, read } from "./first.js";
import { say } from "./words.js";

/** What the server says if it is too busy to begin. A question that took too long is not worth another try. */
const BUSY = "Try again";
/** Ask no more after this long: each time may be a row of the readers' log. */
const ENOUGH_MS = 5_000;

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
 * Return the answer to a question, such as `ask("machines", {room: "A102"})`: the first one, if the shell has asked for
 * it. While the server is busy, ask again. Give a signal to end it early.
 * @param {string} path below /api/v1/, encoded
 * @param {import("./first.js").Query} [query] what is null or empty is left out
 * @param {AbortSignal} [signal]
 * @returns {Promise<any>}
 * @throws {Unanswered} there is none; or the signal's reason
 */
export async function ask(path, query = {}, signal) {
  const parameters = `${parametersOf(query)}`;
  const address = `/api/v1/${path}${parameters && `?${parameters}`}`;
  const untilMs = Date.now() + ENOUGH_MS;
  while (true) {
    const answer = (await firstAnswer(path, query)) ?? (await read(address, signal ?? null));
    signal?.throwIfAborted();
    if (!answer) throw new Unanswered(0, "");
    const { status, text, headers } = answer;
    const told = parsed(text);
    // What is no JSON comes from another server.
    if (status === 200 && !told) throw new Unanswered(0, "");
    if (status === 200) return told;
    if (told?.error !== BUSY || Date.now() > untilMs) throw new Unanswered(status, detailsOf(told ?? {}));
    const pauseMs = 1000 * Number(headers.get("retry-after"));
    await new Promise((done) => setTimeout(done, pauseMs || 1000));
    signal?.throwIfAborted();
  }
}

/** @param {string} text */
function parsed(text) {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

/** @param {{error?: string, details?: string | Record<string, string>}} told */
function detailsOf({ error = "", details = error }) {
  if (typeof details === "string") return details;
  return Object.entries(details)
    .map(([name, said]) => `${name}: ${said}`)
    .join("; ");
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
