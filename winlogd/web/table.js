// A table that draws its rows a hundred at a time, however many there are. Headings sort, rows are copied as one line.
import { changed } from "./address.js";
import { copiesAs } from "./copy.js";
import { words } from "./details_words.js";
import { fill, h } from "./dom.js";

/** Rows that are drawn at once: some 3 ms. */
const CHUNK = 100;

/**
 * @template Row
 * @typedef {object} Column
 * @property {string} key
 * @property {string} label
 * @property {(row: Row) => import("./dom.js").Child} cell
 * @property {boolean} [sorts] true if the heading sorts by this column, by `?sort=key` or `?sort=-key`
 */

/**
 * Return a table. The first link of a row is its place for the keys j and k.
 * @template Row
 * @param {string} caption for screen readers
 * @param {Column<Row>[]} columns
 * @param {Row[]} rows
 * @param {{line: (row: Row) => string, sort?: string, group?: (row: Row) => [string, import("./dom.js").Child]}} how
 *   `line`: the row as one line; `sort`: the column by which it is sorted; `group`: the name of its group, rows of which stand together, and its heading
 */
export function table(caption, columns, rows, { line, sort = "", group }) {
  const heads = columns.map((each) => heading(each, sort));
  const element = h(
    "table",
    { class: columns.some((each) => each.sorts) ? "list sorts" : "list" },
    h("caption", { class: "unseen" }, caption),
    h("thead", {}, h("tr", {}, heads)),
  );
  const rest = h("p", { class: "rest" });
  let at = 0;
  let last = "";
  /** @type {HTMLElement | null} */
  let body = null;
  const draw = () => {
    const part = rows.slice(at, at + CHUNK);
    for (const row of part) {
      const [name, title] = group ? group(row) : ["", null];
      if (!body || name !== last) {
        body = h("tbody", {});
        if (title) {
          const head = h("th", { scope: "rowgroup", colspan: columns.length }, title);
          body.append(h("tr", { class: "group" }, head));
        }
        element.append(body);
        last = name;
      }
      body.append(drawn(row));
    }
    at += part.length;
    const left = Math.min(CHUNK, rows.length - at);
    const more =
      left > 0 && h("button", { type: "button", onclick: showMore }, words.say("more", { n: left }));
    fill(rest, more);
  };
  const showMore = () => {
    const first = at;
    draw();
    /** @type {HTMLElement[]} */
    const places = [...element.querySelectorAll("[data-row]")].map((each) => /** @type {any} */ (each));
    places[first]?.focus();
  };
  /** @param {Row} row */
  const drawn = (row) => {
    const cells = columns.map((each, at) => {
      const content = each.cell(row);
      const cell = content === null || content === "" ? null : h("span", {}, content);
      const attributes = { "data-key": each.key, "data-label": each.label };
      return at ? h("td", attributes, cell) : h("th", { scope: "row" }, cell);
    });
    const tr = h("tr", {}, cells);
    tr.querySelector("a")?.setAttribute("data-row", "");
    copiesAs(tr, () => line(row));
    return tr;
  };
  draw();
  return h("div", { class: "table" }, element, rest);
}

/** @param {Column<any>} column @param {string} sort */
function heading({ key, label, sorts }, sort) {
  if (!sorts) return h("th", { scope: "col" }, label);
  const isDown = sort === `-${key}`;
  const direction = sort === key ? "ascending" : isDown ? "descending" : null;
  const address = changed({ sort: sort === key ? `-${key}` : key });
  const link = h("a", { href: address, title: words.say("sort_by", { column: label }) }, label);
  const arrow = direction && h("span", { "aria-hidden": "true" }, isDown ? " ↓" : " ↑");
  return h("th", { scope: "col", "aria-sort": direction }, link, arrow);
}
