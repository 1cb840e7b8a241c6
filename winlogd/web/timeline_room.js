// One room of the timeline: its names on the left, and one canvas that shows the part of it which is on the screen.
import { go, to } from "./address.js";
import { copiesAs } from "./copy.js";
import { announce, fill, h, named, place, set } from "./dom.js";
import { day as dayWords } from "./time.js";
import { draw, firstRow, hit } from "./timeline_canvas.js";
import {
  cellAddress,
  cellWords,
  mostLink,
  mostWords,
  roomWords,
  rowLine,
  sessionParts,
} from "./timeline_said.js";
import { words } from "./timeline_words.js";
import { say } from "./words.js";

/** @typedef {import("./timeline_day.js").Bar} Bar */
/** @typedef {import("./timeline_day.js").Row} Row */

/** The canvas and the names reach this far beyond the screen. */
const MARGIN_PX = 200;
/** A pointer that has moved less has not been dragged. */
const DRAG_PX = 6;

export class RoomView {
  /**
   * @param {import("./timeline.js").Timeline} timeline
   * @param {import("./timeline_day.js").RoomCells} room
   */
  constructor(timeline, room) {
    this.timeline = timeline;
    this.room = room;
    /** @type {Row[]} */
    this.rows = [];
    this.isOpen = false;
    this.isVisible = false;
    /** @type {HTMLCanvasElement | null} */
    this.canvas = null;
    /** @type {Bar | number | null} */
    this.chosen = null;
    /** @type {number[]} */
    this.tops = [];
    this.height = 0;
    this.slice = { top: 0, height: 0 };
    this.drawn = "";
    const toggle = () => timeline.toggle(room.name);
    this.summary = h("button", { type: "button", class: "summary", "data-row": true, onclick: toggle });
    this.most = h("span", { class: "tl-room-most" });
    this.hosts = h("ul", { class: "tl-hosts" });
    this.plot = h("div", { class: "tl-plot" });
    this.note = h("div", { class: "tl-note" });
    const head = h("div", { class: "tl-room-head" }, h("h2", {}, this.summary), this.most);
    const names = h("div", { class: "tl-names" }, head, this.hosts);
    this.element = h("section", { class: "tl-room" }, names, this.plot, this.note);
    fill(this.summary, h("span", { class: "name" }, room.name === null ? say("no_room") : named(room.name)));
    copiesAs(this.summary, () => `${dayWords(timeline.day?.date ?? "")}, ${this.line()}`);
    this.listen();
  }

  line() {
    const { day } = this.timeline;
    return `${roomWords(this.room.name)}: ${day ? mostWords(day, this.room) : ""}`;
  }

  /** Take what is known now. @param {Row[] | null} rows of the machines; null while they are not known, or folded */
  take(rows) {
    const { day, sizes } = this.timeline;
    if (!day) return;
    this.isOpen = this.timeline.isOpen(this.room.name);
    this.rows = this.isOpen && rows ? rows : [];
    if (typeof this.chosen !== "number") this.chosen = null;
    this.tops = [sizes.band];
    for (const row of this.rows)
      this.tops.push((this.tops.at(-1) ?? 0) + sizes.row * Math.max(1, Math.ceil(row.lanes / 2)));
    this.height = this.tops.at(-1) ?? sizes.band;
    set(this.summary, { "aria-expanded": String(this.isOpen) });
    fill(this.most, mostLink(day, this.room));
    for (const each of [this.plot, this.hosts]) place(each, { "block-size": `${this.height}px` });
    place(this.hosts, { "margin-block-start": `-${sizes.band}px` });
    this.drawn = "";
    if (!this.rows.length) fill(this.hosts);
    this.draw();
  }

  /** Show why there are no machines, or that they are coming. @param {string | Node | null} text */
  tell(text) {
    fill(this.note, text);
  }

  /** Return true if the room is on the screen, or begins below it within the margin. @param {DOMRect} box of its plot */
  isNear({ top, bottom }) {
    return bottom > 0 && top < innerHeight + MARGIN_PX;
  }

  /** @param {boolean} isVisible @param {DOMRect} [box] of its plot, if that is known */
  show(isVisible, box) {
    this.isVisible = isVisible;
    if (isVisible) return this.draw(box);
    this.canvas?.remove();
    this.canvas = null;
    this.drawn = "";
    if (!this.element.contains(document.activeElement)) fill(this.hosts);
  }

  /** Draw the part that is on the screen. @param {DOMRect} [known] where the plot is */
  draw(known) {
    const { day, span } = this.timeline;
    if (!this.isVisible || !day) return;
    const box = known ?? this.plot.getBoundingClientRect();
    const top = Math.max(0, Math.min(-box.top - MARGIN_PX, this.height - 1));
    const bottom = Math.min(this.height, innerHeight - box.top + MARGIN_PX);
    this.slice = { top: Math.floor(top), height: Math.max(1, Math.ceil(bottom - top)) };
    if (!this.canvas) {
      this.canvas = h("canvas", { role: "img" });
      fill(this.plot, this.canvas);
    }
    const most = mostWords(day, this.room);
    const label = words.say("summary", { room: roomWords(this.room.name), day: dayWords(day.date), most });
    set(this.canvas, { "aria-label": label });
    place(this.canvas, { top: `${this.slice.top}px`, "block-size": `${this.slice.height}px` });
    draw(this.canvas, { ...this.picture(box.width), span });
    this.drawHosts();
  }

  /** @param {number} width @returns {import("./timeline_canvas.js").Picture} */
  picture(width = this.plot.clientWidth) {
    const { day, sizes, span } = this.timeline;
    const { room, rows, tops, chosen } = this;
    return {
      day: /** @type {any} */ (day),
      room,
      rows,
      tops,
      band: sizes.band,
      span,
      width,
      chosen,
      ...this.slice,
    };
  }

  /** Make the names of the rows that are drawn. The row that has the focus keeps it. */
  drawHosts() {
    const { top, height } = this.slice;
    const last = top + height;
    const from = firstRow(this.tops, top);
    let until = from;
    while (until < this.rows.length && (this.tops[until] ?? 0) <= last) until++;
    const wanted = `${from} ${until}`;
    if (wanted === this.drawn || !this.rows.length) return;
    this.drawn = wanted;
    const focused = document.activeElement?.closest("[data-host]")?.getAttribute("data-host");
    const items = this.rows.slice(from, until).map((row, at) => this.hostItem(row, from + at));
    fill(this.hosts, items);
    const again = focused && items.find((each) => each.dataset.host === focused);
    if (again) again.querySelector("a")?.focus({ preventScroll: true });
  }

  /** @param {Row} row @param {number} at */
  hostItem(row, at) {
    const { day } = this.timeline;
    const link = h(
      "a",
      { class: "host", href: to(["machine", row.host]), "data-row": true },
      named(row.host),
    );
    const item = h("li", { "data-host": row.host }, link);
    const [top = 0, end = 0] = [this.tops[at], this.tops[at + 1]];
    place(item, { top: `${top}px`, "block-size": `${end - top}px` });
    copiesAs(item, () => (day ? rowLine(day, row) : ""));
    return item;
  }

  /** Choose the next session of the row that has the focus, or the next cell of the band. @param {number} step */
  step(step) {
    const { day } = this.timeline;
    const host = document.activeElement?.closest("[data-host]")?.getAttribute("data-host");
    const row = this.rows.find((each) => each.host === host);
    if (!day) return;
    const all = row ? row.bars : day.begins.slice(0, this.room.in_use.length).map((_, cell) => cell);
    const at = all.indexOf(/** @type {never} */ (this.chosen));
    const first = row ? (step > 0 ? 0 : all.length - 1) : day.cell(this.timeline.span[0]);
    const next = at < 0 ? first : Math.max(0, Math.min(at + step, all.length - 1));
    this.choose(all[next] ?? null);
    if (this.chosen === null) return;
    const box = this.plot.getBoundingClientRect();
    const ms = typeof this.chosen === "number" ? (day.begins[this.chosen] ?? 0) : this.chosen.begin;
    const [from, until] = this.timeline.span;
    const top = row ? (this.tops[this.rows.indexOf(row) + 1] ?? 0) : this.timeline.sizes.band;
    const left = Math.max(0, Math.min(1, (ms - from) / (until - from)));
    this.timeline.hint.show(this.said(), box.left + left * box.width, box.top + top);
    announce(
      this.said()
        .map((each) => (typeof each === "string" ? each : (each.textContent ?? "")))
        .join(""),
    );
  }

  /** Return what is chosen in words. @returns {(string | Node)[]} */
  said() {
    const { day } = this.timeline;
    if (!day || this.chosen === null) return [];
    return typeof this.chosen === "number"
      ? [cellWords(day, this.room, this.chosen)]
      : sessionParts(day, this.chosen);
  }

  /** Return the address of what is chosen: the user, or who was in the room then. */
  address() {
    const { day } = this.timeline;
    if (!day || this.chosen === null) return null;
    return typeof this.chosen === "number"
      ? cellAddress(day, this.room, this.chosen)
      : to(["user", this.chosen.session.username]);
  }

  /** @param {Bar | number | null} chosen */
  choose(chosen) {
    if (this.chosen === chosen) return;
    this.timeline.choose(this, chosen);
    if (this.canvas) draw(this.canvas, this.picture());
  }

  // ── the pointer ───────────────────────────────────────────────────────────────────────────────────────

  listen() {
    /** @type {{x: number, span: [number, number]} | null} */
    let pressed = null;
    let isDragged = false;
    const { timeline, plot } = this;
    /** @param {PointerEvent} event */
    const pointAt = (event) => {
      const box = plot.getBoundingClientRect();
      const { chosen } = hit(this.picture(box.width), event.clientX - box.left, event.clientY - box.top);
      this.choose(chosen);
    };
    plot.addEventListener("pointerdown", (event) => {
      pressed = { x: event.clientX, span: timeline.span };
      isDragged = false;
    });
    plot.addEventListener("pointermove", (event) => {
      const moved = pressed && event.buttons ? event.clientX - pressed.x : 0;
      if (pressed && (isDragged || Math.abs(moved) > DRAG_PX) && timeline.hours.isPart) {
        if (!isDragged) plot.setPointerCapture(event.pointerId);
        isDragged = true;
        const [from, until] = pressed.span;
        timeline.hours.move(from - (moved / plot.clientWidth) * (until - from), until - from);
        return;
      }
      if (event.pointerType === "touch") return;
      pointAt(event);
      timeline.hint.show(this.said(), event.clientX, event.clientY);
      place(plot, { cursor: this.chosen === null ? "" : "pointer" });
    });
    plot.addEventListener("pointerleave", (event) => {
      if (event.pointerType === "touch" || isDragged) return;
      this.choose(null);
      timeline.hint.hide();
    });
    plot.addEventListener("pointerup", (event) => {
      pressed = null;
      if (isDragged) return timeline.hours.keep();
      pointAt(event);
      const address = this.address();
      if (event.pointerType === "touch")
        timeline.hint.show(this.said(), event.clientX, event.clientY, address);
      else if (address && event.button === 0) go(address);
    });
  }
}
