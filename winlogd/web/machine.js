// The page of one machine: who is on, its last sessions, its hardware and what changed in it.
import { ask } from "./ask.js";
import {
  ago,
  dayLink,
  facts,
  keepFocus,
  loader,
  newsLine,
  pair,
  part,
  roomLink,
  scope,
  unknown,
  userLink,
} from "./details.js";
import { words } from "./details_words.js";
import { fill, h, named, sheet, visible } from "./dom.js";
import { groups, groupTitle, label, valueText } from "./inventory.js";
import { bindRows } from "./keys.js";
import { follow, live } from "./live.js";
import { offer } from "./pages.js";
import { sessionPart } from "./session_list.js";
import { mark } from "./states.js";
import { table } from "./table.js";
import { day, today, when } from "./time.js";
import { number, sayOf } from "./words.js";

const AGE_MS = 60_000;

offer("machine", show);

/**
 * Show the page.
 * @param {HTMLElement} root
 * @param {Place} state
 * @returns {Promise<Page>}
 */
async function show(root, state) {
  const hostname = state.parts[1] ?? "";
  const body = h("div", { class: "details" });
  const top = h("div", {});
  const below = h("div", {});
  fill(root, body);
  const ready = Promise.all([sheet("details.css"), scope()]);
  const ending = new AbortController();
  let title = hostname;
  /** @type {MachineDetails} */
  let machine;
  let isOld = false;
  const drawTop = () => {
    fill(top, heading({ ...machine, ...live.machines?.get(machine.hostname) }));
    if (isOld) top.append(newsLine(loading.load));
  };
  const drawBelow = (/** @type {Place} */ place) => fill(below, rest(machine, place, ending.signal));
  const loading = loader(
    body,
    async (signal) => {
      [machine] = await Promise.all([ask(`machines/${encodeURIComponent(hostname)}`, {}, signal), ready]);
      title = machine.hostname;
      isOld = false;
      drawTop();
      drawBelow(state);
      return [top, below];
    },
    (fault) => unknown(fault, hostname, "no_machine", loading.load),
  );
  await loading.load();
  // The ages go on. What has the focus is left alone.
  const timer = setInterval(() => machine && !top.contains(document.activeElement) && drawTop(), AGE_MS);
  const ends = [
    () => clearInterval(timer),
    follow((changed) => {
      if (!machine || !changed.machines.has(machine.hostname)) return;
      isOld = machine.sessions !== undefined;
      drawTop();
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
      if (!machine) return;
      drawBelow(next);
      keepFocus(below, "a");
    },
  };
}

/** @param {MachineDetails} machine */
function heading(machine) {
  const { hostname, room, state, os_name: name, os_version: version } = machine;
  const sees = machine.sessions !== undefined;
  // The feed tells it to everybody, the question about one machine not.
  const contact = sees ? machine.last_contact : null;
  const title = h("h1", {}, named(hostname));
  const shown = h("p", { class: `state-line ${state}` }, mark(state), " ", sayOf(state));
  const known = facts([
    [words.say("who"), who(machine)],
    [words.say("room"), roomLink(room) ?? sayOf("no_room")],
    [words.say("contact"), contact ? ago(contact) : sees ? words.say("never") : null],
    [words.say("system"), name ? visible([name, version].filter(Boolean).join(" ")) : null],
    [words.say("address"), machine.source_ip ? named(machine.source_ip) : null],
  ]);
  const timeline =
    sees &&
    h("p", {}, dayLink(contact ?? today(), room, words.say("timeline", { day: day(contact ?? today()) })));
  return [title, shown, known, timeline];
}

/** @param {MachineDetails} machine */
function who({ users, last_user: last }) {
  if (!users.length) {
    return [
      words.say("nobody"),
      last && h("i", { class: "last" }, words.parts("last_user", { user: userLink(last) })),
    ];
  }
  return h(
    "ul",
    { class: "people" },
    users.map((each) => {
      const why = each.certainty === "doubtful" && each.doubt ? sayOf(each.doubt) : "";
      const since = each.connected_at ? words.say("since", { time: when(each.connected_at) }) : "";
      return h(
        "li",
        {},
        mark(why ? "doubtful" : "in_use"),
        " ",
        userLink(each.username),
        h("span", { class: "since" }, ` ${since}`),
        why && h("span", { class: "why" }, " ", pair(sayOf("doubtful"), why)),
      );
    }),
  );
}

/**
 * @param {MachineDetails} machine
 * @param {Place} state
 * @param {AbortSignal} signal
 */
function rest(machine, state, signal) {
  if (machine.sessions === undefined) return h("p", { class: "note" }, words.say("only_now"));
  return [
    sessionPart(state, { host: machine.hostname }, machine.sessions, signal),
    part(words.say("inventory"), hardware(machine)),
    machine.hardware !== null && part(words.say("changes"), changes(machine.changes)),
  ];
}

/** @param {MachineDetails} machine */
function hardware({ hardware: inventory, hardware_received_at: received }) {
  if (inventory === null) return h("p", {}, words.say("no_hardware"));
  const blocks = groups(inventory).map(([name, leaves]) =>
    h(
      "section",
      { class: "group" },
      h("h3", {}, name),
      facts(leaves.map(([path, value]) => [label(path), named(valueText(path, value))])),
    ),
  );
  const time = received && h("p", { class: "since" }, words.say("reported", { time: when(received) }));
  return [time, h("div", { class: "groups" }, blocks)];
}

/** @param {HardwareChange[]} changes */
function changes(changes) {
  if (!changes.length) return h("p", {}, words.say("no_changes"));
  const name = (/** @type {HardwareChange} */ { path }) =>
    visible(pair(groupTitle(path.split(".")), label(path.split("."))));
  return table(
    words.say("changes"),
    [
      { key: "what", label: words.say("what"), cell: (each) => h("bdi", { title: each.path }, name(each)) },
      { key: "before", label: words.say("before"), cell: (each) => h("bdi", {}, bothOf(each)[0]) },
      { key: "after", label: words.say("after"), cell: (each) => h("bdi", {}, bothOf(each)[1]) },
    ],
    changes,
    {
      line: (each) => `${each.at.slice(0, 16).replace("T", " ")}, ${name(each)}: ${bothOf(each).join(" → ")}`,
      group: (each) => [each.at, when(each.at)],
    },
  );
}

/**
 * Return the value before a change and the one after it. Two values that look alike are written in full.
 * @param {HardwareChange} change
 * @returns {[string, string]}
 */
function bothOf({ path, from, to }) {
  const shown = (/** @type {unknown} */ value) =>
    value === null ? words.say("none") : visible(valueText(path.split("."), value));
  const [old, now] = [shown(from), shown(to)];
  return old === now ? [inFull(from), inFull(to)] : [old, now];
}

/** @param {unknown} value */
function inFull(value) {
  return typeof value === "number" ? number(value) : visible(String(value));
}
