// The page Timeline: a day. Each room is a row of its occupancy, which unfolds to its machines. Only what is on the
// screen is drawn. The day, the rooms that are unfolded, the hours and the table are in the address.
import { changed as changedAddress, go, toggleRoom } from "./address.js";
import { ask, failure } from "./ask.js";
import { fill, h, set, sheet } from "./dom.js";
import { bind, bindRows } from "./keys.js";
import { follow, live } from "./live.js";
import { offer } from "./pages.js";
import { addDays, today } from "./time.js";
import { Sessions } from "./timeline_ask.js";
import { readColours } from "./timeline_canvas.js";
import { Day, rowsOf } from "./timeline_day.js";
import { filtersOf, Head } from "./timeline_head.js";
import { Hours } from "./timeline_hours.js";
import { RoomView } from "./timeline_room.js";
import { Hint } from "./timeline_said.js";
import { sessionTable, tables } from "./timeline_table.js";
import { words } from "./timeline_words.js";
import { say } from "./words.js";

/** While the day goes on, a page that is seen draws it again this often. */
const DRAW_MS = 60_000;
/** If something has changed, it asks again this often at most: each question is a row of the readers' log. */
const AGAIN_MS = 5 * 60_000;
const SCREEN_MARGIN = "200px 0px";
/** So many rooms are laid out and drawn in one task. */
const FEW_ROOMS = 50;

/** @typedef {import("./timeline_day.js").Row} Row */

offer("timeline", show);

/**
 * Show the page.
 * @param {HTMLElement} root
 * @param {Place} state
 * @returns {Promise<Page>}
 */
async function show(root, state) {
  await sheet("timeline.css");
  const timeline = new Timeline(root, state);
  const ends = [
    () => timeline.loading.abort(),
    bindRows(root),
    bind(timeline.keys()),
    follow((changed) => timeline.note(changed)),
    timeline.listen(),
  ];
  return {
    title: say("timeline"),
    ends,
    change: (next) => timeline.change(next),
  };
}

export class Timeline {
  /** @param {HTMLElement} root @param {Place} state */
  constructor(root, state) {
    this.state = state;
    this.loading = new AbortController();
    /** @type {Day | null} */
    this.day = null;
    this.hours = new Hours(() => this.redraw());
    this.sizes = { band: 44, row: 26 };
    /** @type {Map<string | null, RoomView>} */
    this.views = new Map();
    this.sessions = new Sessions({
      isOpen: (name) => this.isOpen(name),
      tell: (name, text) => this.tell(name, text),
      took: (name) => {
        this.views.get(name)?.take(this.rows(name));
        this.drawPart(name);
      },
    });
    /** Where the table of each room is. @type {Map<string | null, HTMLElement>} */
    this.parts = new Map();
    /** @type {RoomView | null} */
    this.chosenIn = null;
    this.isStale = false;
    this.askedMs = 0;
    this.latest = today();
    this.head = new Head(this);
    this.filters = h("div", { class: "filters" });
    this.list = h("div", { class: "tl-rooms" });
    this.hint = new Hint();
    this.observer = new IntersectionObserver((all) => this.observed(all), { rootMargin: SCREEN_MARGIN });
    fill(
      root,
      h("h1", { class: "unseen" }, say("timeline")),
      this.head.element,
      this.filters,
      this.hours.axis,
      this.list,
      this.hint.element,
    );
    this.measure();
    this.head.draw();
    this.loadDay();
  }

  // ── the address ───────────────────────────────────────────────────────────────────────────────────────

  /** Return the moments at the left and at the right edge. */
  get span() {
    return this.hours.span;
  }

  /** Return the date of the day that is shown, or is being loaded. */
  get shown() {
    return this.day?.date ?? (/^\d{4}-\d\d-\d\d$/.test(this.date) ? this.date : this.latest);
  }

  get date() {
    return this.state.query.get("day") ?? "";
  }

  get isTable() {
    return this.state.query.get("view") === "table";
  }

  /** Return the names of the rooms that the address wants; null for all. A room's name may have a comma. */
  wanted() {
    const text = this.state.query.get("room");
    if (!text) return null;
    const names = this.day?.rooms.map((each) => each.name) ?? [];
    return names.includes(text) ? [text] : text.split(",").map((each) => each.trim());
  }

  /** @param {string | null} name */
  isOpen(name) {
    return this.wanted() !== null || this.state.query.getAll("open").includes(name ?? "");
  }

  /** @param {string | null} name */
  toggle(name) {
    const query = new URLSearchParams(this.state.query);
    if (this.wanted() !== null) query.delete("room");
    toggleRoom(query, name ?? "");
  }

  /** @param {Place} next */
  change(next) {
    const before = this.state.query;
    this.state = next;
    this.hint.hide();
    if ((next.query.get("day") ?? "") !== (before.get("day") ?? "")) return this.loadDay();
    if (!this.day || withoutHours(before) !== withoutHours(next.query)) return this.drawAll();
    this.hours.read(this.day, next.query.get("hours"));
    this.hours.draw();
    this.head.draw();
    this.redraw();
  }

  // ── what the server knows ─────────────────────────────────────────────────────────────────────────────

  /** Ask for the day, and then for the rooms that are unfolded. */
  async loadDay(isQuiet = false) {
    this.loading.abort();
    this.loading = new AbortController();
    const { signal } = this.loading;
    this.isStale = false;
    this.askedMs = Date.now();
    if (!isQuiet) {
      this.day = null;
      this.forget();
      this.head.draw();
      set(this.hours.axis, { hidden: true });
      fill(this.list, h("p", { class: "loading" }, say("loading")));
    }
    try {
      const answer = await ask("occupancy", { day: this.date }, signal);
      this.day = new Day(answer);
      this.latest = this.day.today;
      this.sessions.begin(this.day, signal);
      this.drawAll();
      const opened = isQuiet ? null : this.views.get(this.state.query.get("open") ?? "")?.element;
      if (opened && opened.getBoundingClientRect().top > innerHeight) opened.scrollIntoView();
    } catch (fault) {
      if (signal.aborted || isQuiet) return;
      fill(
        this.list,
        failure(fault, () => this.loadDay()),
      );
    }
  }

  forget() {
    this.observer.disconnect();
    this.views.clear();
    this.parts.clear();
    this.sessions.bars.clear();
  }

  /** Say why the sessions of a room are not there. @param {string | null} name @param {string | Node | null} text */
  tell(name, text) {
    this.views.get(name)?.tell(text);
    const part = this.parts.get(name);
    if (part && !this.sessions.bars.has(name)) fill(part, h("div", { class: "tl-note" }, text));
  }

  /** @param {string | null} name @returns {Row[]} */
  rows(name) {
    const machines = [...(live.machines?.values() ?? [])].filter((each) => each.room === name);
    const hosts = machines.map((each) => each.hostname);
    return this.day ? rowsOf(this.day, this.sessions.bars.get(name) ?? [], hosts) : [];
  }

  /** @param {Changed} changed */
  note(changed) {
    if (changed.all) this.renew();
    this.isStale ||= changed.machines.size > 0;
  }

  /** Draw the rooms again that are unfolded: machines may be new, and open sessions have gone on. */
  renew() {
    for (const [name, view] of this.views) if (view.isOpen) view.take(this.rowsIfKnown(name));
  }

  // ── drawing ───────────────────────────────────────────────────────────────────────────────────────────

  /** Show all anew: the day, a room or the hours have changed. */
  drawAll() {
    const { day } = this;
    if (!day) return;
    this.hours.read(day, this.state.query.get("hours"));
    this.head.draw();
    const wanted = this.wanted();
    const rooms = day.rooms.filter((each) => wanted === null || wanted.includes(each.name ?? ""));
    for (const { name } of rooms) if (this.isOpen(name)) this.sessions.want(name);
    fill(this.filters, filtersOf(this, rooms));
    set(this.hours.axis, { hidden: this.isTable || !rooms.length });
    if (!rooms.length) {
      const text = wanted ? words.say("no_room_here", { room: wanted.join(", ") }) : words.say("no_rooms");
      return fill(this.list, h("p", { class: "empty" }, text));
    }
    if (this.isTable) return this.drawTable(rooms);
    this.parts.clear();
    const views = rooms.map((room) => this.view(room));
    const elements = views.map((each) => each.element);
    if (
      elements.length !== this.list.children.length ||
      elements.some((each, at) => each !== this.list.children[at])
    ) {
      this.observer.disconnect();
      fill(this.list, elements);
      for (const each of elements) this.observer.observe(each);
    }
    for (const view of views) view.take(this.rowsIfKnown(view.room.name));
    // To ask where the rooms are lays the page out. With 250 rooms both would take more than 50 ms: then that is a task of
    // its own.
    if (views.length > FEW_ROOMS) setTimeout(() => this.drawNear());
    else this.drawNear();
  }

  /** Draw the axis, and the rooms that are near the screen: the observer tells which two frames later. */
  drawNear() {
    this.hours.draw();
    // Where all of them are is asked first: what is drawn in between would lay the page out anew for each.
    const places = [...this.views.values()].map((view) => ({ view, box: view.plot.getBoundingClientRect() }));
    for (const { view, box } of places) if (!view.isVisible && view.isNear(box)) view.show(true, box);
  }

  /** @param {string | null} name */
  rowsIfKnown(name) {
    return this.isOpen(name) ? this.rows(name) : null;
  }

  /** @param {import("./timeline_day.js").RoomCells} room */
  view(room) {
    const view = this.views.get(room.name) ?? new RoomView(this, room);
    view.room = room;
    this.views.set(room.name, view);
    return view;
  }

  /** @param {import("./timeline_day.js").RoomCells[]} rooms */
  drawTable(rooms) {
    const { day } = this;
    if (!day) return;
    this.observer.disconnect();
    this.views.clear();
    this.parts = new Map(rooms.filter(({ name }) => this.isOpen(name)).map(({ name }) => [name, h("div")]));
    fill(
      this.list,
      tables(day, rooms, (name) => changedAddress({ room: name })),
      [...this.parts.values()],
    );
    for (const name of this.parts.keys()) {
      this.tell(name, say("loading"));
      this.drawPart(name);
    }
  }

  /** Draw the table of a room, if that is shown. @param {string | null} name */
  drawPart(name) {
    const part = this.parts.get(name);
    if (part && this.day && this.sessions.bars.has(name))
      fill(part, sessionTable(this.day, name, this.rows(name)));
  }

  /** @param {IntersectionObserverEntry[]} entries */
  observed(entries) {
    const shown = new Map(entries.map((each) => [each.target, each.isIntersecting]));
    for (const view of this.views.values()) {
      const isShown = shown.get(view.element);
      if (isShown !== undefined) view.show(isShown);
    }
  }

  /** Draw the rooms on the screen again. */
  redraw() {
    for (const view of this.views.values()) view.draw();
  }

  measure() {
    const rem = Number.parseFloat(getComputedStyle(document.documentElement).fontSize);
    const isTouched = matchMedia("(max-width: 45rem), (pointer: coarse)").matches;
    this.sizes = { band: 2.75 * rem, row: (isTouched ? 2.9 : 1.7) * rem };
    readColours();
  }

  // ── keys, pointer and time ────────────────────────────────────────────────────────────────────────────

  /** @param {number} step */
  goDay(step) {
    const next = addDays(this.shown, step);
    if (next <= this.latest) go(changedAddress({ day: next, hours: null }));
  }

  toggleTable() {
    go(changedAddress({ view: this.isTable ? null : "table" }), { replaces: true });
  }

  /** @returns {import("./keys.js").Keys} */
  keys() {
    const step = (/** @type {number} */ by) => {
      const element = document.activeElement?.closest(".tl-room");
      for (const view of this.views.values()) if (view.element === element) view.step(by);
    };
    return {
      "[": [() => words.say("previous"), () => this.goDay(-1)],
      "]": [() => words.say("next"), () => this.goDay(1)],
      "+": [() => words.say("closer"), () => this.hours.zoom(0.5)],
      "-": [() => words.say("wider"), () => this.hours.zoom(2)],
      0: [() => words.say("whole"), () => this.hours.whole()],
      t: [() => words.say("table"), () => this.toggleTable()],
      ArrowRight: [() => words.say("step_next"), () => step(1)],
      ArrowLeft: [() => words.say("step_previous"), () => step(-1)],
    };
  }

  /** Choose a session or a cell; there is one at most. @param {RoomView} view @param {RoomView["chosen"]} chosen */
  choose(view, chosen) {
    const before = this.chosenIn;
    this.chosenIn = view;
    if (before && before !== view) before.choose(null);
    view.chosen = chosen;
    this.chosenIn = view;
  }

  /** Listen to what concerns the drawing. @returns {() => void} ends this */
  listen() {
    let isWaiting = false;
    const later = () => {
      if (isWaiting) return;
      isWaiting = true;
      requestAnimationFrame(() => {
        isWaiting = false;
        this.redraw();
      });
    };
    const again = () => {
      this.measure();
      this.drawAll();
    };
    const wheel = (/** @type {WheelEvent} */ event) => {
      const plot = event.target instanceof Element && event.target.closest(".tl-plot");
      if (!event.ctrlKey || !plot) return;
      event.preventDefault();
      const box = plot.getBoundingClientRect();
      this.hours.zoom(event.deltaY > 0 ? 1.25 : 0.8, (event.clientX - box.left) / box.width);
    };
    const scheme = matchMedia("(prefers-color-scheme: dark)");
    const scrolled = () => {
      later();
      this.hint.hide();
    };
    const timer = setInterval(() => {
      if (!this.day?.isToday || document.visibilityState !== "visible") return;
      if (this.isStale && Date.now() - this.askedMs >= AGAIN_MS) this.loadDay(true);
      else {
        this.renew();
        later();
      }
    }, DRAW_MS);
    addEventListener("scroll", scrolled, { passive: true });
    addEventListener("resize", again);
    scheme.addEventListener("change", again);
    this.list.addEventListener("wheel", wheel, { passive: false });
    return () => {
      clearInterval(timer);
      this.observer.disconnect();
      removeEventListener("scroll", scrolled);
      removeEventListener("resize", again);
      scheme.removeEventListener("change", again);
    };
  }
}

/** @param {URLSearchParams} query */
function withoutHours(query) {
  const rest = new URLSearchParams(query);
  rest.delete("hours");
  return String(rest);
}
