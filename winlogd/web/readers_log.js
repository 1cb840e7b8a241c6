// The page with the readers' log: who has looked at what. The scope audit sees all rows, the others their own.
import { changed, go, to } from "./address.js";
import { ask, failure } from "./ask.js";
import { copiesAs, csvButton, csvRows } from "./copy.js";
import { fill, h, named, sheet, visible } from "./dom.js";
import { chips } from "./filters.js";
import { bind, bindRows } from "./keys.js";
import { me, met } from "./me.js";
import { offer } from "./pages.js";
import { kindWords, words } from "./readers_log_words.js";
import { day } from "./time.js";
import { say } from "./words.js";

const COLUMNS = ["at", "reader", "kind", "filter", "address"];
const FILTERS = ["reader", "from", "to"];
const ROWS = "100";

offer("readers_log", show);

/**
 * Show the page.
 * @param {HTMLElement} root
 * @param {Place} state
 * @returns {Promise<Page>}
 */
async function show(root, state) {
  await Promise.all([sheet("readers_log.css"), met]);
  const log = new ReadersLog(root, state);
  const ends = [
    () => log.asking.abort(),
    bindRows(root),
    bind({
      "]": [() => words.say("older_key"), () => log.next && go(changed({ cursor: log.next }))],
      "[": [() => words.say("newer_key"), () => go(changed({ cursor: null }))],
    }),
  ];
  return {
    title: say("readers_log"),
    ends,
    change: (next) => log.change(next),
  };
}

class ReadersLog {
  /** @param {HTMLElement} root @param {Place} state */
  constructor(root, state) {
    this.state = state;
    this.asking = new AbortController();
    /** @type {string | null} */
    this.next = null;
    this.said = h("p", { class: "looks-said" });
    this.controls = h("div", { class: "looks-controls" });
    this.filters = h("div", { class: "filters" });
    this.list = h("div", { class: "looks-list" });
    fill(root, h("h1", {}, say("readers_log")), this.said, this.controls, this.filters, this.list);
    this.change(state);
  }

  get isAuditor() {
    return me.known?.scope === "audit";
  }

  /** @param {Place} state */
  async change(state) {
    this.state = state;
    this.asking.abort();
    this.asking = new AbortController();
    const { signal } = this.asking;
    const { query } = state;
    this.next = null;
    fill(this.list, h("p", { class: "loading" }, say("loading")));
    const [reader, from, until, cursor] = ["reader", "from", "to", "cursor"].map((name) => query.get(name));
    try {
      const answer = await ask("readers/log", { reader, from, to: until, cursor, limit: ROWS }, signal);
      this.next = answer.next;
      this.draw(answer.looks);
    } catch (fault) {
      if (signal.aborted) return;
      this.drawHead([]);
      fill(
        this.list,
        failure(fault, () => this.change(this.state)),
      );
    }
  }

  /** @param {Look[]} looks */
  draw(looks) {
    this.drawHead(looks);
    if (!looks.length) {
      const isFiltered = FILTERS.some((name) => this.state.query.get(name));
      fill(this.list, h("p", { class: "empty" }, words.say(isFiltered ? "none_filtered" : "none")));
      return;
    }
    const names = /** @type {const} */ (["at", "reader", "kind", "filter", "address"]);
    const table = h(
      "table",
      { class: "looks", role: "table" },
      h(
        "thead",
        {},
        h(
          "tr",
          {},
          names.map((name) => h("th", { scope: "col" }, words.say(name))),
        ),
      ),
      h(
        "tbody",
        { role: "rowgroup" },
        looks.map((look) => this.row(look)),
      ),
    );
    const pages = h(
      "p",
      { class: "looks-pages" },
      this.state.query.get("cursor") &&
        h("a", { class: "button", href: changed({ cursor: null }) }, words.say("newest")),
      this.next && h("a", { class: "button", href: changed({ cursor: this.next }) }, words.say("older")),
    );
    fill(
      this.list,
      h(
        "div",
        { class: "looks-scroll", tabindex: "0", role: "region", "aria-label": say("readers_log") },
        table,
      ),
      pages,
    );
  }

  /** @param {Look} look */
  row(look) {
    const { at, reader, kind, filter, address } = look;
    const cells = [
      h("time", { datetime: at }, `${day(at, "short")}, ${at.slice(11, 19)}`),
      this.isAuditor ? h("a", { href: changed({ reader, cursor: null }) }, named(reader)) : named(reader),
      kindWords(kind),
      seen(kind, filter),
      address === "command" ? words.say("command") : named(address),
    ];
    const row = h(
      "tr",
      { tabindex: "-1", role: "row", "data-row": true },
      cells.map((each) => h("td", { role: "cell" }, each)),
    );
    copiesAs(row, () =>
      visible(
        [at.slice(0, 19).replace("T", " "), reader, kindWords(kind), filter, address]
          .filter(Boolean)
          .join(", "),
      ),
    );
    return row;
  }

  /** @param {Look[]} looks */
  drawHead(looks) {
    fill(this.said, words.say(this.isAuditor ? "all" : "own"));
    /** @param {string} name @param {string} label @param {string} type */
    const field = (name, label, type) =>
      h(
        "label",
        {},
        label,
        " ",
        h("input", {
          type,
          name,
          autocomplete: "off",
          value: this.state.query.get(name) ?? "",
          onchange: (event) => go(changed({ [name]: event.target.value, cursor: null })),
        }),
      );
    const name = this.controls.contains(document.activeElement)
      ? document.activeElement?.getAttribute("name")
      : null;
    fill(
      this.controls,
      this.isAuditor && field("reader", words.say("reader"), "text"),
      field("from", words.say("first"), "date"),
      field("to", words.say("until"), "date"),
    );
    if (name) /** @type {HTMLElement | null} */ (this.controls.querySelector(`[name="${name}"]`))?.focus();
    const csv = csvButton("readers-log", () => csvRows(looks, COLUMNS));
    fill(this.filters, chips(this.state, FILTERS), looks.length > 0 && csv);
  }
}

/**
 * Return what was looked at; a machine or a person as a link.
 * @param {string} kind
 * @param {string} filter such as "hostname=A102-07"
 */
function seen(kind, filter) {
  const [, name] = /^(?:hostname|username)=(.+)$/su.exec(filter) ?? [];
  if (name && (kind === "machine" || kind === "user")) return h("a", { href: to([kind, name]) }, named(name));
  return named(filter);
}
