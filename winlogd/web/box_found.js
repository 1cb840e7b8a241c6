// What a search found, as results of the box: where each leads, what is known of it now, and what was understood.
import { changed, to } from "./address.js";
import { words } from "./box_words.js";
import { named } from "./dom.js";
import { live } from "./live.js";
import { addDays, clock, today, when } from "./time.js";
import { sayOf } from "./words.js";

/** @typedef {import("./dom.js").Child} Child */

/** The lists of an answer, in the order in which they are shown: the field of a name, and Now's filter for it. */
const KINDS = /** @type {const} */ ({
  people: ["username", "user"],
  machines: ["hostname", "host"],
  rooms: ["name", "room"],
  addresses: ["source_ip", "ip"],
});
/** Of each list, so many are shown where there are several lists. */
const MOST_SHOWN = 6;
/** How long before its last use the sessions of an address are listed. */
const ADDRESS_DAYS = 7;

/**
 * Return the results in groups; the one that is meant, if any, first.
 * @param {SearchAnswer} answer
 * @returns {Group[]}
 */
export function groupsOf(answer) {
  const span = spanOf(answer);
  const kinds = /** @type {(keyof typeof KINDS)[]} */ (Object.keys(KINDS));
  kinds.sort((a, b) => Number(b === answer.best) - Number(a === answer.best));
  const lists = kinds.filter((kind) => answer[kind].length);
  const isAlone = lists.length === 1;
  const present = span ? new Map() : usersOf(answer);
  const groups = lists.map((kind) => {
    const shown = answer[kind].slice(0, isAlone ? undefined : MOST_SHOWN);
    const results = shown.map((each) => resultOf(kind, each, span, present));
    return { kind, results, left: answer[kind].length - shown.length };
  });
  const [moment] = answer.moments;
  if (span && moment)
    groups.push({
      kind: /** @type {any} */ ("moments"),
      results: [{ name: moment.words, details: [words.say("everybody")], address: to([], span), only: null }],
      left: 0,
    });
  const first = groups[0]?.results[0];
  if (first && span && answer.count && (answer.best || !answer.words.length)) first.details = counted(answer);
  return groups;
}

/**
 * @param {keyof typeof KINDS} kind
 * @param {any} each of a list of the answer
 * @param {Span | null} span
 * @param {Map<string, [Machine, MachineUser]>} present
 * @returns {Result}
 */
function resultOf(kind, each, span, present) {
  const [field, filter] = KINDS[kind];
  const name = each[field];
  const isHere = location.pathname === "/";
  const only = isHere ? changed({ [filter]: name }) : to([], { [filter]: name });
  if (span) return { name, details: [], address: to([], { ...span, [filter]: name }), only: null };
  const result = { name, details: detailsOf(kind, each, present), address: addressOf(kind, each), only };
  if (kind === "machines") return { ...result, state: live.machines?.get(name)?.state };
  if (kind === "rooms") return { ...result, room: name };
  return kind === "addresses" ? { ...result, only: null } : result;
}

/** @param {keyof typeof KINDS} kind @param {any} each */
function addressOf(kind, each) {
  if (kind === "people") return to(["user", each.username]);
  if (kind === "machines") return to(["machine", each.hostname]);
  if (kind === "rooms") return to([], { open: each.name });
  const last = (each.last ?? today()).slice(0, 10);
  return to([], { from: addDays(last, 1 - ADDRESS_DAYS), to: today(), ip: each.source_ip });
}

/**
 * Return what is known of a name now, or of its last session.
 * @param {keyof typeof KINDS} kind
 * @param {any} each
 * @param {Map<string, [Machine, MachineUser]>} present
 * @returns {Child[]}
 */
function detailsOf(kind, each, present) {
  const time = each.last ? ago(each.last) : "";
  if (kind === "people") {
    const [machine, user] = present.get(each.username.toLowerCase()) ?? [];
    if (machine && user)
      return [words.parts("on_since", { host: named(machine.hostname), time: since(user) })];
    return each.hostname ? [words.parts("last_on", { host: named(each.hostname), time })] : [time];
  }
  if (kind === "machines") return machineDetails(each, time);
  if (kind === "addresses")
    return each.hostname ? [words.parts("from_host", { host: named(each.hostname), time })] : [time];
  const room = live.rooms.get(each.name);
  return room ? [words.say("room_use", { in_use: room.in_use, machines: room.machines })] : [];
}

/** @param {any} each @param {string} time @returns {Child[]} */
function machineDetails(each, time) {
  const machine = live.machines?.get(each.hostname);
  const state = machine ? sayOf(machine.state) : "";
  if (machine?.users.length)
    return [
      state,
      machine.users.map((user) => [
        ", ",
        words.parts("user_since", { user: named(user.username), time: since(user) }),
      ]),
    ];
  const last = machine?.last_user ?? each.username;
  const user = last ? words.parts("last_user", { user: named(last), time }) : time;
  return [state, state && user.length ? ", " : "", user];
}

/** @param {MachineUser} user */
function since(user) {
  const doubt = user.certainty === "doubtful" ? ` (${words.say("is_doubtful")})` : "";
  return (user.connected_at ? ago(user.connected_at) : "") + doubt;
}

/**
 * Return on which machine each person of an answer is now, by the name in small letters.
 * @param {SearchAnswer} answer
 */
function usersOf(answer) {
  /** @type {Map<string, [Machine, MachineUser]>} */
  const present = new Map();
  if (!answer.people.length) return present;
  const wanted = new Set(answer.people.map((each) => each.username.toLowerCase()));
  for (const machine of live.machines?.values() ?? [])
    for (const user of machine.users) {
      const name = user.username.toLowerCase();
      if (wanted.has(name) && present.get(name)?.[1].certainty !== "presumed")
        present.set(name, [machine, user]);
    }
  return present;
}

/** @param {string} instant */
function ago(instant) {
  const isYesterday = instant.slice(0, 10) === addDays(today(), -1);
  return isYesterday ? words.say("yesterday", { time: clock(instant) }) : when(instant);
}

/**
 * Return the moment of an answer as parameters of an address; null for none, for now, and for the future.
 * A time that comes twice is one local time: without an offset, it means both.
 * @param {SearchAnswer} answer
 * @returns {Span | null}
 */
function spanOf({ moments }) {
  const [first, last] = [moments[0], moments.at(-1)];
  if (!first || !last || first.is_future || first.is_now) return null;
  if (moments.every((each) => each.from === each.to)) return { at: local(first.from) };
  const [from, until] = [local(first.from), local(last.to)];
  return { from: from.endsWith("T00:00") ? from.slice(0, 10) : from, to: until };
}

/**
 * Return a local time as short as it can be: the last microsecond of a day is the day.
 * @param {string} instant
 */
function local(instant) {
  if (instant.slice(11, 26) === "23:59:59.999999") return instant.slice(0, 10);
  return instant.slice(17, 19) === "00" ? instant.slice(0, 16) : instant.slice(0, 19);
}

/**
 * Return what was understood, and the answer if it is short.
 * @param {SearchAnswer} answer
 * @returns {Child[]}
 */
export function sentence(answer) {
  const { best, moments, count } = answer;
  const [moment] = moments;
  if (!best && answer.words.length) return [words.say("nothing", { text: answer.words.join(" ") })];
  const name = best && String(/** @type {any} */ (answer[best][0])[KINDS[best][0]]);
  const what = best && name && words.parts(`the_${best}`, { name: named(name) });
  const parts = [what, what && moment ? ", " : "", moment?.words ?? ""];
  const span = spanOf(answer);
  if (moment?.is_future) return [parts, " → ", words.say("not_yet")];
  if (span) return [parts, " → ", count ? counted(answer) : words.say("only_now")];
  const details = groupsOf(answer)[0]?.results[0]?.details ?? [];
  return details.some(Boolean) ? [parts, " → ", details] : parts;
}

/**
 * Return how many people were on, or who it was.
 * @param {SearchAnswer} answer
 * @returns {Child[]}
 */
function counted({ best, count }) {
  if (!count) return [];
  const { people, doubtful, only } = count;
  if (!people) return [words.say(best === "people" ? "user_nowhere" : "nobody")];
  const suffix = doubtful
    ? `, ${people === 1 ? words.say("is_doubtful") : words.say("of_them_doubtful", { n: doubtful })}`
    : "";
  const n = words.say(count.is_more ? "at_least" : "people_on", { n: people });
  if (best === "people" && people === 1) {
    if (!only?.hostname) return [words.say("user_on_some"), suffix];
    return [words.parts("user_on", { host: named(only.hostname) }), suffix];
  }
  if (only && best === "machines") return [named(only.username), suffix];
  if (only?.hostname)
    return [words.parts("one_on", { n, user: named(only.username), host: named(only.hostname) }), suffix];
  return [n, suffix];
}
