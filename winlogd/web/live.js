// What the page knows of now, kept up to date by one feed for all pages of the browser: in a shared worker; without one,
// in the page that has the lock; without locks, in each page.
import { Feed, pauseMs } from "./feed.js";
import { firstAnswer } from "./first.js";
import { setClock } from "./time.js";

const NAME = "winlogd feed";
/** The page is drawn before the feed begins. Nothing that changes meanwhile is lost. */
const AFTER_MS = 300;

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

/**
 * Wait until the state is known, and with it the server's clock; or until it cannot be.
 * @returns {Promise<void>}
 */
export function learned() {
  return new Promise((done) => {
    const look = () => {
      if (!live.snapshot && !["refused", "cut"].includes(live.feed.state)) return;
      end();
      done();
    };
    const end = follow(look);
    look();
  });
}

/** Try to connect again now, after a login for example. */
export function again() {
  tryAgain();
}

/** Load the state as it is now, and then start the feed. Call this once. */
export async function startFeed() {
  const first = await loadFirst();
  if (first) {
    take(first.clock);
    take({ kind: "snapshot", text: first.text });
    tellAll();
    await new Promise((done) => setTimeout(done, AFTER_MS));
  }
  if (typeof SharedWorker === "function") startShared(first);
  else if (navigator.locks) startLocked(first);
  else startOwn(take, first);
  addEventListener("online", () => tryAgain());
}

/**
 * Return the snapshot for which the shell has asked; null without an answer.
 * @returns {Promise<FirstSnapshot | null>}
 */
async function loadFirst() {
  const answer = await firstAnswer("snapshot");
  const now = answer?.status === 200 && answer.headers.get("winlogd-now");
  if (!answer || !now) return null;
  const { text, headers, heardMs } = answer;
  return { text, etag: headers.get("etag") ?? "", clock: { kind: "clock", now, heardMs } };
}

/** @param {FirstSnapshot | null} first */
function startShared(first) {
  const url = /** @type {any} */ (workerUrl());
  /** @type {MessagePort} */
  let port;
  let failures = 0;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let pause;
  const start = () => {
    clearTimeout(pause);
    const worker = new SharedWorker(url, { type: "module", name: NAME });
    let isThere = false;
    worker.onerror = () => {
      if (isThere) return;
      if (failures > 1) return startOwn(take, first);
      // The server has gone since the page was loaded; or the browser runs no such worker, and the page goes on alone.
      take({ kind: "feed", state: "cut", since: first?.clock.heardMs ?? null, status: 0 });
      tryAgain = start;
      pause = setTimeout(start, pauseMs(failures++));
    };
    port = worker.port;
    port.onmessage = ({ data }) => {
      isThere = true;
      take(data);
    };
    port.postMessage(first);
    tryAgain = () => port.postMessage("again");
  };
  try {
    start();
  } catch {
    // The browser forbids it.
    return startOwn(take, first);
  }
  addEventListener("pagehide", () => port.postMessage("leave"));
  addEventListener("pageshow", (event) => event.persisted && location.reload());
}

/** Return the worker's address, in the form that `require-trusted-types-for` wants. */
function workerUrl() {
  const url = "/web/feed_worker.js";
  const trusted = /** @type {any} */ (globalThis).trustedTypes;
  return trusted ? trusted.createPolicy("winlogd", { createScriptURL: () => url }).createScriptURL("") : url;
}

/** @param {FirstSnapshot | null} first */
function startLocked(first) {
  const channel = new BroadcastChannel(NAME);
  channel.onmessage = ({ data }) => {
    if (!data.kind) return;
    // It is old: the next leader loads a new one.
    first = null;
    take(data);
  };
  tryAgain = () => channel.postMessage("again");
  channel.postMessage("hello");
  navigator.locks.request(NAME, () => {
    const feed = startOwn((message) => {
      channel.postMessage(message);
      take(message);
    }, first);
    channel.onmessage = ({ data }) => {
      if (data === "hello") for (const message of feed.current()) channel.postMessage(message);
      else if (data === "again") feed.again();
    };
    // Keeps the lock until the page ends.
    return new Promise(() => {});
  });
}

/** @param {(message: FeedMessage) => void} tell @param {FirstSnapshot | null} first */
function startOwn(tell, first) {
  const feed = new Feed(tell);
  tryAgain = () => feed.again();
  feed.start(first);
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
  requestAnimationFrame(tellAll);
  return { all: false, feed: false, machines: new Set(), rooms: new Set() };
}

/** Tell the listeners what has changed. */
function tellAll() {
  const told = changed;
  changed = null;
  if (told) for (const listener of [...listeners]) listener(told);
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
    // The list of the free machines changes where one can tell now what is free, or no more.
    if ((each.free === null) !== (live.rooms.get(each.name)?.free === null)) changed.all = true;
    live.rooms.set(each.name, each);
    changed.rooms.add(each.name);
  }
  const { machines, removed, rooms, ...rest } = change;
  live.snapshot = { ...live.snapshot, ...rest };
}
