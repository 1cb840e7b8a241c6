// The page of one user: where now, the machines used, the last sessions; hours only where the site allows a profile.
import { changed } from "./address.js";
import { ask } from "./ask.js";
import {
  ago,
  begun,
  doubtOf,
  facts,
  keepFocus,
  lasted,
  loader,
  machineLink,
  newsLine,
  pair,
  part,
  roomLink,
  scope,
  unknown,
} from "./details.js";
import { words } from "./details_words.js";
import { fill, h, named, place, sheet, visible } from "./dom.js";
import { bindRows } from "./keys.js";
import { follow, live } from "./live.js";
import { offer } from "./pages.js";
import { sessionPart } from "./session_list.js";
import { mark } from "./states.js";
import { table } from "./table.js";
import { day, when } from "./time.js";
import { number, sayOf } from "./words.js";

/** A bar of the strip is full at this many hours, or at the longest day. */
const FULL_HOURS = 8;

offer("user", show);

/**
 * Show the page.
 * @param {HTMLElement} root
 * @param {Place} state
 * @returns {Promise<Page>}
 */
async function show(root, state) {
  const username = state.parts[1] ?? "";
  const body = h("div", { class: "details" });
  const below = h("div", {});
  const news = h("div", {});
  fill(root, body);
  const ready = Promise.all([sheet("details.css"), scope()]);
  const ending = new AbortController();
  let title = username;
  /** @type {UserDetails} */
  let user;
  const drawBelow = (/** @type {Place} */ place) => fill(below, rest(user, place, ending.signal));
  const loading = loader(
    body,
    async (signal) => {
      [user] = await Promise.all([ask(`users/${encodeURIComponent(username)}`, {}, signal), ready]);
      title = user.username;
      fill(news);
      drawBelow(state);
      return [heading(user), news, below];
    },
    (fault) => unknown(fault, username, "no_user", loading.load),
  );
  await loading.load();
  const ends = [
    follow((changed) => {
      if (user && concerns(user, changed.machines)) fill(news, newsLine(loading.load));
    }),
    bindRows(root),
    loading.end,
    () => ending.abort(),
  ];
  return {
    title: visible(title),
    ends,
    change: (next) => {
      state = next;
      if (!user) return;
      drawBelow(next);
      keepFocus(below, "a");
    },
  };
}

/**
 * Return true if the user has come to one of some machines, or has left one.
 * @param {UserDetails} user
 * @param {Set<string>} hostnames
 */
function concerns(user, hostnames) {
  const name = user.username.toLowerCase();
  const before = new Set(user.now.map((each) => each.hostname));
  return [...hostnames].some((each) => {
    const isOn = live.machines?.get(each)?.users.some((one) => one.username.toLowerCase() === name) ?? false;
    return isOn !== before.has(each);
  });
}

/** @param {UserDetails} user */
function heading({ username, now, last_seen: seen }) {
  const where = now.length
    ? h("ul", { class: "people" }, now.map(personAt))
    : h("span", {}, words.say("nowhere"));
  return [
    h("h1", {}, named(username)),
    facts([
      [words.say("where"), where],
      [words.say("last_seen"), seen ? ago(seen) : null],
    ]),
  ];
}

/** @param {Session} session */
function personAt(session) {
  const { certainty, hostname, room } = session;
  const isDoubtful = certainty === "doubtful";
  const link = roomLink(room);
  return h(
    "li",
    {},
    mark(isDoubtful ? "doubtful" : "in_use"),
    " ",
    machineLink(hostname),
    link && [` ${words.say("room").toLowerCase()} `, link],
    h("span", { class: "since" }, ` ${words.say("since", { time: when(begun(session)) })}`),
    isDoubtful && h("span", { class: "why" }, " ", pair(sayOf("doubtful"), doubtOf(session))),
  );
}

/**
 * @param {UserDetails} user
 * @param {Place} state
 * @param {AbortSignal} signal
 */
function rest(user, state, signal) {
  if (user.sessions === undefined) return h("p", { class: "note" }, words.say("only_now"));
  return [
    sessionPart(state, { user: user.username }, user.sessions, signal),
    part(words.say("used"), used(user.machines ?? [])),
    part(words.say("hours"), user.profile ? strip(user.profile) : h("p", {}, words.say("hours_off"))),
  ];
}

/** @param {UsedMachine[]} machines */
function used(machines) {
  return table(
    words.say("used"),
    [
      { key: "machine", label: words.say("machine"), cell: (each) => machineLink(each.hostname) },
      {
        key: "sessions",
        label: words.say("sessions"),
        cell: ({ hostname, sessions }) =>
          hostname ? h("a", { href: changed({ host: hostname }) }, number(sessions)) : number(sessions),
      },
      { key: "last", label: words.say("last_time"), cell: (each) => when(each.last) },
    ],
    machines,
    { line: (each) => visible(`${each.hostname ?? "?"}, ${each.sessions}, ${each.last.slice(0, 16)}`) },
  );
}

/** @param {Profile} profile */
function strip({ days, sessions, without_end: lost }) {
  const most = Math.max(FULL_HOURS * 3600, ...days.map((each) => each.seconds));
  const sum = days.reduce((seconds, each) => seconds + each.seconds, 0);
  const bars = days.map((each) => {
    const text = each.seconds
      ? words.say("day_hours", { day: day(each.day), time: lasted(each.seconds) })
      : words.say("day_none", { day: day(each.day) });
    const bar = h("span", { class: "hours" });
    place(bar, { "block-size": `${(100 * each.seconds) / most}%` });
    const address = changed({ from: each.day, to: each.day, all: null, host: null });
    const isMonday = new Date(`${each.day}T00:00:00Z`).getUTCDay() === 1;
    const date = h(
      "span",
      { class: "date", "aria-hidden": "true" },
      isMonday ? Number(each.day.slice(8)) : "",
    );
    return h("li", {}, h("a", { href: address, "aria-label": text, title: text }, h("span", {}, bar), date));
  });
  return [
    h(
      "p",
      {},
      words.say("hours_sum", { time: lasted(sum), n: sessions, lost: number(lost) }),
      " ",
      words.say("full_bar", { time: lasted(most) }),
    ),
    h("ol", { class: "strip" }, bars),
  ];
}
