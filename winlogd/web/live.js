// What the page knows of now, kept up to date by one feed for all pages of the browser: in a shared worker; without one,
// in the page that has the lock; without locks, in each page.
import { Feed } from "./feed.js";
import { setClock } from "./time.js";

const NAME = "winlogd feed";

/** What is known. Read it; do not change it. `machines` is null for a reader who may see no names. */
export const live = {
  /** @type {Snapshot | null} */
  snapshot: null,
  /** @type {Map<string, Machine> | null} */
  machines: null,
  /** @type {Map<string | null, Room>} */
  rooms: new Map(),
  /** @type {FeedState} */
  feed: { kind: "feed", state: "connecting", since: null, status: 0 },
};

/** @type {Set<(changed: Changed) => void>} */
const listeners = new Set();
/** @type {Changed | null} */
let changed = null;
let tryAgain = () => {};

/**
 * Call `listener` with what has changed, at most once a frame. Return the function that ends this.
 * @param {(changed: Changed) => void} listener
 * @returns {() => void}
 */
export function follow(listener) {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

/** Try to connect again now, after a login for example. */
export function again() {
  tryAgain();
}

/** Start the feed. Call this once. */
export function startFeed() {
  if (typeof SharedWorker === "function") startShared();
  else if (navigator.locks) startLocked();
  else startOwn(take);
  addEventListener("online", () => tryAgain());
}

function startShared() {
  const worker = new SharedWorker(/** @type {any} */ (workerUrl()), { type: "module", name: NAME });
  worker.onerror = () => live.snapshot || startOwn(take);
  worker.port.onmessage = ({ data }) => take(data);
  tryAgain = () => worker.port.postMessage("again");
  addEventListener("pagehide", () => worker.port.postMessage("leave"));
  addEventListener("pageshow", (event) => event.persisted && location.reload());
}

/** Return the worker's address, in the form that `require-trusted-types-for` wants. */
function workerUrl() {
  const url = "/web/feed_worker.js";
  const trusted = /** @type {any} */ (globalThis).trustedTypes;
  return trusted ? trusted.createPolicy("winlogd", { createScriptURL: () => url }).createScriptURL("") : url;
}

function startLocked() {
  const channel = new BroadcastChannel(NAME);
  channel.onmessage = ({ data }) => data.kind && take(data);
  tryAgain = () => channel.postMessage("again");
  channel.postMessage("hello");
  navigator.locks.request(NAME, () => {
    const feed = startOwn((message) => {
      channel.postMessage(message);
      take(message);
    });
    channel.onmessage = ({ data }) => {
      if (data === "hello") for (const message of feed.current()) channel.postMessage(message);
      else if (data === "again") feed.again();
    };
    return new Promise(() => {}); // keeps the lock until the page ends
  });
}

/** @param {(message: FeedMessage) => void} tell */
function startOwn(tell) {
  const feed = new Feed(tell);
  tryAgain = () => feed.again();
  feed.start();
  return feed;
}

/** @param {FeedMessage} message */
function take(message) {
  if (message.kind === "clock") return setClock(message.now, message.heardMs);
  changed ??= begin();
  if (message.kind === "feed") {
    live.feed = message;
    changed.feed = true;
    if (message.state === "refused") {
      live.snapshot = live.machines = null;
      live.rooms = new Map();
      changed.all = true;
    }
  } else if (message.kind === "snapshot") {
    takeSnapshot(JSON.parse(message.text));
    changed.all = true;
  } else {
    takeChange(message.change, changed);
  }
}

/** @returns {Changed} */
function begin() {
  requestAnimationFrame(() => {
    const told = changed ?? begin();
    changed = null;
    for (const listener of [...listeners]) listener(told);
  });
  return { all: false, feed: false, machines: new Set(), rooms: new Set() };
}

/** @param {Snapshot} snapshot */
function takeSnapshot(snapshot) {
  live.snapshot = snapshot;
  live.machines = snapshot.machines ? new Map(snapshot.machines.map((each) => [each.hostname, each])) : null;
  live.rooms = new Map(snapshot.rooms.map((each) => [each.name, each]));
}

/**
 * @param {Change} change
 * @param {Changed} changed
 */
function takeChange(change, changed) {
  if (!live.snapshot) return;
  for (const each of change.machines ?? []) {
    live.machines?.set(each.hostname, each);
    changed.machines.add(each.hostname);
  }
  for (const hostname of change.removed ?? []) {
    live.machines?.delete(hostname);
    changed.machines.add(hostname);
  }
  for (const each of change.rooms ?? []) {
    live.rooms.set(each.name, each);
    changed.rooms.add(each.name);
  }
  const { machines, removed, rooms, ...rest } = change;
  live.snapshot = { ...live.snapshot, ...rest };
}
