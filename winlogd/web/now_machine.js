// One machine in a room of the page Now: who is on and since when, or why that is not known.
import { to } from "./address.js";
import { h, named, refill, set, visible } from "./dom.js";
import { words } from "./now_words.js";
import { mark, silenceDays } from "./states.js";
import { age, daysAgo, nowMs, when } from "./time.js";
import { sayOf } from "./words.js";

/**
 * Draw a machine into its row. What has just changed is shown so for a moment.
 * @param {HTMLElement} row
 * @param {Machine} machine
 * @param {boolean} hasChanged
 * @param {(machine: Machine) => import("./dom.js").Child[]} whoOf returns who is on, or why nobody is
 */
export function machineRow(row, machine, hasChanged, whoOf = who) {
  const { hostname, state, last_contact: contact } = machine;
  const grade = state === "silent" ? ` days-${silenceDays(contact)}` : "";
  set(row, { class: `machine ${state}${grade}${hasChanged ? " changed" : ""}` });
  const link = h("a", { class: "host", href: to(["machine", hostname]), "data-row": true }, named(hostname));
  refill(
    row,
    mark(state),
    link,
    h("span", { class: "who" }, whoOf(machine)),
    h("span", { class: "state" }, sayOf(state)),
  );
}

/** @param {Machine} machine @returns {import("./dom.js").Child[]} */
function who(machine) {
  const { state, users, last_user: last, last_contact: contact } = machine;
  if (users.length) return users.map((each) => [person(each), " "]);
  if (state === "never_seen") return [words.say("never")];
  const attributes = contact ? { title: when(contact), "data-contact": contact } : {};
  if (state === "silent" && contact)
    return [h("span", { ...attributes, "data-unit": "days" }, contactWords(contact, "days"))];
  const seen = contact && h("span", { class: "since", ...attributes }, contactWords(contact));
  return [last ? h("i", {}, user(last)) : null, " ", seen || null];
}

/** Return how long ago a machine was heard of. @param {string} contact @param {string} [unit] */
function contactWords(contact, unit) {
  if (unit === "days") return words.say("no_news", { n: daysAgo(contact) });
  return nowMs() - Date.parse(contact) < 60_000 ? age(contact) : words.say("contact", { age: age(contact) });
}

/** Let the ages in a list of machines move on. @param {Element} list */
export function agesAnew(list) {
  for (const each of list.querySelectorAll("[data-contact]"))
    each.textContent = contactWords(
      each.getAttribute("data-contact") ?? "",
      each.getAttribute("data-unit") ?? "",
    );
}

/** @param {MachineUser} each */
function person(each) {
  const since = each.connected_at && words.say("since", { time: when(each.connected_at) });
  const doubt =
    each.certainty === "doubtful" && each.doubt ? h("span", { class: "why" }, ` ${sayOf(each.doubt)}`) : null;
  return h(
    "span",
    { class: "person" },
    user(each.username),
    " ",
    h("span", { class: "since" }, since),
    doubt,
  );
}

/** @param {string} username */
export function user(username) {
  return h("a", { class: "user", href: to(["user", username]) }, named(username));
}

/**
 * Return a machine as one line, for a ticket.
 * @param {Machine | undefined} machine
 */
export function machineLine(machine) {
  if (!machine) return "";
  const { hostname, room, state, users, last_user: last, last_contact: contact } = machine;
  const people = users.map(
    (each) =>
      `${each.username} ${each.connected_at ? words.say("since", { time: each.connected_at.slice(0, 16).replace("T", " ") }) : ""}`,
  );
  const parts = [
    hostname,
    room,
    sayOf(state),
    ...people,
    users.length || !last ? null : words.say("last", { user: last }),
  ];
  if (contact && !users.length) parts.push(contact.slice(0, 16).replace("T", " "));
  return visible(parts.filter(Boolean).join(", "));
}
