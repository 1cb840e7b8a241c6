// The page of hardware: each machine with its latest report, searched for any text, sorted by any column.
import { changed, go } from "./address.js";
import { ask, failure } from "./ask.js";
import { csvButton, csvLink } from "./copy.js";
import { keepFocus, machineLink, pair, scope } from "./details.js";
import { words } from "./details_words.js";
import { fill, h, named, sheet, visible } from "./dom.js";
import { chips } from "./filters.js";
import { groupTitle, label, leaves, summary, valueText } from "./inventory.js";
import { bindRows } from "./keys.js";
import { offer } from "./pages.js";
import { table } from "./table.js";
import { when } from "./time.js";
import { say } from "./words.js";

/**
 * @typedef {object} Report
 * @property {string} hostname
 * @property {string} room
 * @property {string} received
 * @property {string} processor
 * @property {number} memory
 * @property {string} memoryText
 * @property {string} disks
 * @property {string} serial
 * @property {string[]} hits the values in which words of the search are, but for those that have a column
 */

const FILTERS = ["q", "room"];
const PAGE = "1000";
/** So many reports are understood in one task: some 2 ms. */
const SLICE = 50;
const TYPING_MS = 400;
const MOST_HITS = 3;
const TEXTS = /** @type {const} */ (["processor", "memory", "disks", "serial"]);

offer("hardware", show);

/**
 * Show the page.
 * @param {HTMLElement} root
 * @param {Place} state
 * @returns {Promise<Page>}
 */
async function show(root, state) {
  const body = h("div", { class: "details" });
  fill(root, body);
  const [, sees] = await Promise.all([sheet("details.css"), scope()]);
  const page = new Hardware(body, state);
  if (sees === "now") fill(page.list, h("p", { class: "note" }, words.say("hardware_now")));
  else page.load();
  return {
    title: say("hardware"),
    ends: [bindRows(root), () => page.end()],
    change: (next) => page.change(next),
  };
}

class Hardware {
  /** @param {HTMLElement} body @param {Place} state */
  constructor(body, state) {
    this.state = state;
    this.ending = new AbortController();
    /** @type {ReturnType<typeof setTimeout> | undefined} */
    this.timer = undefined;
    /** @type {Report[]} */
    this.reports = [];
    this.isWhole = false;
    this.count = h("span", { class: "since", role: "status" });
    this.bar = h("div", { class: "filters" });
    this.list = h("div", {});
    const search = words.say("hardware_search");
    this.field = h("input", {
      type: "search",
      name: "words",
      placeholder: search,
      "aria-label": search,
      value: state.query.get("q") ?? "",
      autocomplete: "off",
      oninput: () => this.type(),
    });
    const form = h(
      "form",
      { class: "search", role: "search", "aria-label": say("hardware"), onsubmit: submit },
      this.field,
    );
    /** @param {Event} event */
    function submit(event) {
      event.preventDefault();
    }
    fill(
      body,
      h("h1", {}, say("hardware")),
      h("p", { class: "since" }, words.say("hardware_intro")),
      form,
      this.bar,
      this.list,
    );
  }

  end() {
    clearTimeout(this.timer);
    this.ending.abort();
  }

  /** Search when somebody has stopped typing. */
  type() {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => go(changed({ q: this.field.value.trim() }), { replaces: true }), TYPING_MS);
  }

  /** @param {Place} state */
  change(state) {
    const before = this.state.query;
    this.state = state;
    const isSame = FILTERS.every((name) => before.get(name) === state.query.get(name));
    if (isSame) {
      this.draw();
      return keepFocus(this.list, "[aria-sort] a");
    }
    const text = state.query.get("q") ?? "";
    if (this.field.value.trim() !== text) this.field.value = text;
    this.load();
  }

  get query() {
    return { q: this.state.query.get("q")?.trim() || null, room: this.state.query.get("room") };
  }

  /** Read all reports, page by page: to sort them, all are needed. */
  async load() {
    this.ending.abort();
    this.ending = new AbortController();
    const { signal } = this.ending;
    this.reports = [];
    this.isWhole = false;
    try {
      /** @type {string | null} */
      let cursor = null;
      do {
        const answer = await ask("hardware", { ...this.query, limit: PAGE, cursor }, signal);
        if (signal.aborted) return;
        const sought = (this.query.q ?? "").toLowerCase().split(/\s+/).filter(Boolean);
        for (let at = 0; at < answer.hardware.length; at += SLICE) {
          for (const each of answer.hardware.slice(at, at + SLICE)) this.reports.push(report(each, sought));
          await new Promise((done) => setTimeout(done));
          if (signal.aborted) return;
        }
        this.isWhole = answer.next === null;
        if (cursor === null || this.isWhole) this.draw();
        else this.drawCount();
        cursor = answer.next;
      } while (cursor !== null);
    } catch (fault) {
      if (!signal.aborted)
        fill(
          this.list,
          failure(fault, () => this.load()),
        );
    }
  }

  drawCount() {
    fill(this.count, words.say(this.isWhole ? "machines" : "so_far", { n: this.reports.length }));
  }

  draw() {
    this.drawCount();
    const rows = this.sorted();
    const shown = columns(rows);
    const filters = FILTERS.filter((name) => this.state.query.get(name));
    fill(
      this.bar,
      chips(this.state, filters),
      this.count,
      csvButton("hardware", () => lines(this.sorted())),
      h(
        "a",
        {
          class: "whole",
          href: csvLink("hardware", this.query).getAttribute("href"),
          download: "hardware.csv",
        },
        words.say("csv_whole"),
      ),
    );
    if (!rows.length) {
      const isFiltered = this.query.q || this.query.room;
      return fill(this.list, h("p", { class: "empty" }, words.say(isFiltered ? "not_found" : "no_reports")));
    }
    fill(
      this.list,
      table(say("hardware"), shown, rows, {
        sort: this.sort,
        line: (each) => visible(lines([each])[1]?.filter(Boolean).join(", ") ?? ""),
      }),
    );
  }

  get sort() {
    return this.state.query.get("sort") ?? "hostname";
  }

  sorted() {
    const { sort } = this;
    const key = /** @type {keyof Report} */ (sort.replace(/^-/, ""));
    const sign = sort.startsWith("-") ? -1 : 1;
    const keyed = this.reports.map((each) => /** @type {const} */ ([sortKey(each, key), each]));
    keyed.sort(([a], [b]) => (a < b ? -sign : a > b ? sign : 0));
    return keyed.map(([, each]) => each);
  }
}

/**
 * Return a text or a number by which reports are sorted, A2 before A10. A collator would take 50 ms for 5 000.
 * @param {Report} report
 * @param {keyof Report} key
 */
function sortKey(report, key) {
  const text = `${report[key] ?? ""} ${report.hostname}`;
  return text.toLowerCase().replace(/\d+/g, (digits) => digits.padStart(20, "0"));
}

/**
 * @param {HardwareRow} row
 * @param {string[]} sought
 * @returns {Report}
 */
function report({ hostname, room, received_at: received, hardware_info: text }, sought) {
  const all = leaves(parsed(text));
  const known = summary(all);
  const columns = [hostname, known.processor, known.disks, known.serial].join(" ").toLowerCase();
  const hidden = sought.filter((word) => !columns.includes(word));
  const hits = all
    .filter(([, value]) => hidden.some((word) => String(value).toLowerCase().includes(word)))
    .slice(0, MOST_HITS)
    .map(([path, value]) => pair(`${groupTitle(path)}, ${label(path)}`, valueText(path, value)));
  return { hostname, room: room ?? "", received, ...known, hits };
}

/** @param {string} text */
function parsed(text) {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

/**
 * Return the columns. One that no machine has anything for is left out.
 * @param {Report[]} rows
 * @returns {import("./table.js").Column<Report>[]}
 */
function columns(rows) {
  /** @type {import("./table.js").Column<Report>[]} */
  const texts = TEXTS.filter((key) => rows.some((each) => each[key])).map((key) => ({
    key,
    label: words.say(key),
    cell: (each) => each[key] && named(key === "memory" ? each.memoryText : each[key]),
    sorts: true,
  }));
  return [
    { key: "hostname", label: words.say("machine"), cell: machine, sorts: true },
    {
      key: "room",
      label: words.say("room"),
      cell: ({ room }) => room && h("a", { href: changed({ room }) }, named(room)),
      sorts: true,
    },
    ...texts,
    { key: "received", label: words.say("received"), cell: (each) => when(each.received), sorts: true },
  ];
}

/** @param {Report} report */
function machine({ hostname, hits }) {
  return [machineLink(hostname), hits.map((each) => h("bdi", { class: "hit" }, visible(each)))];
}

/**
 * Return the machines as they are shown, for a spreadsheet.
 * @param {Report[]} reports
 */
function lines(reports) {
  const head = [
    words.say("machine"),
    words.say("room"),
    ...TEXTS.map((key) => words.say(key)),
    words.say("received"),
  ];
  const rows = reports.map((each) => [
    each.hostname,
    each.room,
    each.processor,
    each.memoryText.replace("\u00a0", " "),
    each.disks,
    each.serial,
    each.received.slice(0, 16).replace("T", " "),
  ]);
  return [head, ...rows];
}
