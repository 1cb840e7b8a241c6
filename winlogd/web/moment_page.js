// A moment: the rooms as in Now, but as they were then, with who came and left and which machines are silent since.
import { changed, to } from "./address.js";
import { ask, failure } from "./ask.js";
import { csvButton, csvLink, csvRows } from "./copy.js";
import { fill, h, named, set } from "./dom.js";
import { bind, bindRows } from "./keys.js";
import { live } from "./live.js";
import { exact, filterWords, printButton } from "./moment_print.js";
import { GRADES, person, sessionLine, timeOn } from "./moment_session.js";
import { controls, waysOf } from "./moment_slider.js";
import { addressAt, goAt, momentWords, offsetOf, plus, shortened } from "./moment_time.js";
import { words } from "./moment_words.js";
import { Now } from "./now.js";
import { machineRow, user } from "./now_machine.js";
import { words as nowWords } from "./now_words.js";
import { mark, STATES, total } from "./states.js";
import { age, clock, nowMs, setClock } from "./time.js";
import { number, sayOf } from "./words.js";

const ASKED = ["at", "room", "host", "user", "ip"];
const NOT_USED = STATES.slice(2);
const MINUTE_MS = 60_000;
/** A list of so many is unfolded at once. */
const FEW = 10;
const MOST_SILENT = 300;

export class MomentPage extends Now {
  /** @param {HTMLElement} root @param {Place} state */
  constructor(root, state) {
    super(root, state, { ...live, snapshot: null, machines: null, rooms: new Map() });
    this.head = h("div", { class: "moment" });
    this.around = h("div", { class: "around" });
    this.asking = new AbortController();
    this.asked = "";
    /** @type {MomentAnswer | null} */
    this.answer = null;
    /** @param {keyof import("./moment_slider.js").Ways} name @param {import("./moment_words.js").Key} word */
    const way = (name, word) => bind({ [name]: [() => words.say(word), () => this.press(name)] });
    this.ends = [
      bindRows(root),
      bind({ d: [() => nowWords.say("density"), () => this.changeDensity()] }),
      way("[", "day_before"),
      way("]", "day_after"),
      way("-", "earlier"),
      way("+", "later"),
      way("p", "previous"),
      way("n", "next"),
    ];
  }

  /** Show the frame, and ask. @override */
  begin() {
    fill(this.root, this.head, this.totals, this.filters, this.list, this.around);
    this.change(this.state);
  }

  leave() {
    this.isOver = true;
    this.root.classList.remove("future");
    this.asking.abort();
    for (const end of this.ends) end();
  }

  /** @override */
  get filterNames() {
    return ["state", "room", "host", "user", "ip"];
  }

  get title() {
    return momentWords(this.answer?.at[0] ?? this.state.query.get("at") ?? "");
  }

  /** @param {Place} state @override */
  change(state) {
    this.state = state;
    const asked = ASKED.map((name) => `${name}=${state.query.get(name)}`).join("&");
    if (asked === this.asked && this.answer) return this.drawAll();
    this.asked = asked;
    return this.ask();
  }

  async ask() {
    this.asking.abort();
    this.asking = new AbortController();
    const { signal } = this.asking;
    set(this.root, { "aria-busy": true });
    if (!this.answer) this.drawAll();
    try {
      const query = Object.fromEntries(ASKED.map((name) => [name, this.state.query.get(name)]));
      const answer = await ask("moment", query, signal);
      this.show(query.room === "" ? withoutRoom(answer) : answer);
    } catch (fault) {
      if (signal.aborted) return;
      this.answer = null;
      for (const each of [this.head, this.totals, this.filters, this.around]) fill(each);
      fill(
        this.list,
        failure(fault, () => this.ask()),
      );
    }
    set(this.root, { "aria-busy": null });
  }

  /** @param {MomentAnswer} answer */
  show(answer) {
    this.answer = answer;
    setClock(answer.now);
    const machines = answer.machines.map((each) => [each.hostname, { ...each, state: gradeOf(each) }]);
    this.data.snapshot = /** @type {any} */ ({ site: { last_event_at: answer.now, seen: 1, expected: 1 } });
    this.data.machines = new Map(/** @type {any} */ (machines));
    this.data.rooms = new Map(answer.rooms.map((each) => [each.name, each]));
    document.title = `${this.title} – winlogd`;
    const hadFocus = this.head.contains(document.activeElement)
      ? document.activeElement?.getAttribute("data-way")
      : null;
    fill(this.head, banner(this.title, answer, this.people()), controls(answer));
    const way = hadFocus && this.head.querySelector(`[data-way="${hadFocus}"]`);
    if (way instanceof HTMLElement) way.focus();
    this.root.classList.toggle("future", answer.is_future);
    this.drawAll();
    this.drawAround(answer);
  }

  people() {
    const names = (this.answer?.machines ?? []).flatMap((each) =>
      each.users.map((one) => one.username.toLowerCase()),
    );
    return new Set(names).size;
  }

  get date() {
    return this.answer?.at[0] ?? "";
  }

  // ── what differs from Now ─────────────────────────────────────────────────────────────────────────────

  /** The server has applied the other filters. @returns {(machine: Machine) => boolean} @override */
  passing() {
    const wanted = this.state.query.get("state");
    if (!wanted) return () => true;
    const grades = wanted === "in_use" ? ["certain", "presumed"] : [wanted];
    return (each) => each.state === wanted || each.users.some((one) => grades.includes(one.certainty));
  }

  /** @override */
  drawTotals() {
    const machines = [...(this.data.machines?.values() ?? [])];
    const users = machines.flatMap((each) => each.users);
    const rest = NOT_USED.map((state) => [state, machines.filter((each) => each.state === state).length]);
    fill(
      this.totals,
      GRADES.map((each) => total(each, users.filter((one) => one.certainty === each).length)),
      h(
        "span",
        { class: "rare" },
        rest.flatMap(([state, count]) => (count ? total(String(state), Number(count)) : [])),
      ),
    );
  }

  /** @param {Room} room @override */
  counts(room) {
    const machines = this.groups.at(room.name).flatMap((each) => each.users);
    /** @param {string} state @param {number} count @param {string} text */
    const link = (state, count, text) => {
      const href = changed({ room: room.name ?? "", state, open: null });
      return count ? h("a", { href, class: `count ${state}` }, mark(state), text) : null;
    };
    const grades = GRADES.map((each) => {
      const count = machines.filter((one) => one.certainty === each).length;
      return link(each, count, `${number(count)} ${sayOf(each, count)}`);
    });
    return [...grades, link("free", room.free ?? 0, nowWords.say("free", { n: room.free ?? 0 }))];
  }

  /** @override */
  csv() {
    const { query } = this.state;
    const state = query.get("state");
    const asked = Object.fromEntries(ASKED.map((name) => [name, query.get(name)]));
    if (this.answer?.is_future) return null;
    const isPart = state || asked.room === "";
    return [printButton(), isPart ? csvButton("sessions", () => this.table()) : csvLink("sessions", asked)];
  }

  /** @override */
  table() {
    return csvRows(this.rows().map(({ session, ...place }) => ({ ...session, ...place })));
  }

  /** Return the sessions of the machines that are shown. */
  rows() {
    const wanted = this.state.query.get("state");
    const isGrade = /** @type {readonly string[]} */ (GRADES).includes(wanted ?? "");
    return this.groups
      .all()
      .flatMap(({ room, hostname, users }) =>
        /** @type {UserThen[]} */ (users)
          .filter((each) => !isGrade || each.certainty === wanted)
          .map((session) => ({ room, hostname, session })),
      );
  }

  /** @returns {import("./moment_print.js").Paper | null} */
  paper() {
    const { answer } = this;
    if (!answer || answer.is_future) return null;
    const filters = filterWords(this.state, this.filterNames);
    const title = `${this.title} (${answer.at.map(exact).join("; ")})`;
    return { title, filters, rows: this.rows(), isWhole: true };
  }

  /** @param {HTMLElement} row @param {Machine} machine @override */
  drawMachine(row, machine) {
    machineRow(row, machine, false, () => this.who(machine));
    row.classList.toggle("used", machine.users.length > 0);
    row.classList.toggle("several", machine.users.length > 1);
  }

  /** @param {Machine} machine @returns {import("./dom.js").Child[]} */
  who({ state, users, last_user: last, last_contact: contact }) {
    if (users.length)
      return /** @type {UserThen[]} */ (users).map((each) => [person(each, this.date, this.note(each)), " "]);
    if (state === "never_seen") return [nowWords.say("never")];
    const heard = contact ? words.say("heard", { time: timeOn(contact, this.date) }) : "";
    return [last ? h("i", {}, user(last)) : null, " ", h("span", { class: "since" }, heard)];
  }

  /** Of a time that comes twice, say at which of both somebody was on. @param {UserThen} session */
  note(session) {
    const [only] = session.at;
    if (!only || (this.answer?.at.length ?? 0) === session.at.length) return "";
    return words.say("only", { time: clock(only), offset: offsetOf(only) });
  }

  /** @param {string} hostname @override */
  lineOf(hostname) {
    const machine = this.data.machines?.get(hostname);
    if (!machine) return "";
    const people = /** @type {UserThen[]} */ (machine.users).map((each) => sessionLine(each, this.date));
    const parts = [shortened(this.date).slice(0, 19).replace("T", " "), hostname, machine.room, ...people];
    return [...parts, people.length ? null : sayOf(machine.state)].filter(Boolean).join(", ");
  }

  // ── around the moment ─────────────────────────────────────────────────────────────────────────────────

  /** @param {MomentAnswer} answer */
  drawAround(answer) {
    if (answer.is_future) return fill(this.around);
    const silent = answer.machines.filter((each) => !each.heard_since && each.last_contact);
    fill(
      this.around,
      this.changes("came", "nobody_came", answer.came),
      this.changes("left", "nobody_left", answer.left),
      folded(words.say("silent", { n: silent.length }), false, () => [
        h("p", { class: "since" }, words.say(silent.length ? "silent_why" : "none_silent")),
        h(
          "ul",
          { class: "silent" },
          silent
            .slice(0, MOST_SILENT)
            .map((each) =>
              h(
                "li",
                {},
                machine(each.hostname),
                h("span", { class: "since" }, timeOn(each.last_contact ?? "", this.date)),
              ),
            ),
        ),
        silent.length > MOST_SILENT ? words.say("some", { n: MOST_SILENT }) : null,
      ]),
    );
  }

  /**
   * @param {"came" | "left"} key
   * @param {"nobody_came" | "nobody_left"} none
   * @param {{count: number, sessions: ChangeThen[]}} changes
   */
  changes(key, none, { count, sessions }) {
    const [from, until] = [this.answer?.at[0] ?? "", this.answer?.at.at(-1) ?? ""];
    const span = changed({ from: plus(from, -60), to: plus(until, 60), at: null, state: null, open: null });
    return folded(words.say(key, { n: count }), count > 0 && count <= FEW, () => [
      count ? null : h("p", { class: "since" }, words.say(none)),
      count > sessions.length ? h("p", { class: "since" }, words.say("some", { n: sessions.length })) : null,
      h(
        "ul",
        {},
        sessions.map((each) =>
          h(
            "li",
            {},
            h("a", { class: "time", href: addressAt(each.at) }, clock(each.at)),
            user(each.username),
            machine(each.hostname ?? ""),
          ),
        ),
      ),
      count ? h("a", { href: span }, words.say("all")) : null,
    ]);
  }

  /** Do what a key stands for. @param {keyof import("./moment_slider.js").Ways} key */
  press(key) {
    const at = this.answer && waysOf(this.answer)[key];
    if (at) goAt(at);
  }
}

/**
 * Return the part of an answer that is of no room: the server has no question for it.
 * @param {MomentAnswer} answer
 * @returns {MomentAnswer}
 */
function withoutRoom(answer) {
  /** @param {{sessions: ChangeThen[]}} changes */
  const part = ({ sessions }) => {
    const found = sessions.filter((each) => each.room === null);
    return { count: found.length, sessions: found };
  };
  return {
    ...answer,
    rooms: answer.rooms.filter((each) => each.name === null),
    machines: answer.machines.filter((each) => each.room === null),
    came: part(answer.came),
    left: part(answer.left),
  };
}

/**
 * Return how surely a machine was in use; its state if it was not.
 * @param {MachineThen} machine
 */
function gradeOf({ state, users }) {
  if (state !== "in_use") return state;
  return users.some((each) => each.certainty === "certain") ? "certain" : "presumed";
}

/** @param {string} hostname */
function machine(hostname) {
  return h("a", { class: "host", href: to(["machine", hostname]) }, named(hostname));
}

/**
 * Return a list that is unfolded or not. Its content is made when it is unfolded first.
 * @param {string} title
 * @param {boolean} isOpen
 * @param {() => import("./dom.js").Child[]} content
 */
function folded(title, isOpen, content) {
  const body = h("div", {});
  const details = h("details", { open: isOpen }, h("summary", {}, h("h2", {}, title)), body);
  const open = () => details.open && !body.firstChild && fill(body, content());
  details.addEventListener("toggle", open);
  if (isOpen) open();
  return details;
}

/**
 * @param {string} title
 * @param {MomentAnswer} answer
 * @param {number} people
 */
function banner(title, answer, people) {
  const [first = "", second] = answer.at;
  const ageMs = nowMs() - Date.parse(first);
  const text = answer.is_future
    ? words.say("future")
    : words.say(ageMs < MINUTE_MS ? "past_now" : "past", { age: age(first) });
  return h(
    "div",
    { class: "moment-banner" },
    h(
      "h1",
      {},
      title,
      " ",
      answer.is_future ? null : h("span", { class: "people" }, words.say("people", { n: people })),
    ),
    h("a", { class: "button", href: "/" }, words.say("to_now")),
    h("p", {}, text),
    second
      ? h(
          "p",
          {},
          words.say("twice"),
          [first, " ", second].map((at) => (at === " " ? at : single(at))),
        )
      : null,
  );
}

/** @param {string} at */
function single(at) {
  return h("a", { href: addressAt(at) }, words.say("twice_one", { time: clock(at), offset: offsetOf(at) }));
}
