// Moments as the address has them, in words, and how to go from one to the next.
import { changed, go } from "./address.js";
import { words } from "./moment_words.js";
import { clock, day } from "./time.js";

const MINUTE_MS = 60_000;

/**
 * Return the address of another moment of this page. What was a span is a moment then.
 * @param {string} at
 */
export function addressAt(at) {
  return changed({ at: shortened(at), from: null, to: null });
}

/** @param {string} at */
export function goAt(at) {
  go(addressAt(at));
}

/**
 * Return an instant without parts of a second: 2026-11-26T10:15:00+01:00.
 * @param {string} instant
 */
export function shortened(instant) {
  return instant.replace(/\.\d+/, "");
}

/**
 * Return an instant some minutes later, with the same offset.
 * @param {string} instant
 * @param {number} minutes
 */
export function plus(instant, minutes) {
  const offset = offsetOf(instant);
  const [, sign, hours, rest] = /([+-])(\d\d):(\d\d)/.exec(offset) ?? ["", "+", "0", "0"];
  const offsetMs = (Number(hours) * 60 + Number(rest)) * MINUTE_MS * (sign === "-" ? -1 : 1);
  const ms = Date.parse(instant) + minutes * MINUTE_MS + offsetMs;
  return new Date(ms).toISOString().slice(0, 19) + offset;
}

/**
 * Return an instant's offset to UTC: +01:00.
 * @param {string} instant
 */
export function offsetOf(instant) {
  return /(Z|[+-]\d\d:\d\d)$/.exec(instant)?.[0] ?? "";
}

/**
 * Return a moment or a day in words; what is neither, as it is.
 * @param {string} text
 * @param {"long" | "short"} [form]
 */
export function momentWords(text, form) {
  if (!/^\d{4}-\d\d-\d\d/.test(text)) return text;
  if (text.length <= 10) return day(text, form);
  const seconds = text.slice(17, 19);
  const time = seconds && seconds !== "00" ? text.slice(11, 19) : clock(text);
  return words.say("title", { day: day(text, form), time });
}

/**
 * Return the minutes since midnight, by the clocks of the server's zone.
 * @param {string} instant
 */
export function minuteOf(instant) {
  return Number(instant.slice(11, 13)) * 60 + Number(instant.slice(14, 16));
}

/**
 * Return a time of day: 10:15.
 * @param {number} minute since midnight
 */
export function clockAt(minute) {
  return `${String(Math.floor(minute / 60)).padStart(2, "0")}:${String(minute % 60).padStart(2, "0")}`;
}
