// The page Trends: how many are on at once by weekday and hour, users by day, logons by hour; for all or one room.
import { changed, go } from "./address.js";
import { ask, failure } from "./ask.js";
import { fill, h, set, sheet, visible } from "./dom.js";
import { chips } from "./filters.js";
import { bind, bindRows } from "./keys.js";
import { learned, live } from "./live.js";
import { offer } from "./pages.js";
import { addDays, day, today } from "./time.js";
import { drawDays, drawHours, drawWeek } from "./trends_charts.js";
import { words } from "./trends_words.js";
import { say } from "./words.js";

const SPANS_DAYS = [7, 28, 90, 365];
const USUAL_DAYS = 28;

offer("trends", show);

/**
 * Show the page.
 * @param {HTMLElement} root
 * @param {Place} state
 * @returns {Promise<Page>}
 */
async function show(root, state) {
  fill(root, h("p", { class: "loading" }, say("loading")));
  await Promise.all([sheet("trends.css"), learned()]);
  const trends = new Trends(root, state);
  const ends = [
    () => trends.asking.abort(),
    bindRows(root),
    bind({
      t: [() => words.say("k_table"), () => trends.turn()],
      "[": [() => words.say("before"), () => trends.move(-1)],
      "]": [() => words.say("after"), () => trends.move(1)],
    }),
  ];
  return {
    title: say("trends"),
    ends,
    change: (next) => trends.change(next),
  };
}

class Trends {
  /** @param {HTMLElement} root @param {Place} state */
  constructor(root, state) {
    this.state = state;
    this.asking = new AbortController();
    this.controls = h("div", { class: "trend-controls" });
    this.filters = h("div", { class: "trend-filters" });
    this.week = h("section", { class: "trend" });
    this.days = h("section", { class: "trend" });
    this.hours = h("section", { class: "trend" });
    this.kept = h("p", { class: "note", hidden: true }, words.say("kept"));
    /** @type {string | null} */
    this.asked = null;
    /** @type {string | null} */
    this.askedDay = null;
    /** @type {{week: WeekHour[], days: Count[]} | null} */
    this.known = null;
    /** @type {Count[] | null} Those of `askedDay`. */
    this.ofDay = null;
    const heading = h("h1", { class: "unseen" }, say("trends"));
    fill(root, heading, this.controls, this.filters, this.week, this.days, this.hours, this.kept);
    this.change(state);
  }

  // ── what is asked ─────────────────────────────────────────────────────────────────────────────────────

  /** @returns {[string, string]} the first and the last date */
  get span() {
    const { query } = this.state;
    const to = query.get("to") ?? today();
    const length = Number(query.get("days")) || USUAL_DAYS;
    return [query.get("from") ?? addDays(to, 1 - length), to];
  }

  get room() {
    return this.state.query.get("room");
  }

  /** The date whose hours are shown: the last one of the span, if none is chosen. */
  get day() {
    const [, to] = this.span;
    return this.state.query.get("day") ?? to;
  }

  get isTable() {
    return this.state.query.get("view") === "table";
  }

  /** @param {Place} state */
  change(state) {
    this.state = state;
    const [from, to] = this.span;
    const wanted = JSON.stringify([from, to, this.room]);
    this.drawControls();
    if (from > to) {
      this.asked = null;
      this.drawAlone(h("p", { class: "empty" }, words.say("turned")));
    } else if (wanted !== this.asked) {
      this.asked = wanted;
      this.load();
    } else if (this.day !== this.askedDay) this.loadHours();
    else this.draw();
  }

  async load() {
    const [from, to] = this.span;
    const query = { from, to, room: this.room };
    this.asking.abort();
    this.asking = new AbortController();
    const { signal } = this.asking;
    this.known = this.ofDay = null;
    this.drawAlone(h("p", { class: "loading" }, words.say("counting")));
    // First, as it is the quickest to answer.
    this.loadHours();
    try {
      const [week, days] = await Promise.all([
        ask("stats", { by: "weekday_hour", ...query }, signal),
        ask("stats", { by: "day", ...query }, signal),
      ]);
      this.known = { week: week.rows, days: days.rows };
      set(this.kept, { hidden: days.archive.is_decided });
    } catch (fault) {
      if (signal.aborted) return;
      this.asked = null;
      this.drawAlone(failure(fault, () => this.change(this.state)));
      return;
    }
    if (this.askedDay === this.day) this.draw();
    else this.loadHours();
  }

  async loadHours() {
    const { day: date } = this;
    const { signal } = this.asking;
    if (date !== this.askedDay) this.ofDay = null;
    this.askedDay = date;
    this.draw();
    try {
      const { rows } = await ask("stats", { by: "hour", from: date, to: date, room: this.room }, signal);
      if (signal.aborted || this.askedDay !== date) return;
      this.ofDay = rows;
    } catch (fault) {
      if (signal.aborted || this.askedDay !== date) return;
      this.askedDay = null;
      fill(
        this.hours,
        this.hoursHead(),
        failure(fault, () => this.loadHours()),
      );
      return;
    }
    this.draw();
  }

  // ── what a person does ────────────────────────────────────────────────────────────────────────────────

  turn() {
    go(changed({ view: this.isTable ? null : "table" }), { replaces: true });
  }

  /** @param {number} step in days */
  move(step) {
    const date = addDays(this.day, step);
    if (date <= today()) go(changed({ day: date }));
  }

  // ── drawing ───────────────────────────────────────────────────────────────────────────────────────────

  /** @param {Node} node */
  drawAlone(node) {
    fill(this.week, node);
    fill(this.days);
    fill(this.hours);
    for (const each of [this.days, this.hours]) set(each, { hidden: true });
  }

  draw() {
    const { known, isTable, room } = this;
    if (!known) return;
    if (!known.days.some((each) => each.logons || each.most))
      return this.drawAlone(h("p", { class: "empty" }, words.say("nothing")));
    for (const each of [this.days, this.hours]) set(each, { hidden: null });
    drawWeek(this.week, known.week, room, isTable);
    drawDays(this.days, known.days, room, isTable);
    drawHours(this.hours, this.hoursHead(), this.ofDay, room, isTable);
  }

  hoursHead() {
    /** @param {number} step @param {string} text @param {string} label */
    const button = (step, text, label) =>
      h(
        "button",
        {
          type: "button",
          "aria-label": label,
          title: label,
          disabled: addDays(this.day, step) > today(),
          onclick: () => this.move(step),
        },
        text,
      );
    return h(
      "div",
      { class: "trend-day" },
      button(-1, "‹", words.say("before")),
      h("b", {}, day(this.day)),
      button(1, "›", words.say("after")),
    );
  }

  drawControls() {
    const { query } = this.state;
    const [from, to] = this.span;
    const isOwn = query.has("from");
    const length = Number(query.get("days")) || USUAL_DAYS;
    const spans = SPANS_DAYS.map((days) =>
      h(
        "a",
        {
          class: "button",
          href: changed({ days: days === USUAL_DAYS ? null : String(days), from: null, to: null, day: null }),
          "aria-current": !isOwn && length === days ? "true" : null,
        },
        words.say("last", { n: days }),
      ),
    );
    /** @param {"from" | "to"} name @param {string} value @param {string} label */
    const date = (name, value, label) =>
      h(
        "label",
        {},
        label,
        " ",
        h("input", {
          type: "date",
          name,
          value,
          max: today(),
          onchange: (event) => event.target.value && this.choose(name, event.target.value),
        }),
      );
    const hadFocus = document.activeElement instanceof HTMLElement ? document.activeElement : null;
    const name = hadFocus && this.controls.contains(hadFocus) ? hadFocus.getAttribute("name") : null;
    fill(
      this.controls,
      h("div", { class: "spans", role: "group", "aria-label": words.say("span") }, spans),
      date("from", from, words.say("first")),
      date("to", to, words.say("until")),
      this.rooms(),
      h(
        "button",
        { type: "button", name: "view", onclick: () => this.turn() },
        this.isTable ? words.say("chart") : words.say("table"),
      ),
    );
    if (name) /** @type {HTMLElement | null} */ (this.controls.querySelector(`[name="${name}"]`))?.focus();
    const shown = chips(this.state, ["room", "from", "to"]);
    fill(this.filters, shown);
    set(this.filters, { hidden: shown === null });
  }

  /** @param {"from" | "to"} name @param {string} value a date */
  choose(name, value) {
    const [from, to] = this.span;
    go(changed({ from, to, [name]: value, days: null, day: null }));
  }

  rooms() {
    const names = [...live.rooms.keys()].filter((each) => each !== null);
    const room = this.room;
    if (room && !names.includes(room)) names.unshift(room);
    const options = names.map((each) => h("option", { value: each, selected: each === room }, visible(each)));
    return h(
      "label",
      {},
      say("f_room"),
      " ",
      h(
        "select",
        { name: "room", onchange: (event) => go(changed({ room: event.target.value })) },
        h("option", { value: "" }, words.say("all_rooms")),
        options,
      ),
    );
  }
}
