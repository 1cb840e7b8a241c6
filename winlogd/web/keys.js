// Keys: one or two letters, such as "d" or "g n". None of them works inside a field. "?" lists those of the page.
import { fill, h } from "./dom.js";
import { say } from "./words.js";

/** @typedef {Record<string, [() => string, () => void]>} Keys what a key does in words, and what it does */

const SECOND_KEY_MS = 1500;
/** @type {Keys[]} */
const layers = [];
let first = "";
let firstAt = 0;

/**
 * Let keys do something. Return the function that ends this: a page calls it when it leaves.
 * @param {Keys} keys
 * @returns {() => void}
 */
export function bind(keys) {
  layers.push(keys);
  return () => {
    layers.splice(layers.indexOf(keys), 1);
  };
}

/** Listen to the keyboard. Call this once. */
export function listen() {
  addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing || isField(event.target)) return;
    if (document.querySelector("dialog[open]")) return;
    const isSecond = first && event.timeStamp - firstAt < SECOND_KEY_MS;
    const names = isSecond ? [`${first} ${event.key}`] : [event.key];
    first = "";
    for (const name of names) {
      const found = layers.findLast((layer) => name in layer)?.[name];
      if (found) {
        event.preventDefault();
        found[1]();
        return;
      }
    }
    if (
      !isSecond &&
      layers.some((layer) => Object.keys(layer).some((name) => name.startsWith(`${event.key} `)))
    ) {
      [first, firstAt] = [event.key, event.timeStamp];
    }
  });
}

/** @param {EventTarget | null} target */
function isField(target) {
  return (
    target instanceof HTMLElement && (target.isContentEditable || target.matches("input, select, textarea"))
  );
}

/** Show what the keys do. */
export function showHelp() {
  /** @type {Keys} */
  const all = Object.assign({}, ...layers);
  const rows = Object.entries(all).map(([name, [words]]) =>
    h(
      "div",
      {},
      h("dt", {}, ...name.split(" ").flatMap((key) => [h("kbd", {}, key), " "])),
      h("dd", {}, words()),
    ),
  );
  const dialog = h("dialog", {
    class: "help",
    "aria-labelledby": "help-title",
    onclose: () => dialog.remove(),
  });
  fill(
    dialog,
    h("h2", { id: "help-title" }, say("help_title")),
    h("dl", {}, rows),
    h("button", { type: "button", onclick: () => dialog.close() }, say("close")),
  );
  document.body.append(dialog);
  dialog.showModal();
}

/**
 * Let j and k go through the rows of a page: the elements with `data-row`, each a link or a button. Enter is theirs.
 * @param {Element} root
 * @returns {() => void} ends this
 */
export function bindRows(root) {
  /** @param {number} step */
  const move = (step) => {
    const rows = /** @type {HTMLElement[]} */ ([...root.querySelectorAll("[data-row]")]).filter(
      (each) => each.checkVisibility?.() ?? each.offsetParent,
    );
    const at = rows.indexOf(/** @type {HTMLElement} */ (document.activeElement));
    const next = at < 0 ? (step > 0 ? 0 : rows.length - 1) : at + step;
    rows[Math.max(0, Math.min(next, rows.length - 1))]?.focus();
  };
  return bind({
    j: [() => say("k_next"), () => move(1)],
    k: [() => say("k_previous"), () => move(-1)],
    Enter: [
      () => say("k_enter"),
      () => document.activeElement instanceof HTMLElement && document.activeElement.click(),
    ],
  });
}
