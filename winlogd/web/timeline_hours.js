// The hours of the timeline that are shown: the part of the day, and the axis above the rooms.
import { changed as changedAddress, go } from "./address.js";
import { fill, h, place } from "./dom.js";
import { words } from "./timeline_words.js";

const HOUR_MS = 3_600_000;
/** Without hours in the address those are left out in which nobody was on. So many are shown at least. */
const FEWEST_HOURS = 6;
const LABEL_PX = 48;
const HOURS = /^(\d\d:\d\d)-(\d\d:\d\d)$/;

/** @typedef {import("./timeline_day.js").Day} Day */

export class Hours {
  /** @param {() => void} moved called when other hours are shown */
  constructor(moved) {
    this.moved = moved;
    /** @type {Day | null} */
    this.day = null;
    /** The moments at the left and at the right edge. @type {[number, number]} */
    this.span = [0, 1];
    this.marks = h("div", { class: "tl-hours" });
    this.axis = h(
      "div",
      { class: "tl-axis" },
      h("span", { class: "tl-corner" }, words.say("at_most")),
      this.marks,
    );
  }

  /** Return true if a part of the day is not shown. */
  get isPart() {
    return this.day !== null && this.span[1] - this.span[0] < this.day.end - this.day.begin;
  }

  /** @param {Day} day @param {string | null} text of the address, such as 08:00-12:00 */
  read(day, text) {
    this.day = day;
    const [, from, until] = HOURS.exec(text ?? "") ?? [];
    if (from && until) {
      const end = until === "24:00" ? day.end : day.at(until);
      this.span = within(day, day.at(from), end - day.at(from));
    } else this.span = usual(day);
  }

  /** Show a span of the day, within its limits. @param {number} from @param {number} length in ms */
  move(from, length) {
    if (!this.day) return;
    this.span = within(this.day, from, length);
    this.draw();
    this.moved();
  }

  /** Put the hours into the address. */
  keep() {
    const { day, span } = this;
    if (!day) return;
    const until = span[1] >= day.end ? "24:00" : day.local(span[1]).slice(11);
    go(changedAddress({ hours: `${day.local(span[0]).slice(11)}-${until}` }), { replaces: true });
  }

  /** @param {number} factor @param {number} [at] the share of the span that stays where it is */
  zoom(factor, at = 0.5) {
    const [from, until] = this.span;
    const wide = Math.max(HOUR_MS, (until - from) * factor);
    this.move(from + (until - from - wide) * at, wide);
    this.keep();
  }

  /** @param {number} step */
  pan(step) {
    const [from, until] = this.span;
    this.move(from + (step * (until - from)) / 2, until - from);
    this.keep();
  }

  whole() {
    if (this.day) this.move(this.day.begin, this.day.end - this.day.begin);
    this.keep();
  }

  /** Draw the axis. */
  draw() {
    const { day, span } = this;
    if (!day) return;
    const hours = (span[1] - span[0]) / HOUR_MS;
    const every = [1, 2, 3, 4, 6].find((each) => (this.marks.clientWidth / hours) * each >= LABEL_PX) ?? 12;
    const marks = day.texts.flatMap((text, at) => {
      const share = ((day.begins[at] ?? 0) - span[0]) / (span[1] - span[0]);
      if (text.slice(14, 16) !== "00" || Number(text.slice(11, 13)) % every || share < 0 || share >= 1)
        return [];
      const mark = h("span", {}, text.slice(11, 16));
      place(mark, { left: `${100 * share}%` });
      return [mark];
    });
    fill(this.marks, marks);
  }
}

/**
 * @param {Day} day @param {number} from @param {number} length
 * @returns {[number, number]}
 */
function within(day, from, length) {
  const wide = Math.max(HOUR_MS, Math.min(length, day.end - day.begin));
  const begin = Math.max(day.begin, Math.min(from, day.end - wide));
  return [begin, begin + wide];
}

/**
 * Return the hours in which anybody was on, or may have been.
 * @param {Day} day
 * @returns {[number, number]}
 */
function usual(day) {
  const used = day.begins.map((_, at) => day.rooms.some((each) => each.in_use[at] || each.doubtful[at]));
  const [first, last] = [used.indexOf(true), used.lastIndexOf(true)];
  if (first < 0) return [day.begin, day.end];
  const from = day.begin + Math.floor(((day.begins[first] ?? 0) - day.begin) / HOUR_MS) * HOUR_MS;
  const until = day.begin + Math.ceil(((day.begins[last + 1] ?? day.end) - day.begin) / HOUR_MS) * HOUR_MS;
  return within(day, from, Math.max(until - from, FEWEST_HOURS * HOUR_MS));
}
