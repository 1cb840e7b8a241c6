// The page Now: who is where. Rooms are rows, which unfold to their machines. Only what has changed is drawn again.
import { changed as changedAddress, go, to, toggleRoom } from "./address.js";
import { failure, Unanswered } from "./ask.js";
import { copiesAs, csvButton, csvRows } from "./copy.js";
import { fill, h, named, refill, set } from "./dom.js";
import { chips, given, passesOf } from "./filters.js";
import { recall, remember } from "./first.js";
import { bind, bindRows } from "./keys.js";
import { again, follow, live } from "./live.js";
import { counted, Groups, sumsOf } from "./now_groups.js";
import { agesAnew, machineLine, machineRow } from "./now_machine.js";
import { words } from "./now_words.js";
import { offer } from "./pages.js";
import { bar, countWords, mark, STATES, total } from "./states.js";
import { number, say } from "./words.js";

const COLUMNS = ["hostname", "room", "state", "users", "connected_at", "last_user", "last_contact"];
const FILTERS = ["state", "room", "host", "user"];
const COUNTED = /** @type {const} */ (["doubtful", "silent", "never_seen"]);
/** How long one frame may draw machines. The rest follows in the next frames. */
const FRAME_MS = 8;
const A_MINUTE_MS = 60_000;

/**
 * @typedef {object} RoomView
 * @property {HTMLElement} element
 * @property {HTMLElement} summary
 * @property {HTMLElement} list of the machines
 * @property {Map<string, HTMLElement>} rows of the machines, while it is unfolded
 */

offer("now", show);

/**
 * Show the page.
 * @param {HTMLElement} root
 * @param {Place} state
 * @returns {Page}
 */
function show(root, state) {
  const now = new Now(root, state);
  now.begin();
  const minutes = setInterval(() => now.age(), A_MINUTE_MS);
  const ends = [
    () => (now.isOver = true),
    () => clearInterval(minutes),
    follow((changed) => now.take(changed)),
    bindRows(root),
    bind({ d: [() => words.say("density"), () => now.changeDensity()] }),
  ];
  return {
    title: say("now"),
    ends,
    change: (next) => now.change(next),
  };
}

/** The rooms and their machines: as they are now, or as `data` has them. */
export class Now {
  /** @param {HTMLElement} root @param {Place} state @param {typeof live} [data] */
  constructor(root, state, data = live) {
    this.data = data;
    this.root = root;
    this.state = state;
    this.isOver = false;
    this.totals = h("div", { class: "totals" });
    this.filters = h("div", { class: "filters" });
    this.list = h("div", { class: "rooms" });
    /** @type {Map<string | null, RoomView>} */
    this.views = new Map();
    this.groups = new Groups();
    /** @type {(string | null)[]} The rooms that are drawn in the next frames. */
    this.waiting = [];
    /** @type {Snapshot | null} What was drawn last. */
    this.drawn = null;
  }

  /** Show all, and let the box have the focus. */
  begin() {
    fill(this.root, h("h1", { class: "unseen" }, say("now")), this.totals, this.filters, this.list);
    // Before the rooms are there: the focus makes the browser lay out what is.
    const field = document.querySelector("#box input");
    if (field instanceof HTMLElement && document.activeElement === document.body) field.focus();
    this.drawAll();
  }

  /** The parameters of the address that choose machines. */
  get filterNames() {
    return FILTERS;
  }

  /** @param {Place} state */
  change(state) {
    this.state = state;
    this.drawAll();
  }

  /** @param {Changed} changed */
  take(changed) {
    if (this.drawn && this.drawn === this.data.snapshot) return;
    if (changed.all || (changed.feed && !this.data.snapshot)) return this.drawAll();
    if (!this.data.snapshot) return;
    if (changed.machines.size) this.takeMachines(changed.machines);
    for (const name of changed.rooms) this.drawRoom(name);
    if (changed.machines.size || changed.rooms.size) this.drawTotals();
  }

  /**
   * Draw the machines that have changed, in the rooms that are unfolded.
   * @param {Set<string>} hostnames
   */
  takeMachines(hostnames) {
    for (const name of this.groups.move(hostnames, this.data.machines, this.passing())) {
      if (this.views.has(name) !== this.isShown(name)) return this.drawAll();
      this.drawRoom(name);
      if (this.isOpen(name)) this.drawMachines(name, hostnames);
    }
  }

  /** A minute has gone: let the ages move on in the rooms that are on the screen. */
  age() {
    for (const { element, list } of this.views.values()) {
      const { top, bottom } = element.getBoundingClientRect();
      if (!list.hidden && bottom > 0 && top < innerHeight) agesAnew(list);
    }
  }

  // ── what is shown ─────────────────────────────────────────────────────────────────────────────────────

  /** The filters. @returns {(machine: Machine) => boolean} */
  passing() {
    const { query } = this.state;
    const [state, passes] = [query.get("state"), passesOf(query)];
    return state ? (each) => counted(each, this.data.rooms) === state && passes(each) : passes;
  }

  get isFiltered() {
    return this.isNarrow || !!this.state.query.get("state");
  }

  /** Return True if a filter but that of the state is set. */
  get isNarrow() {
    return given(this.state.query, this.filterNames).some(([name]) => name !== "state");
  }

  /** @param {string | null} name */
  isShown(name) {
    const room = this.state.query.get("room");
    return this.data.machines && this.isFiltered
      ? this.groups.byRoom.has(name)
      : room === null || room === (name ?? "");
  }

  /** @param {string | null} name */
  isOpen(name) {
    if (!this.data.machines) return false;
    return (
      this.isFiltered || this.data.rooms.size === 1 || this.state.query.getAll("open").includes(name ?? "")
    );
  }

  get isDense() {
    return (this.state.query.get("view") ?? recall("view")) === "dense";
  }

  changeDensity() {
    const view = this.isDense ? "wide" : "dense";
    remember("view", view);
    go(changedAddress({ view }), { replaces: true });
  }

  /** @param {string | null} name */
  toggle(name) {
    toggleRoom(this.state.query, name ?? "");
  }

  // ── drawing ───────────────────────────────────────────────────────────────────────────────────────────

  drawAll() {
    const { snapshot, feed } = this.data;
    if (!snapshot) return this.drawWithout(feed);
    this.groups.make(this.data.machines?.values() ?? [], this.passing());
    set(this.list, { class: `rooms ${this.isDense ? "dense" : "wide"}` });
    refill(this.filters, chips(this.state, this.filterNames), this.data.machines && this.csv());
    this.drawTotals();
    if (!snapshot.site.last_event_at && !snapshot.site.seen) return this.drawEmpty();
    const names = [...this.data.rooms.keys()].filter((each) => this.isShown(each));
    for (const [name] of this.views) if (!names.includes(name)) this.views.delete(name);
    const elements = names.map((name) => this.view(name).element);
    if (
      elements.length !== this.list.children.length ||
      elements.some((each, at) => each !== this.list.children[at])
    )
      refill(this.list, elements);
    if (!elements.length) fill(this.list, h("p", { class: "empty" }, words.say("nothing")));
    this.drawn = snapshot;
    this.waiting = names;
    this.drawWaiting();
  }

  /**
   * Nothing is known yet, or the reader may know nothing any more.
   * @param {FeedState} feed
   */
  drawWithout(feed) {
    this.views.clear();
    fill(this.totals);
    fill(this.filters);
    const isRefused = feed.state === "refused";
    const text = h("p", { class: "loading" }, say("loading"));
    fill(this.list, isRefused ? failure(new Unanswered(feed.status, ""), again) : text);
  }

  /** Draw rooms, for as long as a frame has time. */
  drawWaiting() {
    const end = performance.now() + FRAME_MS;
    while (this.waiting.length && performance.now() < end) {
      const name = /** @type {string | null} */ (this.waiting.shift());
      this.drawRoom(name);
      if (this.isOpen(name)) this.drawMachines(name, null);
    }
    if (this.waiting.length && !this.isOver) requestAnimationFrame(() => this.drawWaiting());
  }

  /** @returns {import("./dom.js").Child} */
  csv() {
    return csvButton("machines", () => this.table());
  }

  /** Return the machines that pass the filters, for a spreadsheet. */
  table() {
    const machines = this.groups.all().map((each) => ({
      ...each,
      users: each.users.map((one) => one.username).join(" "),
      connected_at: each.users.map((one) => one.connected_at ?? "").join(" "),
    }));
    return csvRows(machines, COLUMNS);
  }

  drawTotals() {
    const { machines, rooms, snapshot } = this.data;
    const sums = sumsOf([...(machines?.values() ?? [])].filter(passesOf(this.state.query)), rooms);
    const site = !this.isNarrow && snapshot?.site;
    const rare = STATES.slice(3).filter((each) => sums[each]);
    refill(
      this.totals,
      STATES.slice(0, 3).map((each) =>
        each === "free" && !sums.free && sums.unknown
          ? total(each, 0, words.say("free_unknown"), "")
          : total(each, sums[each]),
      ),
      site &&
        total(
          "never_seen",
          sums.never_seen,
          words.say("seen"),
          `${number(site.seen)}/${number(site.expected)}`,
        ),
      h(
        "span",
        { class: "rare" },
        rare.map((each) => total(each, sums[each])),
      ),
    );
  }

  /** Nothing was ever received: say what to do. */
  drawEmpty() {
    const address = `${location.origin}/api/v1/events`;
    this.views.clear();
    fill(
      this.list,
      h(
        "section",
        { class: "empty" },
        h("h2", {}, words.say("empty")),
        h("p", {}, words.say("empty_windows")),
        h("pre", { tabindex: "0" }, `setx /M WINLOG_SERVER_URL ${address}`),
        h("p", {}, words.say("empty_linux")),
        h("pre", { tabindex: "0" }, `echo 'WINLOG_SERVER_URL=${address}' | sudo tee -a /etc/environment`),
        h("p", {}, words.say("empty_then")),
      ),
    );
  }

  /** @param {string | null} name @returns {RoomView} */
  view(name) {
    const known = this.views.get(name);
    if (known) return known;
    const summary = h("button", {
      type: "button",
      class: "summary",
      "data-row": true,
      onclick: () => this.toggle(name),
    });
    const counts = h("span", { class: "counts" });
    const list = h("ul", { class: "machines", hidden: true });
    const element = h(
      "section",
      { class: "room", "data-name": name ?? "" },
      h("div", { class: "line" }, h("h2", {}, summary), counts),
      list,
    );
    const view = { element, summary, counts, list, rows: new Map() };
    copiesAs(summary, () => this.roomLine(name));
    this.views.set(name, view);
    return view;
  }

  /** @param {string | null} name */
  roomLine(name) {
    const room = this.data.rooms.get(name);
    if (!room) return "";
    const free = room.free === null ? words.say("free_unknown") : words.say("free", { n: room.free });
    return [
      name ?? say("no_room"),
      `${room.in_use}/${room.machines} ${countWords("in_use", room.in_use)}`,
      free,
    ].join(", ");
  }

  /** @param {string | null} name */
  drawRoom(name) {
    const [room, view] = [this.data.rooms.get(name), this.views.get(name)];
    if (!room || !view) return;
    const isOpen = this.isOpen(name);
    set(view.summary, { "aria-expanded": this.data.machines ? String(isOpen) : null });
    fill(
      view.summary,
      h("span", { class: "name" }, name === null ? say("no_room") : named(name)),
      bar(room),
      h("span", { class: "share" }, `${number(room.in_use)}/${number(room.machines)}`),
      h("span", { class: "unseen" }, ` ${countWords("in_use", room.in_use)}`),
    );
    refill(/** @type {any} */ (view).counts, this.counts(room));
    if (!isOpen && view.rows.size) {
      view.rows.clear();
      fill(view.list);
    }
    set(view.list, { hidden: !isOpen });
  }

  /** @param {Room} room @returns {import("./dom.js").Child[]} */
  counts(room) {
    /** @param {string} state @param {string} text */
    const link = (state, text) =>
      h("a", { href: to([], { room: room.name ?? "", state }), class: `count ${state}` }, mark(state), text);
    return [
      room.free === null
        ? h("span", { class: "count unknown", title: room.free_unknown ?? "" }, words.say("free_unknown"))
        : room.free
          ? link("free", words.say("free", { n: room.free }))
          : h("span", { class: "count free" }, mark("free"), words.say("free", { n: 0 })),
      ...COUNTED.map((each) =>
        room[each] ? link(each, `${number(room[each])} ${countWords(each, room[each])}`) : null,
      ),
    ];
  }

  /**
   * Draw the machines of a room: all, or those that have changed.
   * @param {string | null} name
   * @param {Set<string> | null} hostnames
   */
  drawMachines(name, hostnames) {
    const view = this.views.get(name);
    if (!view) return;
    const machines = this.groups.at(name);
    const present = new Set(machines.map((each) => each.hostname));
    for (const [hostname, row] of view.rows)
      if (!present.has(hostname)) {
        row.remove();
        view.rows.delete(hostname);
      }
    let at = view.list.firstElementChild;
    for (const machine of machines) {
      let row = view.rows.get(machine.hostname);
      const isNew = !row;
      if (!row) {
        row = h("li", { class: "machine" });
        copiesAs(row, () => this.lineOf(machine.hostname));
        view.rows.set(machine.hostname, row);
      }
      if (row === at) at = at.nextElementSibling;
      else view.list.insertBefore(row, at);
      if (isNew || hostnames === null || hostnames.has(machine.hostname))
        this.drawMachine(row, machine, !isNew && hostnames !== null);
    }
  }

  /** @param {HTMLElement} row @param {Machine} machine @param {boolean} hasChanged */
  drawMachine(row, machine, hasChanged) {
    machineRow(row, machine, hasChanged);
  }

  /** @param {string} hostname */
  lineOf(hostname) {
    return machineLine(this.data.machines?.get(hostname));
  }
}
