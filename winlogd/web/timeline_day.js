// A day of the timeline as values: its cells, and the bars of its sessions. Pure: it knows no document.
import { compareNames } from "./words.js";

/**
 * One session as it is drawn. All times are ms since 1970.
 * @typedef {object} Bar
 * @property {any} session as the server has sent it
 * @property {number} begin
 * @property {number} sure until then nothing speaks against it
 * @property {number} end the recorded end, or now
 * @property {boolean} isOpen
 * @property {number} lane of its machine, from 0
 * @property {number} lanes how many sessions share the height
 */
/** @typedef {{host: string, bars: Bar[], lanes: number}} Row a machine and its sessions, in the order of their begins */
/** @typedef {{name: string | null, machines: number, in_use: number[], doubtful: number[]}} RoomCells */

const MINUTE_MS = 60_000;
const DAY_MS = 1440 * MINUTE_MS;

export class Day {
  /** @param {any} answer of /api/v1/occupancy */
  constructor(answer) {
    /** @type {string} */
    this.date = answer.day;
    /** @type {RoomCells[]} */
    this.rooms = answer.rooms;
    /** @type {string[]} */
    this.texts = answer.begins_at;
    this.begins = this.texts.map((each) => Date.parse(each));
    this.begin = this.begins[0] ?? 0;
    this.end = (this.begins.at(-1) ?? 0) + 15 * MINUTE_MS;
    /** @type {string} */
    this.today = answer.now.slice(0, 10);
    this.isToday = this.today === answer.day;
    this.aheadMs = Date.parse(answer.now) - Date.now();
  }

  /** Return now, by the server's clock. */
  now() {
    return Date.now() + this.aheadMs;
  }

  /** Return the last moment of the day that has been. */
  last() {
    return Math.min(this.end, this.now());
  }

  /**
   * Return the number of the cell that holds a moment of the day.
   * @param {number} ms
   */
  cell(ms) {
    const after = this.begins.findIndex((each) => each > ms);
    return after < 0 ? this.begins.length - 1 : Math.max(0, after - 1);
  }

  /**
   * Return a moment as local time without its offset, such as 2026-11-26T10:15.
   * @param {number} ms
   */
  local(ms) {
    const [text, begin] = [this.texts[this.cell(ms)] ?? "", this.begins[this.cell(ms)] ?? 0];
    return new Date(Date.parse(`${text.slice(0, 16)}Z`) + ms - begin).toISOString().slice(0, 16);
  }

  /**
   * Return the begin of a cell as an address has it, with its offset if that local time comes twice.
   * @param {number} cell its number; the one after the last stands for the end of the day
   */
  written(cell) {
    const text = this.texts[cell];
    if (text === undefined) return this.local(this.end);
    const short = text.slice(0, 16);
    return this.texts.filter((each) => each.startsWith(short)).length > 1 ? text : short;
  }

  /**
   * Return the first moment of the day at a time such as 10:15.
   * @param {string} clock
   */
  at(clock) {
    const found = this.texts.findLastIndex((each) => each.slice(11, 16) <= clock);
    const minutes = (text = "") => Number(text.slice(0, 2)) * 60 + Number(text.slice(3, 5));
    const begin = this.begins[found] ?? this.begin;
    return begin + (minutes(clock) - minutes(this.texts[found]?.slice(11, 16))) * MINUTE_MS;
  }
}

/**
 * Return the cell in which most machines of a room were in use, or may have been; -1 if none ever was.
 * @param {RoomCells} room
 */
export function fullest(room) {
  let [found, most] = [-1, 0];
  for (const [at, count] of room.in_use.entries()) {
    const rank = count * 1e6 + (room.doubtful[at] ?? 0);
    if (rank > most) [found, most] = [at, rank];
  }
  return found;
}

/**
 * Return the rows of a room.
 * @param {Day} day
 * @param {Bar[]} sessions
 * @param {string[]} hostnames of all machines that stand there: the rows of those without a session are empty
 * @returns {Row[]}
 */
export function rowsOf(day, sessions, hostnames) {
  const known = new Map(hostnames.map((each) => [folded(each), each]));
  const short = new Map(hostnames.map((each) => [label(folded(each)), each]));
  /** @type {Map<string, Bar[]>} */
  const bars = new Map(hostnames.map((each) => [each, []]));
  for (const bar of sessions) {
    const { session } = bar;
    const name = folded(session.hostname ?? "");
    const host = known.get(name) ?? (name === label(name) ? short.get(name) : known.get(label(name)));
    if (bar.isOpen) Object.assign(bar, spanOf(day, session));
    if (bar.end < day.begin || bar.begin >= day.end) continue;
    if (host === undefined) known.set(name, session.hostname ?? "");
    const found = bars.get(host ?? session.hostname ?? "");
    if (found) found.push(bar);
    else bars.set(session.hostname ?? "", [bar]);
  }
  return [...bars]
    .sort(([one], [other]) => compareNames(one, other))
    .map(([host, each]) => ({ host, bars: each.sort((a, b) => a.begin - b.begin), lanes: share(each) }));
}

/** @param {string} name */
const folded = (name) => name.toLowerCase().replace(/\.$/, "");
/** @param {string} name */
const label = (name) => name.split(".")[0] ?? name;

/**
 * Return the bar of a session.
 * @param {Day} day
 * @param {any} session
 * @returns {Bar}
 */
export function barOf(day, session) {
  return { session, isOpen: session.state === "open", lane: 0, lanes: 1, ...spanOf(day, session) };
}

/**
 * Return when a session was. Where the workstation's clock was wrong, the server's counts. An open one ends now.
 * @param {Day} day
 * @param {any} session
 */
function spanOf(day, session) {
  const shift = (session.clock_error_seconds ?? 0) * 1000;
  const begin = Date.parse(session.connected_at) - shift;
  const told = session.disconnected_at ? Date.parse(session.disconnected_at) - shift : begin + DAY_MS;
  const end = Math.max(begin, session.state === "open" ? day.last() : Math.min(told, day.now()));
  const doubt = session.doubtful_since ? Math.max(begin, Date.parse(session.doubtful_since)) : end;
  const sure = session.ended_by === "client" ? end : Math.min(end, session.ended_by ? begin : doubt);
  return { begin, sure, end };
}

/**
 * Give each bar its lane: bars that overlap share the height. Return the most lanes.
 * @param {Bar[]} bars in the order of their begins
 */
function share(bars) {
  let most = 1;
  for (let from = 0; from < bars.length; ) {
    /** @type {number[]} */
    const ends = [];
    let until = from;
    for (let last = -1; until < bars.length; until++) {
      const bar = /** @type {Bar} */ (bars[until]);
      if (until > from && bar.begin >= last) break;
      const free = ends.findIndex((end) => end <= bar.begin);
      bar.lane = free < 0 ? ends.length : free;
      ends[bar.lane] = bar.end;
      last = Math.max(last, bar.end);
    }
    for (const bar of bars.slice(from, until)) bar.lanes = ends.length;
    most = Math.max(most, ends.length);
    from = until;
  }
  return most;
}
