// The box in the header of every page: it searches everything while somebody types, and Enter opens what is meant.
// The field keeps the focus; the results are a listbox (ARIA 1.2, combobox). One question is asked at a time.
import { go, onMove } from "./address.js";
import { ask, failure, Unanswered, why } from "./ask.js";
import { words } from "./box_words.js";
import { copiesAs } from "./copy.js";
import { fill, h, named, set } from "./dom.js";
import { follow, live } from "./live.js";
import { mark } from "./states.js";
import { lang } from "./words.js";

/** So long after the last letter the server is asked. */
const PAUSE_MS = 120;
/** So many frames long a page may take to show the room that was opened. */
const MOST_FRAMES = 120;

/**
 * Let the box search. Return the function that says everything anew, in another language.
 * @param {HTMLFormElement} form
 * @param {HTMLInputElement} field
 * @returns {() => void}
 */
export function startBox(form, field) {
  const box = new Box(form, field);
  return () => box.refresh();
}

class Box {
  /** @param {HTMLFormElement} form @param {HTMLInputElement} field */
  constructor(form, field) {
    this.field = field;
    this.line = /** @type {HTMLElement} */ (form.querySelector("#understood"));
    this.panel = /** @type {HTMLElement} */ (form.querySelector("#found"));
    this.list = h("div", { id: "found-list", role: "listbox" });
    this.rest = h("div", { class: "rest" });
    /** @type {Result[]} */
    this.results = [];
    /** @type {HTMLElement[]} */
    this.options = [];
    this.active = -1;
    this.timer = 0;
    this.isAsking = false;
    this.isWanted = false;
    /** @type {string | null} The text to which `answer` belongs. */
    this.answered = null;
    /** @type {SearchAnswer | null} */
    this.answer = null;
    /** @type {typeof import("./box_found.js") | null} How an answer is said: loaded with the first one. */
    this.found = null;
    /** @type {string | null} The address that the box has opened. */
    this.opened = null;
    fill(this.panel, this.list, this.rest);
    const pattern = { role: "combobox", "aria-autocomplete": "list", "aria-controls": "found-list" };
    set(field, { type: "text", ...pattern, oninput: () => this.typed(), onfocus: () => this.reopen() });
    set(field, { onkeydown: (/** @type {KeyboardEvent} */ event) => this.press(event) });
    set(form, {
      onsubmit: (/** @type {Event} */ event) => this.enter(event),
      onfocusout: this.left.bind(this),
    });
    // The field keeps the focus when a result is clicked, but the buttons below the results take it.
    set(this.list, { onmousedown: (/** @type {Event} */ event) => event.preventDefault() });
    copiesAs(field, () => this.copied());
    onMove(() => this.moved());
    follow((changed) => changed.all && set(this.line, { "data-hint": hint() }));
    set(this.line, { "data-hint": hint() });
    this.close();
  }

  get text() {
    return this.field.value.trim();
  }

  // ── asking ────────────────────────────────────────────────────────────────────────────────────────────

  typed() {
    clearTimeout(this.timer);
    this.isWanted = false;
    this.opened = null;
    this.choose(-1);
    if (!this.text) return this.forget();
    this.timer = setTimeout(() => this.look(), PAUSE_MS);
  }

  /** Ask for the text of the field. While a question is out, its end asks: answers to older texts are dropped. */
  async look() {
    clearTimeout(this.timer);
    const { text } = this;
    if (this.isAsking || !text || this.answered === text) return;
    this.isAsking = true;
    /** @type {unknown} */
    let fault = null;
    /** @type {SearchAnswer | null} */
    let answer = null;
    try {
      const told = await ask("search", { q: text, lang: lang() });
      this.found ??= await import("./box_found.js").catch(() => {
        throw new Unanswered(0, "");
      });
      answer = told;
    } catch (thrown) {
      fault = thrown;
    }
    this.isAsking = false;
    if (text !== this.text) return void this.look();
    this.answered = text;
    this.take(answer, fault);
  }

  /** @param {SearchAnswer | null} answer @param {unknown} fault */
  take(answer, fault) {
    this.answer = answer;
    this.draw(fault);
    if (this.isWanted) this.openMeant();
    else if (document.activeElement === this.field) this.open();
  }

  forget() {
    this.answer = null;
    this.answered = null;
    this.results = [];
    fill(this.line);
    this.close();
  }

  /** Say everything anew, in the present language. */
  refresh() {
    this.answered = null;
    set(this.line, { "data-hint": hint() });
    this.close();
    this.look();
  }

  /** The address has changed. What is said of another moment or page than that of the address must go. */
  moved() {
    if (document.activeElement === this.field || location.pathname + location.search === this.opened) return;
    this.field.value = "";
    this.forget();
  }

  // ── drawing ───────────────────────────────────────────────────────────────────────────────────────────

  /** @param {unknown} fault */
  draw(fault) {
    const { answer, found } = this;
    const groups = answer && found ? found.groupsOf(answer) : [];
    this.results = groups.flatMap((group) => group.results);
    this.options = this.results.map((result, at) => this.option(result, at));
    let at = 0;
    const isMeant = this.meant() !== null;
    set(this.list, {
      "aria-label": words.say("results"),
      hidden: !this.results.length,
      class: isMeant && "meant",
    });
    fill(
      this.list,
      groups.map(({ kind, results, left }) =>
        h(
          "div",
          { role: "group", "aria-labelledby": `found-${kind}` },
          h("div", { id: `found-${kind}`, class: "kind", role: "presentation" }, words.say(kind)),
          results.map(() => this.options[at++]),
          left > 0 && h("div", { class: "left", role: "presentation" }, words.say("more", { n: left })),
        ),
      ),
    );
    fill(this.line, answer && found ? found.sentence(answer) : why(fault));
    const isNothing = answer && !answer.best && (answer.words.length || !answer.moments.length);
    fill(
      this.rest,
      fault instanceof Unanswered && failure(fault, () => this.refresh()),
      isNothing && this.help(),
      this.results.length > 0 && h("p", { class: "keys", "aria-hidden": "true" }, words.say("keys")),
    );
  }

  /** Say what can be typed. */
  help() {
    /** @param {string} text */
    const example = (text) =>
      h("button", { type: "button", onclick: () => this.type(text) }, h("bdi", {}, text));
    return [h("p", {}, words.say("what")), h("p", { class: "examples" }, examples().map(example))];
  }

  /** @param {string} text */
  type(text) {
    this.field.value = text;
    this.field.focus();
    this.typed();
    this.look();
  }

  /** @param {Result} result @param {number} at */
  option(result, at) {
    const { address, details, name, only, state } = result;
    /** @param {MouseEvent} event @param {string} target */
    const click = (event, target) => {
      if (event.button || event.ctrlKey || event.metaKey || event.shiftKey) return;
      event.preventDefault();
      this.go(target, target === address ? result : null);
    };
    const attributes = { role: "option", id: `found-${at}`, href: address, tabindex: "-1" };
    return h(
      "a",
      {
        ...attributes,
        "aria-selected": "false",
        onclick: (/** @type {MouseEvent} */ event) => click(event, address),
      },
      state && mark(state),
      h("span", { class: "name" }, named(name)),
      h("span", { class: "details" }, details),
      only &&
        h(
          "span",
          {
            class: "only",
            "aria-hidden": "true",
            onclick: (/** @type {MouseEvent} */ event) => {
              event.stopPropagation();
              click(event, only);
            },
          },
          words.say("show_only"),
        ),
    );
  }

  open() {
    if (!this.text || this.answered === null) return;
    set(this.panel, { hidden: !this.results.length && !this.rest.firstChild });
    set(this.field, { "aria-expanded": String(this.results.length > 0) });
  }

  close() {
    this.choose(-1);
    set(this.panel, { hidden: true });
    set(this.field, { "aria-expanded": "false" });
  }

  reopen() {
    if (this.answered === this.text && this.opened === null) this.open();
  }

  /** @param {FocusEvent} event */
  left(event) {
    if (!(event.relatedTarget instanceof Node && this.panel.contains(event.relatedTarget))) this.close();
  }

  // ── choosing ──────────────────────────────────────────────────────────────────────────────────────────

  /** @param {KeyboardEvent} event */
  press(event) {
    if (event.isComposing) return;
    const { key } = event;
    const chosen = this.results[this.active];
    if (key === "ArrowDown" || key === "ArrowUp") {
      if (!this.results.length) return;
      this.open();
      // From the last result to none, and on to the first.
      const count = this.results.length + 1;
      this.choose(((this.active + 1 + (key === "ArrowDown" ? 1 : -1) + count) % count) - 1);
    } else if (key === "Enter" && event.shiftKey && (chosen ?? this.results[0])?.only) {
      this.go(/** @type {string} */ ((chosen ?? this.results[0])?.only), null);
    } else if (key === "Escape") {
      if (this.panel.hidden) this.field.value = "";
      if (this.panel.hidden) this.forget();
      this.close();
    } else return;
    event.preventDefault();
  }

  /** @param {number} at */
  choose(at) {
    const before = this.options[this.active];
    if (before) set(before, { "aria-selected": "false" });
    this.active = at;
    const option = this.options[at];
    if (option) set(option, { "aria-selected": "true" });
    option?.scrollIntoView({ block: "nearest" });
    set(this.field, { "aria-activedescendant": option?.id ?? null });
  }

  /**
   * Open the chosen result, or what is meant. Without an answer to this text yet, open it when it is there.
   * @param {Event} event
   */
  enter(event) {
    event.preventDefault();
    const chosen = this.results[this.active];
    if (chosen) return this.go(chosen.address, chosen);
    if (!this.text) return;
    if (this.answered === this.text) return this.openMeant();
    this.isWanted = true;
    this.look();
  }

  /** Return what is meant; null if that was not found, or lies in the future. Then the line says so. */
  meant() {
    const { answer, results } = this;
    const isFound = answer && (answer.best || !answer.words.length) && !answer.moments[0]?.is_future;
    return (isFound && results[0]) || null;
  }

  openMeant() {
    this.isWanted = false;
    const meant = this.meant();
    if (meant) this.go(meant.address, meant);
    else this.open();
  }

  /** @param {string} address @param {Result | null} result */
  go(address, result) {
    this.close();
    this.opened = address;
    const main = document.getElementById("main");
    main?.focus({ preventScroll: true });
    if (location.pathname + location.search !== address) go(address);
    if (result?.room) pointTo(result.room, MOST_FRAMES);
  }

  /** Return the chosen result as one line, for a ticket. Text that is marked in the field is copied as usual. */
  copied() {
    const option = this.options[this.active];
    if (!option || this.field.selectionStart !== this.field.selectionEnd) return null;
    return [".name", ".details"]
      .map((part) => option.querySelector(part)?.textContent)
      .filter(Boolean)
      .join(", ");
  }
}

/**
 * Focus the row of a room as soon as the page Now shows it, unless somebody has gone on.
 * @param {string} room
 * @param {number} frames
 */
function pointTo(room, frames) {
  const row = document.querySelector(`.room[data-name="${CSS.escape(room)}"] .summary`);
  const { activeElement } = document;
  if (activeElement !== document.body && activeElement?.id !== "main") return;
  if (row instanceof HTMLElement) row.focus();
  else if (frames) requestAnimationFrame(() => pointTo(room, frames - 1));
}

/**
 * Return three texts that find something here.
 * @returns {string[]}
 */
function examples() {
  const machines = [...(live.machines?.values() ?? [])];
  const used = machines.find((each) => each.users.length && each.source_ip);
  const user = used?.users[0]?.username ?? "martin";
  return [exampleTime() ?? words.say("example_time", { room: "A102" }), user, used?.source_ip ?? "10.1.0.7"];
}

/** Return what the line says while nothing is typed: a question that has an answer here. */
function hint() {
  const example = exampleTime();
  return example ? words.say("hint", { example }) : "\u00a0";
}

function exampleTime() {
  const room = [...live.rooms.keys()].find((name) => name);
  return room && words.say("example_time", { room });
}
