// Draws a room of the timeline: its band of occupancy, and a row of bars for each machine. What is doubtful is hatched.
import { visible } from "./dom.js";

/** @typedef {import("./timeline_day.js").Day} Day */
/** @typedef {import("./timeline_day.js").Bar} Bar */
/** @typedef {import("./timeline_day.js").Row} Row */

/**
 * What is drawn.
 * @typedef {object} Picture
 * @property {Day} day
 * @property {import("./timeline_day.js").RoomCells} room
 * @property {Row[]} rows
 * @property {number[]} tops where each row begins, and last their end, in px
 * @property {number} band the height of the band
 * @property {[number, number]} span the moments at the left and the right edge
 * @property {number} width
 * @property {number} top the first px of the room that is drawn
 * @property {number} height
 * @property {Bar | number | null} chosen a bar, or the number of a cell
 */

const NAMES = ["ground", "paper", "ink", "soft", "line", "link", "in-use", "doubtful"];
const HATCH_PX = 6;
const POINT_PX = 10;
const GAP_PX = 2;
const FEWEST_HOUR_PX = 16;
const FEWEST_NAME_PX = 26;

/** @type {Record<string, string>} */
let colours = {};
let font = "";
/** @type {CanvasPattern | null} */
let hatch = null;
let hatchScale = 0;

/** Read the colours and the font from the style sheet: once, and when the scheme changes. */
export function readColours() {
  const style = getComputedStyle(document.documentElement);
  colours = Object.fromEntries(NAMES.map((each) => [each, style.getPropertyValue(`--${each}`)]));
  font = getComputedStyle(document.body).fontFamily;
  hatch = null;
}

/**
 * Return a colour by its name in the style sheet.
 * @param {string} name
 */
const colour = (name) => colours[name] ?? "";

/**
 * Draw a room.
 * @param {HTMLCanvasElement} canvas
 * @param {Picture} picture
 */
export function draw(canvas, picture) {
  const { width, height, top, band, tops, rows } = picture;
  const scale = devicePixelRatio || 1;
  const [columns, lines] = [Math.round(width * scale), Math.round(height * scale)];
  if (canvas.width !== columns) canvas.width = columns;
  if (canvas.height !== lines) canvas.height = lines;
  const context = canvas.getContext("2d");
  if (!context) return;
  context.setTransform(scale, 0, 0, scale, 0, -top * scale);
  context.clearRect(0, top, width, height);
  makeHatch(context, scale);
  drawHours(context, picture);
  if (top < band) drawBand(context, picture);
  for (let at = firstRow(tops, top); at < rows.length; at++) {
    const [from = 0, to = 0] = [tops[at], tops[at + 1]];
    if (from > top + height) break;
    context.fillStyle = colour("line");
    context.fillRect(0, from, width, 1);
    for (const bar of rows[at]?.bars ?? []) drawBar(context, picture, bar, from, to);
  }
  drawNow(context, picture);
}

/**
 * Return the number of the row at a height.
 * @param {number[]} tops
 * @param {number} top
 */
export function firstRow(tops, top) {
  let [low, high] = [0, Math.max(0, tops.length - 2)];
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if ((tops[middle] ?? 0) <= top) low = middle;
    else high = middle - 1;
  }
  return low;
}

/**
 * Return where a moment is, in px from the left.
 * @param {Picture} picture
 * @param {number} ms
 */
function x({ span: [from, to], width }, ms) {
  return ((ms - from) / (to - from)) * width;
}

/** @param {CanvasRenderingContext2D} context @param {number} scale */
function makeHatch(context, scale) {
  if (hatch && hatchScale === scale) return;
  const size = HATCH_PX * scale;
  const tile = new OffscreenCanvas(size, size);
  const pen = tile.getContext("2d");
  if (!pen) return;
  pen.fillStyle = colour("paper");
  pen.fillRect(0, 0, size, size);
  pen.strokeStyle = colour("doubtful");
  pen.lineWidth = 1.4 * scale;
  for (const shift of [-size, 0, size]) {
    pen.moveTo(shift - 1, size + 1);
    pen.lineTo(shift + size + 1, -1);
  }
  pen.stroke();
  hatch = context.createPattern(tile, "repeat");
  hatch?.setTransform(new DOMMatrix().scale(1 / scale));
  hatchScale = scale;
}

/** @param {CanvasRenderingContext2D} context @param {Picture} picture */
function drawHours(context, picture) {
  const { day, top, height } = picture;
  const every = x(picture, day.begin + 3_600_000) - x(picture, day.begin) < FEWEST_HOUR_PX ? 4 : 1;
  context.fillStyle = colour("line");
  for (const [at, text] of day.texts.entries()) {
    if (text.slice(14, 16) !== "00" || Number(text.slice(11, 13)) % every) continue;
    context.fillRect(Math.round(x(picture, day.begins[at] ?? 0)), top, 1, height);
  }
}

/** @param {CanvasRenderingContext2D} context @param {Picture} picture */
function drawBand(context, picture) {
  const { day, room, band, chosen } = picture;
  const [floor, space] = [band - 5, band - 10];
  /** @param {number} count */
  const tall = (count) => (count && room.machines ? Math.max(2, (space * count) / room.machines) : 0);
  for (const [at, begin] of day.begins.entries()) {
    const [left, right] = [
      x(picture, begin),
      Math.min(x(picture, day.begins[at + 1] ?? day.end), x(picture, day.last())),
    ];
    if (right < 0 || left > picture.width) continue;
    const used = tall(room.in_use[at] ?? 0);
    const more = tall(room.doubtful[at] ?? 0);
    context.fillStyle = colour("in-use");
    context.fillRect(left, floor - used, Math.max(1, right - left - 0.5), used);
    if (more) {
      context.fillStyle = hatch ?? colour("doubtful");
      context.fillRect(left, floor - used - more, Math.max(1, right - left - 0.5), more);
    }
    if (chosen === at) outline(context, left, floor - space, right - left, space);
  }
  context.fillStyle = colour("soft");
  context.fillRect(0, floor, picture.width, 1);
}

/**
 * @param {CanvasRenderingContext2D} context
 * @param {Picture} picture
 * @param {Bar} bar
 * @param {number} from the row's first px
 * @param {number} to
 */
function drawBar(context, picture, bar, from, to) {
  const space = (to - from - 2 * GAP_PX) / bar.lanes;
  const [top, height] = [from + GAP_PX + bar.lane * space, Math.max(3, space - 1)];
  const [left, right] = [x(picture, bar.begin), Math.max(x(picture, bar.end), x(picture, bar.begin) + 3)];
  if (right < 0 || left > picture.width) return;
  const solid = Math.max(x(picture, bar.sure), left + 3);
  if (right > solid) {
    context.fillStyle = hatch ?? colour("doubtful");
    context.fillRect(solid, top, right - solid, height);
    context.fillStyle = colour("doubtful");
    context.fillRect(solid, top, right - solid, 1);
    context.fillRect(solid, top + height - 1, right - solid, 1);
  }
  context.fillStyle = colour("in-use");
  if (bar.isOpen && bar.sure === bar.end) drawPoint(context, left, top, right - left, height);
  else context.fillRect(left, top, Math.min(solid, right) - left, height);
  drawName(context, bar, {
    top,
    height,
    left: Math.max(0, left),
    solid,
    right: Math.min(right, picture.width),
  });
  if (picture.chosen === bar) outline(context, left, top, right - left, height);
}

/**
 * Draw the bar of a session that goes on: its right end is a point.
 * @param {CanvasRenderingContext2D} context
 * @param {number} left @param {number} top @param {number} width @param {number} height
 */
function drawPoint(context, left, top, width, height) {
  const shoulder = left + Math.max(0, width - POINT_PX);
  context.beginPath();
  context.moveTo(left, top);
  context.lineTo(shoulder, top);
  context.lineTo(left + width, top + height / 2);
  context.lineTo(shoulder, top + height);
  context.lineTo(left, top + height);
  context.fill();
}

/**
 * Write a user's name into a bar: on its solid part, or with ground of its own on the hatched one.
 * @param {CanvasRenderingContext2D} context
 * @param {Bar} bar
 * @param {{top: number, height: number, left: number, solid: number, right: number}} place
 */
function drawName(context, bar, { top, height, left, solid, right }) {
  const size = Math.min(13, height - 1);
  if (right - left < FEWEST_NAME_PX || size < 8) return;
  const name = visible(bar.session.username);
  context.save();
  context.beginPath();
  context.rect(left, top, right - left - 1, height);
  context.clip();
  context.font = `${size}px ${font}`;
  context.textBaseline = "middle";
  context.direction = "ltr";
  const [wide, middle] = [context.measureText(name).width, top + height / 2 + 0.5];
  if (solid >= right || solid - left >= Math.min(wide + 8, 40)) {
    context.beginPath();
    context.rect(left, top, solid - left, height);
    context.clip();
    context.fillStyle = colour("paper");
    context.fillText(name, left + 4, middle);
  } else {
    const begin = Math.max(left, solid) + 2;
    context.fillStyle = colour("paper");
    context.fillRect(begin, top + 1, wide + 6, height - 2);
    context.fillStyle = colour("ink");
    context.fillText(name, begin + 3, middle);
  }
  context.restore();
}

/**
 * @param {CanvasRenderingContext2D} context
 * @param {number} left @param {number} top @param {number} width @param {number} height
 */
function outline(context, left, top, width, height) {
  context.lineWidth = 2;
  context.strokeStyle = colour("ink");
  context.strokeRect(left, top, width, height);
}

/** @param {CanvasRenderingContext2D} context @param {Picture} picture */
function drawNow(context, picture) {
  if (!picture.day.isToday) return;
  const at = x(picture, picture.day.now());
  context.fillStyle = colour("link");
  context.fillRect(at - 1, picture.top, 2, picture.height);
}

/**
 * Return what is at a point: a bar, the number of a cell of the band, or null.
 * @param {Picture} picture
 * @param {number} left px from the left
 * @param {number} top px from the room's top
 * @returns {{row: Row | null, chosen: Bar | number | null}}
 */
export function hit(picture, left, top) {
  const { day, tops, rows, band, span, width } = picture;
  const ms = span[0] + (left / width) * (span[1] - span[0]);
  if (top < band) return { row: null, chosen: ms <= day.last() && ms >= day.begin ? day.cell(ms) : null };
  const at = firstRow(tops, top);
  const row = rows[at] ?? null;
  const [from = 0, to = 0] = [tops[at], tops[at + 1]];
  const near = (3 / width) * (span[1] - span[0]);
  const found = row?.bars.filter((bar) => bar.begin - near <= ms && ms <= bar.end + near) ?? [];
  const under = found.find((bar) => Math.floor(((top - from) / (to - from)) * bar.lanes) === bar.lane);
  return { row, chosen: under ?? found[0] ?? null };
}
