// A row is copied as one line, for a ticket: focus it, and press c or Ctrl+C. A list is downloaded as CSV.
import { announce, h } from "./dom.js";
import { parametersOf } from "./first.js";
import { bind } from "./keys.js";
import { lang, say } from "./words.js";

const COLUMNS = [
  "username",
  "hostname",
  "room",
  "connected_at",
  "disconnected_at",
  "ended_by",
  "certainty",
  "doubt",
  "source_ip",
];

/** @type {WeakMap<Element, () => string | null>} */
const lines = new WeakMap();

/**
 * Say what is copied while the focus is inside an element; null for what is marked there.
 * @param {Element} element
 * @param {() => string | null} line
 */
export function copiesAs(element, line) {
  lines.set(element, line);
}

/** Listen for copying. Call this once. */
export function listenForCopies() {
  addEventListener("copy", (event) => {
    const line = lineAt(document.activeElement);
    if (line === null || !event.clipboardData || !getSelection()?.isCollapsed) return;
    event.clipboardData.setData("text/plain", line);
    event.preventDefault();
    announce(say("copied"));
  });
  // The command is old, but it is the only one that works over plain HTTP.
  bind({ c: [() => say("k_copy"), () => document.execCommand("copy")] });
}

/** @param {Element | null} element */
function lineAt(element) {
  for (let each = element; each; each = each.parentElement) {
    const line = lines.get(each);
    if (line) return line();
  }
  return null;
}

/**
 * Return a link that downloads a list as CSV, in the form that spreadsheets of the language want.
 * @param {string} path below /api/v1/
 * @param {Record<string, string | null | undefined>} query
 */
export function csvLink(path, query) {
  const parameters = parametersOf({ format: "csv", lang: lang(), ...query });
  const file = `${path.replaceAll("/", "-")}.csv`;
  return h("a", { class: "csv", href: `/api/v1/${path}?${parameters}`, download: file }, say("csv"));
}

/**
 * Return the rows for `csvButton` of what has a value for each column.
 * @param {Record<string, any>[]} list
 * @param {string[]} columns by default those of sessions
 */
export function csvRows(list, columns = COLUMNS) {
  return [columns, ...list.map((row) => columns.map((each) => String(row[each] ?? "")))];
}

/**
 * Return a button that downloads what is shown as CSV, where the server has no such list.
 * @param {string} name of the file
 * @param {() => string[][] | Promise<string[][]>} rows the first one has the names of the columns; no rows, no file
 */
export function csvButton(name, rows) {
  const save = async () => {
    const found = await rows();
    if (!found.length) return;
    const [mark, separator] = lang() === "fr" ? ["\ufeff", ";"] : ["", ","];
    const text = found.map((row) => `${row.map(cell).join(separator)}\r\n`);
    const url = URL.createObjectURL(new Blob([mark, ...text], { type: "text/csv" }));
    h("a", { href: url, download: `${name}.csv` }).click();
    setTimeout(() => URL.revokeObjectURL(url), 60_000);
  };
  return h("button", { type: "button", class: "quiet csv", onclick: save }, say("csv"));
}

/**
 * Return a cell (RFC 4180). What a spreadsheet would run gets an apostrophe, as in the server's own CSV.
 * @param {string} text
 */
function cell(text) {
  const harmless = /^[=+\-@\t\r]/.test(text) ? `'${text}` : text;
  return /[",;\r\n]/.test(harmless) ? `"${harmless.replaceAll('"', '""')}"` : harmless;
}
