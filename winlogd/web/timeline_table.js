// The timeline as tables, for screen readers and for copying. A long table shows its first rows, and more by a button.
import { to } from "./address.js";
import { copiesAs } from "./copy.js";
import { h, named } from "./dom.js";
import { fullest } from "./timeline_day.js";
import { cellAddress, momentWords, mostWords, remarks, roomWords, sessionParts } from "./timeline_said.js";
import { words } from "./timeline_words.js";
import { number, say } from "./words.js";

/** @typedef {import("./timeline_day.js").Day} Day */
/** @typedef {import("./timeline_day.js").RoomCells} RoomCells */

/** The rows that are made at once, so that no task is long. */
const ROWS = { rooms: 25, sessions: 100 };

/**
 * Return the table of the rooms by hours.
 * @param {Day} day
 * @param {RoomCells[]} rooms
 * @param {(name: string | null) => string} address of a room's sessions
 */
export function tables(day, rooms, address) {
  const hours = day.texts.flatMap((text, at) => (text.slice(14, 16) === "00" ? [at] : []));
  const heads = [
    h("th", { scope: "col" }, words.say("room")),
    h("th", { scope: "col" }, words.say("machines")),
    ...hours.map((at) => h("th", { scope: "col" }, day.texts[at]?.slice(11, 13) ?? "")),
  ];
  return longTable(words.say("rooms_of"), heads, rooms, ROWS.rooms, (room) => {
    const name =
      room.name === null
        ? say("no_room")
        : h("a", { href: address(room.name), "data-row": true }, named(room.name));
    const row = h(
      "tr",
      {},
      h("th", { scope: "row" }, name),
      h("td", {}, number(room.machines)),
      hours.map((from, at) => h("td", {}, hourLink(day, room, from, hours[at + 1] ?? day.texts.length))),
    );
    copiesAs(row, () => `${roomWords(room.name)}: ${mostWords(day, room)}`);
    return row;
  });
}

/**
 * Return the fullest quarter of an hour: a link to who was there; nothing for an hour that has not begun.
 * @param {Day} day
 * @param {RoomCells} room
 * @param {number} from the number of the hour's first cell
 * @param {number} until
 */
function hourLink(day, room, from, until) {
  const hour = {
    ...room,
    in_use: room.in_use.slice(from, until),
    doubtful: room.doubtful.slice(from, until),
  };
  if (!hour.in_use.length) return "";
  const at = fullest(hour);
  if (at < 0) return "0";
  const [most, doubtful] = [hour.in_use[at] ?? 0, hour.doubtful[at] ?? 0];
  const text = doubtful ? `${number(most)}+${number(doubtful)}` : number(most);
  return h("a", { href: cellAddress(day, room, from + at) }, text);
}

/**
 * Return the table of the sessions of a room.
 * @param {Day} day
 * @param {string | null} name
 * @param {import("./timeline_day.js").Row[]} rows
 */
export function sessionTable(day, name, rows) {
  const heads = ["machine", "user", "from", "to", "remark"].map((each) =>
    h("th", { scope: "col" }, words.say(/** @type {any} */ (each))),
  );
  const all = rows.flatMap(({ host, bars }) => bars.map((bar) => ({ host, bar })));
  const caption = words.say("sessions_of", { room: roomWords(name) });
  return longTable(caption, heads, all, ROWS.sessions, ({ host, bar }) => {
    const { session } = bar;
    const isKnown = session.ended_by === "client";
    const row = h(
      "tr",
      {},
      h("th", { scope: "row" }, h("a", { href: to(["machine", host]), "data-row": true }, named(host))),
      h("td", {}, h("a", { href: to(["user", session.username]) }, named(session.username))),
      h("td", {}, momentWords(day, bar.begin)),
      h("td", {}, bar.isOpen ? words.say("still") : isKnown ? momentWords(day, bar.end) : "?"),
      h("td", {}, remarks(day, bar).join("; ")),
    );
    copiesAs(row, () =>
      sessionParts(day, bar)
        .map((each) => (typeof each === "string" ? each : each.textContent))
        .join(""),
    );
    return row;
  });
}

/**
 * Return a table that grows by a button.
 * @template Item
 * @param {string} caption
 * @param {HTMLElement[]} heads
 * @param {Item[]} items
 * @param {number} atOnce
 * @param {(item: Item) => HTMLElement} rowOf
 */
function longTable(caption, heads, items, atOnce, rowOf) {
  const body = h("tbody");
  const more = h("button", { type: "button", onclick: () => grow() });
  const grow = () => {
    const from = body.children.length;
    body.append(...items.slice(from, from + atOnce).map(rowOf));
    const left = items.length - body.children.length;
    more.hidden = left <= 0;
    more.textContent = words.say("more", { n: left });
  };
  grow();
  const table = h(
    "table",
    { class: "tl-table" },
    h("caption", {}, caption),
    h("thead", {}, h("tr", {}, heads)),
    body,
  );
  return h("div", { class: "tl-wide", tabindex: "0", role: "region", "aria-label": caption }, table, more);
}
