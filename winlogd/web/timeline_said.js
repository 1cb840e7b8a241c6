// What the timeline says in words: of a session, of a quarter of an hour, of a room. For the hint, the table and copies.
import { to } from "./address.js";
import { fill, h, named, place, set, visible } from "./dom.js";
import { day as dayWords, duration } from "./time.js";
import { fullest } from "./timeline_day.js";
import { words } from "./timeline_words.js";
import { number, say, sayOf } from "./words.js";

/** @typedef {import("./timeline_day.js").Day} Day */
/** @typedef {import("./timeline_day.js").Bar} Bar */
/** @typedef {import("./timeline_day.js").RoomCells} RoomCells */

/**
 * Return a room's name, also of the machines without a room.
 * @param {string | null} name
 */
export function roomWords(name) {
  return name === null ? say("no_room") : visible(name);
}

/**
 * Return a moment: its time, with the date if it is another day.
 * @param {Day} day
 * @param {number} ms
 */
export function momentWords(day, ms) {
  const text = day.local(ms);
  return text.slice(0, 10) === day.date
    ? text.slice(11)
    : `${dayWords(text.slice(0, 10), "short")}, ${text.slice(11)}`;
}

/**
 * Return a session in words, with its names as nodes.
 * @param {Day} day
 * @param {Bar} bar
 * @returns {(string | Node)[]}
 */
export function sessionParts(day, bar) {
  const { session, begin, end } = bar;
  const values = {
    user: named(session.username),
    host: named(session.hostname ?? "?"),
    from: momentWords(day, begin),
    to: momentWords(day, end),
  };
  const key = bar.isOpen ? "open_session" : session.ended_by === "client" ? "whole_session" : "unknown_end";
  return [...words.parts(key, values), ...remarks(day, bar).map((each) => `. ${each}`)];
}

/**
 * Return what has to be said of a session besides its span.
 * @param {Day} day
 * @param {Bar} bar
 * @returns {string[]}
 */
export function remarks(day, { session, isOpen, sure, end }) {
  const said = [];
  if (isOpen && sure < end)
    said.push(
      words.say("unsure_since", { time: momentWords(day, sure), why: sayOf(session.doubt ?? "no_end") }),
    );
  if (!isOpen && session.ended_by !== "client") said.push(words.say("no_end"));
  if (session.clock_error_seconds)
    said.push(words.say("wrong_clock", { time: duration(Math.abs(session.clock_error_seconds) * 1000) }));
  return said;
}

/**
 * Return a quarter of an hour of a room in words.
 * @param {Day} day
 * @param {RoomCells} room
 * @param {number} cell
 */
export function cellWords(day, room, cell) {
  const [from, until] = [day.begins[cell] ?? day.begin, day.begins[cell + 1] ?? day.end];
  const text = words.say("cell", {
    room: roomWords(room.name),
    from: momentWords(day, from),
    to: day.local(until - 1000).slice(11) === "23:59" ? "24:00" : day.local(until).slice(11),
    n: room.in_use[cell] ?? 0,
    machines: room.machines,
  });
  const more = room.doubtful[cell] ?? 0;
  return more ? `${text}, ${words.say("cell_unsure", { n: more })}` : text;
}

/**
 * Return the most that a room was in use.
 * @param {Day} day
 * @param {RoomCells} room
 */
export function mostWords(day, room) {
  const cell = fullest(room);
  if (cell < 0) return words.say("nobody");
  return words.say("most_at", {
    time: day.local(day.begins[cell] ?? 0).slice(11),
    n: room.in_use[cell] ?? 0,
    machines: room.machines,
    doubtful: room.doubtful[cell] ?? 0,
  });
}

/**
 * Return the address of the list of all sessions that were on in a room in a quarter of an hour. The number of a cell
 * counts machines: the list of its first moment alone would lack those on which somebody logged on later in the cell.
 * @param {Day} day
 * @param {RoomCells} room
 * @param {number} cell
 */
export function cellAddress(day, room, cell) {
  const address = to([], { from: day.written(cell), to: day.written(cell + 1), room: room.name });
  return room.name === null ? `${address}&room=` : address;
}

/**
 * Return the number of a room at its fullest: a link to who was there.
 * @param {Day} day
 * @param {RoomCells} room
 */
export function mostLink(day, room) {
  const cell = fullest(room);
  const text = `${number(room.in_use[cell] ?? 0)}/${number(room.machines)}`;
  return cell < 0
    ? h("span", { class: "tl-most" }, text)
    : h("a", { class: "tl-most", href: cellAddress(day, room, cell), title: mostWords(day, room) }, text);
}

/**
 * Return a machine's day as one line, for a ticket.
 * @param {Day} day
 * @param {import("./timeline_day.js").Row} row
 */
export function rowLine(day, row) {
  const text = (/** @type {(string | Node)[]} */ parts) =>
    parts.map((each) => (typeof each === "string" ? each : each.textContent)).join("");
  const said = row.bars.map((bar) => text(sessionParts(day, bar)));
  return `${dayWords(day.date)}, ${visible(row.host)}: ${said.join("; ") || words.say("nobody")}`;
}

/** The words beside the pointer, or beside what the keys have chosen. */
export class Hint {
  constructor() {
    this.element = h("div", { class: "tl-hint", hidden: true });
  }

  hide() {
    set(this.element, { hidden: true });
  }

  /**
   * Show what is at a point in words. With an address there is a link, for a finger.
   * @param {(string | Node)[]} parts none hides it
   * @param {number} left px of the screen
   * @param {number} top
   * @param {string | null} [address]
   */
  show(parts, left, top, address = null) {
    if (!parts.length) return this.hide();
    set(this.element, { hidden: null });
    fill(this.element, h(address ? "a" : "p", { href: address }, h("span", {}, parts)));
    const { offsetWidth: width, offsetHeight: height } = this.element;
    const below = top + 16 + height < innerHeight ? top + 16 : top - height - 12;
    place(this.element, {
      left: `${Math.max(4, Math.min(left + 12, innerWidth - width - 4))}px`,
      top: `${Math.max(4, below)}px`,
    });
  }
}
