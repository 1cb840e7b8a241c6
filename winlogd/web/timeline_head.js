// What is above the timeline: the day, the zoom, the filters, what the patterns mean, and the list as CSV.
import { changed as changedAddress, go } from "./address.js";
import { csvButton, csvLink, csvRows } from "./copy.js";
import { fill, h, set } from "./dom.js";
import { chips } from "./filters.js";
import { day as dayWords } from "./time.js";
import { words } from "./timeline_words.js";

/** @typedef {import("./timeline.js").Timeline} Timeline */

/** The day and the zoom. The field for the day stays the same element: somebody may be typing into it. */
export class Head {
  /** @param {Timeline} timeline */
  constructor(timeline) {
    this.timeline = timeline;
    this.field = h("input", { type: "date", "aria-label": words.say("day"), onchange: () => this.choose() });
    this.next = button("›", "next", () => timeline.goDay(1));
    this.title = h("strong", { class: "tl-day" });
    this.zoom = h("div", { class: "tl-group" });
    const previous = button("‹", "previous", () => timeline.goDay(-1));
    const day = h("div", { class: "tl-group" }, previous, this.field, this.next, this.title);
    this.element = h("div", { class: "tl-head" }, day, this.zoom);
  }

  choose() {
    const { value } = this.field;
    if (value && value !== this.timeline.day?.date) go(changedAddress({ day: value, hours: null }));
  }

  draw() {
    const { timeline } = this;
    const date = timeline.shown;
    if (this.field.value !== date) this.field.value = date;
    set(this.field, { max: timeline.latest });
    set(this.next, { disabled: date >= timeline.latest });
    fill(this.title, dayWords(date));
    const key = document.activeElement?.getAttribute("data-key");
    fill(this.zoom, this.zoomButtons());
    const again = key ? this.zoom.querySelector(`[data-key="${key}"]`) : null;
    if (again instanceof HTMLElement) again.focus();
  }

  zoomButtons() {
    const { timeline } = this;
    const { hours } = timeline;
    const isDrawing = !timeline.isTable && timeline.day !== null;
    return [
      timeline.day?.isToday && button("↻", "again", () => timeline.loadDay(true)),
      isDrawing && [
        button("←", "earlier", () => hours.pan(-1), !hours.isPart),
        button("→", "later", () => hours.pan(1), !hours.isPart),
        button("−", "wider", () => hours.zoom(2), !hours.isPart),
        button("+", "closer", () => hours.zoom(0.5)),
        hours.isPart && h("button", { type: "button", onclick: () => hours.whole() }, words.say("whole")),
      ],
      h(
        "button",
        { type: "button", "data-key": "table", onclick: () => timeline.toggleTable() },
        words.say(timeline.isTable ? "as_drawing" : "as_table"),
      ),
    ];
  }
}

/**
 * @param {string} text
 * @param {"previous" | "next" | "earlier" | "later" | "wider" | "closer" | "again"} key of its words
 * @param {() => void} act
 */
function button(text, key, act, isOff = false) {
  const title = words.say(key);
  const attributes = { type: "button", title, "aria-label": title, "data-key": key };
  return h("button", { ...attributes, disabled: isOff, onclick: act }, text);
}

/**
 * Return the filters, what the patterns mean, and the way to the list as CSV.
 * @param {Timeline} timeline
 * @param {import("./timeline_day.js").RoomCells[]} rooms
 */
export function filtersOf(timeline, rooms) {
  const [only] = rooms;
  const day = timeline.day?.date ?? "";
  const isAll = timeline.wanted() === null;
  /** @param {"known" | "still" | "unsure"} key */
  const item = (key) => h("span", {}, h("span", { class: `tl-key ${key}` }), h("span", {}, words.say(key)));
  return [
    chips(timeline.state, ["room"]),
    !timeline.isTable && h("p", { class: "tl-legend" }, item("known"), item("still"), item("unsure")),
    isAll || (rooms.length === 1 && only?.name)
      ? csvLink("sessions", { from: day, to: day, room: isAll ? null : only?.name })
      : csvButton("sessions", () => csv(timeline, rooms)),
  ];
}

/**
 * Return the sessions of some rooms for a spreadsheet.
 * @param {Timeline} timeline
 * @param {import("./timeline_day.js").RoomCells[]} rooms
 */
function csv(timeline, rooms) {
  const sessions = rooms.flatMap(({ name }) => timeline.sessions.bars.get(name) ?? []);
  return csvRows(sessions.map(({ session }) => session));
}
