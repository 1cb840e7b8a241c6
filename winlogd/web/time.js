// Times of the server's zone. The server writes local time with its offset, so that no zone has to be known here.
import { lang, say } from "./words.js";

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;

/** How far the server's clock is ahead of this browser's. */
let aheadMs = 0;
/** The server's offset to UTC. */
let offsetMs = -new Date().getTimezoneOffset() * MINUTE_MS;

/**
 * Take over the server's clock and zone.
 * @param {string} now the server's time, such as 2026-11-26T10:15:00.123456+01:00
 * @param {number} [heardMs] when it showed that, by this browser's clock
 */
export function setClock(now, heardMs = Date.now()) {
  aheadMs = Date.parse(now) - heardMs;
  offsetMs = Date.parse(`${now.slice(0, 19)}Z`) - Date.parse(now.slice(0, 19) + zonePart(now));
}

/** @param {string} instant */
function zonePart(instant) {
  return /(Z|[+-]\d\d:\d\d)$/.exec(instant)?.[0] ?? "Z";
}

/** Return the server's time in ms since 1970. */
export function nowMs() {
  return Date.now() + aheadMs;
}

/**
 * Return an instant of this browser's clock as the server would write it, to the second and without an offset.
 * @param {number} ms since 1970
 */
export function localText(ms) {
  return new Date(ms + aheadMs + offsetMs).toISOString().slice(0, 19);
}

/** Return the server's date: 2026-11-26. */
export function today() {
  return localText(Date.now()).slice(0, 10);
}

/**
 * Return the date some days later.
 * @param {string} date
 * @param {number} days
 */
export function addDays(date, days) {
  return new Date(Date.parse(`${date}T00:00:00Z`) + days * DAY_MS).toISOString().slice(0, 10);
}

/**
 * Return the time of day: 10:15.
 * @param {string} instant
 */
export function clock(instant) {
  return instant.slice(11, 16);
}

/**
 * Return a date in words: Thursday 26 November; with the year if it is another one.
 * @param {string} date or an instant
 * @param {"long" | "short"} [form]
 */
export function day(date, form = "long") {
  const year = date.slice(0, 4) === today().slice(0, 4) ? {} : /** @type {const} */ ({ year: "numeric" });
  return dateIn({ weekday: form, day: "numeric", month: form, ...year }, date);
}

/** @type {Map<string, Intl.DateTimeFormat>} To make one takes 100 µs, and a page of trends has 200 dates. */
const forms = new Map();

/**
 * Return a date in the language.
 * @param {Intl.DateTimeFormatOptions} form
 * @param {string} date or an instant
 */
export function dateIn(form, date) {
  const language = lang() === "fr" ? "fr" : "en-GB";
  const key = language + JSON.stringify(form);
  const made = forms.get(key) ?? new Intl.DateTimeFormat(language, { ...form, timeZone: "UTC" });
  forms.set(key, made);
  return made.format(new Date(date.slice(0, 10)));
}

/**
 * Return when something was: 10:15 for today, otherwise with the day.
 * @param {string} instant
 */
export function when(instant) {
  return instant.slice(0, 10) === today() ? clock(instant) : `${day(instant, "short")}, ${clock(instant)}`;
}

/**
 * Return how many whole days ago something was.
 * @param {string} instant
 */
export function daysAgo(instant) {
  return Math.floor((nowMs() - Date.parse(instant)) / DAY_MS);
}

/**
 * Return how long ago something was: 12 min, 3 h, 2 days.
 * @param {string} instant
 */
export function age(instant) {
  return duration(nowMs() - Date.parse(instant));
}

/**
 * Return a length of time in words.
 * @param {number} ms
 */
export function duration(ms) {
  if (ms < MINUTE_MS) return say("just_now");
  if (ms < HOUR_MS) return say("minutes", { n: Math.floor(ms / MINUTE_MS) });
  if (ms < DAY_MS) return say("hours", { n: Math.floor(ms / HOUR_MS) });
  return say("days", { n: Math.floor(ms / DAY_MS) });
}
