// The charts of the page Trends, and the tables that say the same. Each number is a link to its list.
import { to } from "./address.js";
import { copiesAs, csvButton, csvRows } from "./copy.js";
import { fill, h, place } from "./dom.js";
import { addDays, clock, dateIn, day } from "./time.js";
import { words } from "./trends_words.js";
import { number, say } from "./words.js";

/** How much of the dark colour each grade has. None is so much in the middle that neither text is legible on it. */
const GRADES = ["8%", "18%", "29%", "40%", "72%", "86%", "100%"];
/** From this grade on the text is light. */
const STRONG = 4;
/** The hours that are shown even if nobody was there. */
const USUAL_HOURS = { first: 8, last: 17 };

/** @typedef {import("./dom.js").Child} Child */

/**
 * Draw the hours of the week: a timetable, in a stronger colour where more were on.
 * @param {HTMLElement} root
 * @param {WeekHour[]} rows
 * @param {string | null} room
 * @param {boolean} isTable
 */
export function drawWeek(root, rows, room, isTable) {
  const most = Math.max(...rows.map((each) => each.most), 1);
  const found = new Map(rows.map((each) => [each.weekday * 24 + each.hour, each]));
  const weekdays = [0, 1, 2, 3, 4, 5, 6].map((each) => weekdayName(each, "long"));
  const hours = spanOf(rows.filter((each) => each.most || each.logons).map((each) => each.hour));
  const body = hours.map((hour) =>
    h(
      "tr",
      {},
      h("th", { scope: "row", class: "edge" }, `${hour}:00`),
      weekdays.map((day, weekday) => cell(found.get(weekday * 24 + hour), day, most, room)),
    ),
  );
  const head = h(
    "tr",
    {},
    h("td", { class: "edge" }),
    weekdays.map((abbr, each) => h("th", { scope: "col", abbr }, weekdayName(each, "short"))),
  );
  const table = h(
    "table",
    { class: `week${isTable ? " numbers" : ""}` },
    h("thead", {}, head),
    h("tbody", {}, body),
  );
  table.addEventListener("keydown", (event) => moveIn(table, event));
  const first = table.querySelector("a");
  if (first) first.tabIndex = 0;
  const csv = csvButton("week", () =>
    csvRows(rows, ["weekday", "hour", "hours", "logons", "users", "most", "most_at"]),
  );
  fill(
    root,
    head2(words.say("week"), csv),
    h("p", { class: "note" }, words.say("week_says"), " ", words.say("known_ends")),
    h("div", { class: "wide-table" }, table),
    legend(most),
  );
}

/**
 * @param {WeekHour | undefined} row undefined if the span has no such hour
 * @param {string} weekday in words
 * @param {number} most
 * @param {string | null} room
 */
function cell(row, weekday, most, room) {
  if (!row) return h("td");
  const grade = Math.ceil((row.most / most) * GRADES.length) - 1;
  const values = { day: weekday, hour: `${row.hour}:00`, n: row.most };
  const label = row.most
    ? words.say("of_cell_at", { ...values, date: day(row.most_at) })
    : words.say("of_cell", values);
  const link = h(
    "a",
    {
      href: hourAddress(row.most_at, room),
      class: `cell${grade >= STRONG ? " strong" : ""}${grade < 0 ? " none" : ""}`,
      title: label,
      tabindex: "-1",
      "data-row": true,
    },
    h("span", { class: "unseen" }, label),
    h("span", { class: "num", "aria-hidden": "true" }, number(row.most)),
  );
  if (grade >= 0) place(link, { "--share": GRADES[grade] ?? "100%" });
  copiesAs(link, () => label);
  return h("td", {}, link);
}

/**
 * Let the arrow keys go through a table's links. Only one of them is on the way of the tab key.
 * @param {HTMLTableElement} table
 * @param {KeyboardEvent} event
 */
function moveIn(table, event) {
  const step = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] }[event.key];
  const td = document.activeElement?.closest("td");
  const tr = td?.closest("tr");
  if (!step || !td || !tr) return;
  const [down = 0, right = 0] = step;
  const next = table.rows[tr.rowIndex + down]?.cells[td.cellIndex + right]?.querySelector("a");
  if (!next) return;
  event.preventDefault();
  for (const each of table.querySelectorAll("a")) each.tabIndex = each === next ? 0 : -1;
  next.focus();
}

/** @param {number} most */
function legend(most) {
  const steps = GRADES.map((share) => {
    const step = h("span", { class: "step" });
    place(step, { "--share": share });
    return step;
  });
  return h("p", { class: "legend", "aria-hidden": "true" }, "1 ", steps, ` ${number(most)}`);
}

/**
 * Draw the days: two bars each, or a table.
 * @param {HTMLElement} root
 * @param {Count[]} rows
 * @param {string | null} room
 * @param {boolean} isTable
 */
export function drawDays(root, rows, room, isTable) {
  const csv = csvButton("days", () => listOf(rows));
  const heading = head2(words.say("days"), csv);
  /** @param {Count} each */
  const address = (each) => to(["timeline"], { day: each.begins_at.slice(0, 10), room });
  if (isTable) {
    fill(
      root,
      heading,
      tableOf(rows, words.say("date"), (each) => day(each.begins_at), address),
    );
    return;
  }
  const key = h(
    "p",
    { class: "legend", "aria-hidden": "true" },
    h("span", { class: "step users" }),
    ` ${words.say("users")} `,
    h("span", { class: "step most" }),
    ` ${words.say("most")}`,
  );
  const highest = Math.max(...rows.map((each) => Math.max(each.users, each.most)), 1);
  const bars = rows.map((each) => {
    const label = words.say("of_day", {
      day: day(each.begins_at),
      users: each.users,
      n: each.most,
      logons: each.logons,
    });
    const isMonday = new Date(each.begins_at.slice(0, 10)).getUTCDay() === 1;
    const shown =
      rows.length <= 10 || isMonday ? dateIn({ day: "numeric", month: "short" }, each.begins_at) : "";
    return bar(address(each), label, shown, number(each.users), [
      ["users", each.users / highest],
      ["most", each.most / highest],
    ]);
  });
  const list = h("ol", { class: "bars" }, bars);
  fill(root, heading, key, h("div", { class: "scroll" }, list));
  requestAnimationFrame(() => list.parentElement?.scrollTo({ left: list.scrollWidth }));
}

/**
 * Draw the hours of one day: a bar each, or a table.
 * @param {HTMLElement} root
 * @param {Node} controls
 * @param {Count[] | null} rows null if they are not known yet
 * @param {string | null} room
 * @param {boolean} isTable
 */
export function drawHours(root, controls, rows, room, isTable) {
  const focused = root.contains(document.activeElement)
    ? document.activeElement?.getAttribute("aria-label")
    : null;
  const counted = rows ?? [];
  const csv = rows && csvButton("hours", () => listOf(rows));
  const hours = spanOf(
    counted.filter((each) => each.logons).map((each) => Number(each.begins_at.slice(11, 13))),
  );
  const shown = counted.filter((each) => hours.includes(Number(each.begins_at.slice(11, 13))));
  fill(root, head2(words.say("hours"), csv), controls, hoursOf(rows, shown, room, isTable));
  const scroll = root.querySelector(".scroll");
  const highest = scroll?.querySelector(".highest");
  if (scroll && highest instanceof HTMLElement)
    requestAnimationFrame(() => scroll.scrollTo({ left: highest.offsetLeft - scroll.clientWidth / 2 }));
  if (focused)
    /** @type {HTMLElement | null} */ (root.querySelector(`button[aria-label="${focused}"]`))?.focus();
}

/**
 * @param {Count[] | null} rows
 * @param {Count[]} shown
 * @param {string | null} room
 * @param {boolean} isTable
 * @returns {Child}
 */
function hoursOf(rows, shown, room, isTable) {
  if (!rows) return h("p", { class: "loading" }, say("loading"));
  if (!rows.some((each) => each.logons)) return h("p", { class: "empty" }, words.say("none_that_day"));
  /** @param {Count} each */
  const address = (each) => hourAddress(each.begins_at, room);
  if (isTable) return tableOf(shown, words.say("hour"), (each) => clock(each.begins_at), address);
  const highest = Math.max(...shown.map((each) => each.logons), 1);
  const bars = shown.map((each) => {
    const hour = clock(each.begins_at);
    const label = words.say("of_hour", { hour, n: each.logons, users: each.users });
    return bar(address(each), label, hour, number(each.logons), [["logons", each.logons / highest]]);
  });
  return h("div", { class: "scroll" }, h("ol", { class: "bars few" }, bars));
}

/**
 * @param {string} address
 * @param {string} label all that the bar says, for a screen reader and a mouse
 * @param {string} under the text under it
 * @param {string} value the number that is shown
 * @param {[string, number][]} parts the class of each part, and its share of the height
 */
function bar(address, label, under, value, parts) {
  const columns = parts.map(([name, share]) => {
    const column = h("span", { class: `column ${name}` });
    place(column, { "block-size": `${100 * share}%` });
    return column;
  });
  const link = h(
    "a",
    { href: address, title: label, "data-row": true },
    h("span", { class: "unseen" }, label),
    h("span", { class: "num", "aria-hidden": "true" }, value),
    h("span", { class: "columns" }, columns),
    h("span", { class: "under", "aria-hidden": "true" }, under),
  );
  copiesAs(link, () => label);
  return h("li", { class: parts.some(([, share]) => share === 1) ? "highest" : null }, link);
}

/**
 * @param {Count[]} rows
 * @param {string} name of the first column
 * @param {(each: Count) => string} nameOf
 * @param {(each: Count) => string} addressOf
 */
function tableOf(rows, name, nameOf, addressOf) {
  const head = [name, words.say("logons"), words.say("users"), words.say("most")];
  const body = rows.map((each) => {
    const link = h("a", { href: addressOf(each), "data-row": true }, nameOf(each));
    const row = h(
      "tr",
      {},
      h("th", { scope: "row" }, link),
      [each.logons, each.users, each.most].map((value) => h("td", {}, number(value))),
    );
    copiesAs(row, () =>
      [
        nameOf(each),
        ...[each.logons, each.users, each.most].map((value, at) => `${value} ${head[at + 1]}`),
      ].join(", "),
    );
    return row;
  });
  return h(
    "div",
    { class: "wide-table" },
    h(
      "table",
      { class: "counted" },
      h(
        "thead",
        {},
        h(
          "tr",
          {},
          head.map((each) => h("th", { scope: "col" }, each)),
        ),
      ),
      h("tbody", {}, body),
    ),
  );
}

/** @param {Count[]} rows */
function listOf(rows) {
  return csvRows(rows, ["begins_at", "logons", "users", "most"]);
}

/** @param {string} text @param {Child} tool */
function head2(text, tool) {
  return h("div", { class: "trend-head" }, h("h2", {}, text), tool);
}

/**
 * Return all hours from the first to the last, but at least the usual ones.
 * @param {number[]} hours
 */
function spanOf(hours) {
  const first = Math.min(USUAL_HOURS.first, ...hours);
  const last = Math.max(USUAL_HOURS.last, ...hours);
  return Array.from({ length: last - first + 1 }, (_, at) => first + at);
}

/**
 * Return the address of all who were on in an hour.
 * @param {string} begin with its offset
 * @param {string | null} room
 */
function hourAddress(begin, room) {
  const hour = begin.slice(0, 13);
  const isLast = hour.endsWith("23");
  const end = isLast
    ? `${addDays(begin.slice(0, 10), 1)}T00:00`
    : `${begin.slice(0, 11)}${String(Number(hour.slice(11)) + 1).padStart(2, "0")}:00`;
  return to([], { from: `${hour}:00`, to: end, room });
}

/** @param {number} weekday 0 for Monday @param {"long" | "short"} form */
function weekdayName(weekday, form) {
  return dateIn({ weekday: form }, `2024-01-0${1 + weekday}`);
}
