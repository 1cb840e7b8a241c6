// What the timeline asks the server besides the day: the sessions of the rooms that are unfolded.
import { ask, failure } from "./ask.js";
import { barOf } from "./timeline_day.js";
import { words } from "./timeline_words.js";
import { say } from "./words.js";

/** @typedef {import("./timeline_day.js").Day} Day */
/** @typedef {import("./timeline_day.js").Bar} Bar */

const PAGE = "1000";

/**
 * @typedef {object} Listener
 * @property {(name: string | null) => boolean} isOpen true while somebody wants to see a room's sessions
 * @property {(name: string | null, text: string | Node | null) => void} tell says why they are not there yet
 * @property {(name: string | null) => void} took has them now
 */

/** The sessions of the rooms that are unfolded: asked for one room after the other. */
export class Sessions {
  /** @param {Listener} listener */
  constructor(listener) {
    this.listener = listener;
    /** @type {Day | null} */
    this.day = null;
    this.signal = new AbortController().signal;
    /** @type {Map<string | null, Bar[]>} */
    this.bars = new Map();
    /** @type {Set<string | null>} */
    this.asked = new Set();
    /** @type {Promise<void>} */
    this.queue = Promise.resolve();
  }

  /** Ask anew from now on; what is known stays until then. @param {Day} day @param {AbortSignal} signal */
  begin(day, signal) {
    [this.day, this.signal] = [day, signal];
    this.asked.clear();
    this.queue = Promise.resolve();
  }

  /** Ask for the sessions of a room, unless that was done. @param {string | null} name */
  want(name) {
    if (this.asked.has(name)) return;
    const { signal } = this;
    this.asked.add(name);
    this.queue = this.queue
      .then(() => this.load(name, signal))
      .catch((fault) => {
        if (signal.aborted) return;
        this.asked.delete(name);
        this.listener.tell(
          name,
          failure(fault, () => this.want(name)),
        );
      });
  }

  /** @param {string | null} name @param {AbortSignal} signal */
  async load(name, signal) {
    const { day, listener } = this;
    if (!day || !listener.isOpen(name)) return void this.asked.delete(name);
    listener.tell(name, say("loading"));
    /** @type {Bar[]} */
    const bars = [];
    /** @type {string | null} */
    let cursor = null;
    do {
      /** @type {Record<string, string | null>} */
      const query = { room: name, from: day.date, to: day.date, limit: PAGE, cursor };
      const page = await ask("sessions", query, signal);
      // A page a task: a large site has thousands of sessions in the room without a name.
      for (const each of page.sessions) if (each.room === name) bars.push(barOf(day, each));
      cursor = page.next;
      if (cursor) listener.tell(name, words.say("loading_more", { n: bars.length }));
    } while (cursor);
    this.bars.set(name, bars);
    listener.tell(name, null);
    listener.took(name);
  }
}
