// A span of time: all sessions that were on in it, as lists by room, with begin and end.
import { changed, go, to } from "./address.js";
import { ask, failure, Unanswered } from "./ask.js";
import { copiesAs, csvButton, csvLink, csvRows } from "./copy.js";
import { fill, h, named, set } from "./dom.js";
import { chips } from "./filters.js";
import { bind, bindRows } from "./keys.js";
import { filterWords, printButton } from "./moment_print.js";
import { GRADES, person, sessionLine } from "./moment_session.js";
import { addressAt, momentWords } from "./moment_time.js";
import { words } from "./moment_words.js";
import { mark, total } from "./states.js";
import { addDays, clock } from "./time.js";
import { compareNames, number, say } from "./words.js";

const ASKED = ["room", "host", "user", "ip"];
const FILTERS = ["state", ...ASKED];
const A_PAGE = 1000;
/** So many sessions are loaded without being asked for. */
const AT_ONCE = 3000;
/** The lists of so many sessions are unfolded at once. */
const UNFOLDED = 300;
const A_DAY = /^(\d{4}-\d\d-\d\d|today|yesterday)$/;

/** @typedef {UserThen & {hostname: string | null, room: string | null}} Session */

export class SpanPage {
  /** @param {HTMLElement} root @param {Place} state */
  constructor(root, state) {
    this.root = root;
    this.state = state;
    this.head = h("div", { class: "moment" });
    this.totals = h("div", { class: "totals" });
    this.filters = h("div", { class: "filters" });
    this.list = h("div", { class: "rooms wide" });
    this.asking = new AbortController();
    this.asked = "";
    /** @type {Session[]} */
    this.sessions = [];
    /** @type {string | null} */
    this.next = null;
    this.ends = [
      bindRows(root),
      bind({ "[": [() => words.say("day_before"), () => go(this.daysLater(-1))] }),
      bind({ "]": [() => words.say("day_after"), () => go(this.daysLater(1))] }),
    ];
  }

  /** Return True if an address is a span. So is a whole day. @param {Place} state */
  static takes({ query }) {
    const at = query.get("at");
    return !at || A_DAY.test(at);
  }

  begin() {
    fill(this.root, this.head, this.totals, this.filters, this.list);
    this.change(this.state);
  }

  leave() {
    this.asking.abort();
    for (const end of this.ends) end();
  }

  /** What the server is asked. */
  get query() {
    const { query } = this.state;
    const found = Object.fromEntries(ASKED.map((name) => [name, query.get(name)]));
    const at = query.get("at");
    return { ...found, from: at ?? query.get("from"), to: at ?? query.get("to") };
  }

  /** Return True if the address asks for the machines that stand in no room: by an empty room. */
  get isWithoutRoom() {
    return this.state.query.get("room") === "";
  }

  /** The server knows no room without a name: those sessions are chosen here. @param {Session} session */
  isOfRoom({ room }) {
    return !this.isWithoutRoom || room === null;
  }

  get title() {
    const { from, to: until } = this.query;
    if (!until) return words.say("title_from", { from: momentWords(from ?? "") });
    if (!from) return words.say("title_to", { to: momentWords(until) });
    if (from === until) return momentWords(from);
    const isDay = from.length > 10 && until.length > 10 && from.slice(0, 10) === until.slice(0, 10);
    return words.say("title_span", {
      from: momentWords(from),
      to: isDay ? clock(until) : momentWords(until),
    });
  }

  get date() {
    return this.query.from ?? "";
  }

  /** Return the address of the same span some days later. @param {number} days */
  daysLater(days) {
    /** @param {string | null} text */
    const moved = (text) =>
      text && /^\d{4}-/.test(text) ? addDays(text.slice(0, 10), days) + text.slice(10) : text;
    return changed({ at: null, from: moved(this.query.from), to: moved(this.query.to) });
  }

  /** @param {Place} state */
  change(state) {
    this.state = state;
    const asked = JSON.stringify([this.query, this.isWithoutRoom]);
    if (asked === this.asked) return this.draw();
    this.asked = asked;
    this.sessions = [];
    this.next = null;
    fill(this.list, h("p", { class: "loading" }, say("loading")));
    return this.load(AT_ONCE);
  }

  /** Load some sessions more, page by page. @param {number} more */
  async load(more) {
    this.asking.abort();
    this.asking = new AbortController();
    const { signal } = this.asking;
    const wanted = this.sessions.length + more;
    set(this.root, { "aria-busy": true });
    try {
      do {
        const page = { ...this.query, limit: String(A_PAGE), cursor: this.next };
        const answer = await ask("sessions", page, signal);
        this.sessions = [...this.sessions, ...answer.sessions.filter(this.isOfRoom, this)];
        this.next = answer.next;
      } while (this.next && this.sessions.length < wanted);
      this.draw();
    } catch (fault) {
      if (signal.aborted) return;
      fill(this.list, tooLong(fault) ?? failure(fault, () => this.load(more)));
    }
    set(this.root, { "aria-busy": null });
  }

  /** The sessions that pass the filter of certainty, too. */
  get shown() {
    const wanted = this.state.query.get("state");
    return wanted ? this.sessions.filter((each) => each.certainty === wanted) : this.sessions;
  }

  draw() {
    document.title = `${this.title} – winlogd`;
    fill(this.head, this.banner());
    fill(
      this.totals,
      GRADES.map((each) => total(each, this.sessions.filter((one) => one.certainty === each).length)),
    );
    fill(this.filters, chips(this.state, FILTERS), printButton(), this.csv());
    /** @type {Map<string | null, Session[]>} */
    const rooms = new Map();
    for (const each of this.shown) {
      const sessions = rooms.get(each.room);
      if (sessions) sessions.push(each);
      else rooms.set(each.room, [each]);
    }
    const names = [...rooms.keys()].sort((a, b) => compareNames(a ?? "\uffff", b ?? "\uffff"));
    const isOpen = this.shown.length <= UNFOLDED;
    fill(
      this.list,
      names.map((name) => this.room(name, rooms.get(name) ?? [], isOpen)),
      names.length ? null : h("p", { class: "empty" }, words.say("no_sessions")),
      this.next && this.more(),
    );
  }

  /** The sessions that pass all filters, also those that are not loaded yet: from the server, or chosen here. */
  csv() {
    if (!this.isWithoutRoom && !this.state.query.get("state")) return csvLink("sessions", this.query);
    const { asked } = this;
    return csvButton("sessions", async () => {
      if (this.next) await this.load(Number.POSITIVE_INFINITY);
      return this.next || this.asked !== asked ? [] : csvRows(this.shown);
    });
  }

  more() {
    const button = h("button", { type: "button", onclick: () => this.load(A_PAGE) }, words.say("more"));
    return h("p", { class: "more" }, words.say("loaded", { n: this.sessions.length }), " ", button);
  }

  banner() {
    const { from, to: until } = this.query;
    const ends = [from, until].map((at) =>
      at && at.length > 10
        ? h("a", { class: "button", href: addressAt(at) }, momentWords(at, "short"))
        : null,
    );
    /** @param {number} days @param {"day_before" | "day_after"} key @param {string} sign */
    const way = (days, key, sign) => {
      const said = words.say(key);
      return h(
        "a",
        { class: "button", href: this.daysLater(days), title: said, "aria-label": `${sign}, ${said}` },
        sign,
      );
    };
    const people = new Set(this.sessions.map((each) => each.username.toLowerCase())).size;
    return h(
      "div",
      { class: "moment-banner" },
      h("h1", {}, this.title, " ", h("span", { class: "people" }, words.say("people", { n: people }))),
      h("a", { class: "button", href: "/" }, words.say("to_now")),
      h("p", {}, words.say("past_span")),
      h("div", { class: "ways" }, way(-1, "day_before", "«"), ends, way(1, "day_after", "»")),
    );
  }

  /**
   * Return the list of a room. Its rows are made when it is unfolded.
   * @param {string | null} name
   * @param {Session[]} sessions newest first
   * @param {boolean} isOpen
   */
  room(name, sessions, isOpen) {
    const list = h("ul", { class: "machines" });
    const title = h("h2", {}, name === null ? say("no_room") : named(name), ` (${number(sessions.length)})`);
    const summary = h("summary", { "data-row": true }, title);
    const details = h("details", { class: "room", open: isOpen }, summary, list);
    const draw = () => {
      if (details.open && !list.firstChild)
        fill(
          list,
          sessions.toReversed().map((each) => this.row(each)),
        );
    };
    details.addEventListener("toggle", draw);
    draw();
    return details;
  }

  /** @param {Session} session */
  row(session) {
    const { hostname, certainty, room } = session;
    const name = named(hostname ?? "?");
    const link = h("a", { class: "host", href: to(["machine", hostname ?? ""]), "data-row": true }, name);
    const who = h("span", { class: "who" }, person(session, this.date));
    const row = h("li", { class: `machine used ${certainty}` }, mark(certainty), link, who);
    copiesAs(row, () => [hostname, room, sessionLine(session, "")].filter(Boolean).join(", "));
    return row;
  }

  /** @returns {import("./moment_print.js").Paper} */
  paper() {
    const rows = this.shown.map((session) => ({ room: session.room, hostname: session.hostname, session }));
    const filters = filterWords(this.state, FILTERS);
    return { title: this.title, filters, rows, isWhole: this.next === null };
  }
}

/** Return what to do if the server gave up; null for another fault. @param {unknown} fault */
function tooLong(fault) {
  const isLong = fault instanceof Unanswered && fault.status === 503 && fault.details.startsWith("ask for");
  return isLong ? h("p", { role: "alert", class: "failure" }, words.say("too_long")) : null;
}
