// The controls of a moment: to the changes before and after, by 15 minutes, by days, and a slider for the day.
import { fill, h, place } from "./dom.js";
import { addressAt, clockAt, goAt, minuteOf, plus } from "./moment_time.js";
import { words } from "./moment_words.js";
import { addDays } from "./time.js";

const LAST_MINUTE = 24 * 60 - 1;
const STEP_MINUTES = 15;

/**
 * Where each control leads: instants, or local times. Null if there is nothing.
 * @typedef {Record<"[" | "]" | "-" | "+" | "p" | "n", string | null>} Ways
 */

/**
 * Return where the controls of a moment lead.
 * @param {MomentAnswer} answer
 * @returns {Ways}
 */
export function waysOf(answer) {
  const [first, last] = [answer.at[0] ?? "", answer.at.at(-1) ?? ""];
  const local = first.slice(10, 19);
  return {
    "[": addDays(first.slice(0, 10), -1) + local,
    "]": addDays(first.slice(0, 10), 1) + local,
    "-": plus(first, -STEP_MINUTES),
    "+": plus(last, STEP_MINUTES),
    p: answer.previous,
    n: answer.next,
  };
}

/**
 * Return the controls.
 * @param {MomentAnswer} answer
 */
export function controls(answer) {
  const ways = waysOf(answer);
  const day = (answer.at[0] ?? "").slice(0, 10);
  return h(
    "div",
    { class: "controls" },
    h(
      "div",
      { class: "ways" },
      way(ways["["], "day_before", "day", "«", ""),
      way(ways.p, "previous", "change", "‹", ""),
      way(ways["-"], "earlier", "quarter", "−", ""),
    ),
    field(answer),
    h(
      "div",
      { class: "ways" },
      way(ways["+"], "later", "quarter", "+", ""),
      way(ways.n, "next", "change", "", "›"),
      way(ways["]"], "day_after", "day", "", "»"),
    ),
    slider(answer, day),
  );
}

/**
 * @param {string | null} at
 * @param {import("./moment_words.js").Key} key says where it leads
 * @param {import("./moment_words.js").Key} short
 * @param {string} before a sign
 * @param {string} after a sign
 */
function way(at, key, short, before, after) {
  const [label, said] = [words.say(key), words.say(short)];
  const content = `${before} ${said} ${after}`.trim();
  if (!at) return h("span", { class: "button none", title: words.say("none") }, content);
  const attributes = { class: "button", href: addressAt(at), "data-way": key };
  return h("a", { ...attributes, "aria-label": `${content}, ${label}`, title: label }, content);
}

/** @param {MomentAnswer} answer */
function field(answer) {
  const input = h("input", {
    type: "datetime-local",
    value: (answer.at[0] ?? "").slice(0, 16),
    "aria-label": words.say("field"),
    onchange: () => input.value && goAt(input.value),
  });
  return input;
}

/**
 * Return the slider for the day, with a tick for each hour. It moves to a moment when it is let go.
 * @param {MomentAnswer} answer
 * @param {string} day
 */
function slider(answer, day) {
  const minute = minuteOf(answer.at[0] ?? "");
  const shown = h("output", {}, clockAt(minute));
  const input = h("input", {
    type: "range",
    min: 0,
    max: LAST_MINUTE,
    value: minute,
    "aria-label": words.say("slider"),
    "aria-valuetext": clockAt(minute),
    oninput: () => {
      fill(shown, clockAt(Number(input.value)));
      input.setAttribute("aria-valuetext", shown.value);
    },
    onchange: () => goAt(`${day}T${clockAt(Number(input.value))}`),
  });
  const ticks = Array.from({ length: 25 }, (_, hour) => {
    const tick = h(
      "span",
      { class: hour % 6 ? (hour % 2 ? "tick" : "tick even") : "tick sixth" },
      String(hour),
    );
    place(tick, { "inset-inline-start": `${(100 * hour) / 24}%` });
    return tick;
  });
  return h(
    "div",
    { class: "slider" },
    shown,
    input,
    h("div", { class: "ticks", "aria-hidden": "true" }, ticks),
  );
}
