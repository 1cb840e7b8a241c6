// The feed: a snapshot, then the changes after it. One of them serves all pages of a browser (see live.js).
// It runs in a worker or in a page, and must not touch a document.

const RETRY_MS = 1000;
const LONGEST_RETRY_MS = 30_000;
/** The server sends a heartbeat every 15 s. After this silence the connection is dead, whatever TCP says. */
const SILENCE_MS = 40_000;

/** What comes less late than this counts as fresh. */
const MOST_LATE_MS = 1000;

/** Return what a server's clock shows now: ms since 1970. @param {FeedClock} clock */
const shownBy = ({ now, heardMs }) => Date.parse(now) + Date.now() - heardMs;

/**
 * Return how long to wait after a failure: longer after each, and not as long as other browsers.
 * @param {number} failures before this one
 * @param {number} [retryMs] after the first one
 */
export function pauseMs(failures, retryMs = RETRY_MS) {
  return Math.min(retryMs * 2 ** failures, LONGEST_RETRY_MS) * (0.75 + Math.random() / 2);
}

/** @param {number} ms @param {AbortSignal} signal */
const sleep = (ms, signal) =>
  new Promise((done) => {
    const timer = setTimeout(done, ms);
    const wake = () => {
      clearTimeout(timer);
      done(null);
    };
    signal.addEventListener("abort", wake, { once: true });
  });

/** The server has answered, but not with a feed or a snapshot. */
class Refused extends Error {
  /** @param {number} status */
  constructor(status) {
    super(String(status));
    this.status = status;
  }
}

export class Feed {
  /** @param {(message: FeedMessage) => void} tell gets each message for the pages */
  constructor(tell) {
    this.tell = tell;
    /** @type {Snapshot | null} */
    this.snapshot = null;
    /** @type {Map<string, Machine>} */
    this.machines = new Map();
    /** @type {Map<string | null, Room>} */
    this.rooms = new Map();
    this.position = "";
    this.etag = "";
    this.retryMs = RETRY_MS;
    this.failures = 0;
    /** @type {number | null} */
    this.heardMs = null;
    /** @type {FeedClock | null} What the server's clock showed, and this browser's at the same time. */
    this.clock = null;
    /** @type {FeedState} */
    this.state = { kind: "feed", state: "connecting", since: null, status: 0 };
    this.waiting = new AbortController();
    this.isStarted = false;
  }

  /**
   * Begin, and go on for as long as somebody runs this.
   * @param {FirstSnapshot | null} first what the page knows already that starts this
   */
  start(first) {
    if (this.isStarted) return;
    this.isStarted = true;
    if (first) this.learn(first);
    this.run();
  }

  /** Go on at once from what a page knows. @param {FirstSnapshot} first */
  learn(first) {
    this.clock = first.clock;
    this.heardMs = first.clock.heardMs;
    this.keep(first.text, first.etag);
    this.become("connecting");
    this.again();
  }

  /** Try again now: somebody has logged in, or the network is back. A feed that lives is left alone. */
  again() {
    this.failures = 0;
    this.waiting.abort();
  }

  /** Return the messages that a page needs first. */
  current() {
    /** @type {FeedMessage[]} */
    const messages = [this.state];
    if (this.snapshot) {
      const { machines } = this.snapshot;
      const snapshot = { ...this.snapshot, rooms: [...this.rooms.values()] };
      if (machines) snapshot.machines = [...this.machines.values()];
      messages.unshift({ kind: "snapshot", text: JSON.stringify(snapshot) });
    }
    if (this.clock) messages.unshift(this.clock);
    return messages;
  }

  /** Take what the server's clock shows. @param {string} now */
  tick(now) {
    this.clock = { kind: "clock", now, heardMs: Date.now() };
    this.tell(this.clock);
  }

  /**
   * Take a time at which something was sent. The server may have kept it since, so that it never sets the clock back.
   * @param {string} now
   */
  atLeast(now) {
    const lateMs = this.clock ? shownBy(this.clock) - Date.parse(now) : 0;
    if (lateMs < MOST_LATE_MS) this.tick(now);
  }

  async run() {
    for (;;) {
      let waitMs = 0;
      try {
        if (!this.position) await this.load();
        waitMs = await this.follow();
      } catch (fault) {
        const status = fault instanceof Refused ? fault.status : 0;
        if (status === 401 || status === 403) this.forget(status);
        else this.become("cut", status);
        waitMs = pauseMs(this.failures, this.retryMs);
        this.failures += 1;
        if (status) this.position = "";
      }
      if (waitMs) {
        this.waiting = new AbortController();
        await sleep(waitMs, this.waiting.signal);
      }
    }
  }

  /**
   * The reader has logged out or may read no more: whoever sits here next must not see the names.
   * @param {number} status
   */
  forget(status) {
    this.snapshot = null;
    this.machines.clear();
    this.rooms.clear();
    this.position = "";
    this.etag = "";
    this.become("refused", status);
  }

  /** @param {FeedState["state"]} state @param {number} [status] */
  become(state, status = 0) {
    const since = state === "live" ? null : this.heardMs;
    if (this.state.state === state && this.state.status === status) return;
    this.state = { kind: "feed", state, since, status };
    this.tell(this.state);
  }

  /** Load the snapshot, unless it is the one that is known. */
  async load() {
    const signal = AbortSignal.timeout(SILENCE_MS);
    /** @type {Record<string, string>} */
    const headers = this.etag ? { "If-None-Match": this.etag } : {};
    const answer = await fetch("/api/v1/snapshot", { cache: "no-store", headers, signal });
    if (answer.status !== 304 && !answer.ok) throw new Refused(answer.status);
    const now = answer.headers.get("winlogd-now");
    if (now) this.tick(now);
    if (answer.status !== 304) {
      const text = await answer.text();
      this.atLeast(this.keep(text, answer.headers.get("etag") ?? "").now);
      this.tell({ kind: "snapshot", text });
    } else if (this.snapshot) this.position = `${this.snapshot.epoch}-${this.snapshot.seq}`;
    this.heardMs = Date.now();
  }

  /** Keep a snapshot, and go on from it. @param {string} text @param {string} etag @returns {Snapshot} */
  keep(text, etag) {
    /** @type {Snapshot} */
    const snapshot = JSON.parse(text);
    this.etag = etag;
    this.snapshot = snapshot;
    this.machines = new Map((snapshot.machines ?? []).map((each) => [each.hostname, each]));
    this.rooms = new Map(snapshot.rooms.map((each) => [each.name, each]));
    this.position = `${snapshot.epoch}-${snapshot.seq}`;
    return snapshot;
  }

  /** Follow the feed to its end. Return how long to wait before the next one; 0 for at once. */
  async follow() {
    const ending = new AbortController();
    let timer = setTimeout(() => ending.abort(), SILENCE_MS);
    const url = `/api/v1/live?after=${encodeURIComponent(this.position)}`;
    try {
      const answer = await fetch(url, { cache: "no-store", signal: ending.signal });
      if (!answer.ok || !answer.body) throw new Refused(answer.status);
      const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
      let rest = "";
      for (;;) {
        const { done, value } = await reader.read();
        if (done) throw new Error("the feed has ended");
        clearTimeout(timer);
        timer = setTimeout(() => ending.abort(), SILENCE_MS);
        this.heardMs = Date.now();
        const blocks = (rest + value).split("\n\n");
        rest = blocks.pop() ?? "";
        for (const block of blocks) {
          const waitMs = this.take(block);
          if (waitMs !== null) {
            ending.abort();
            return waitMs;
          }
        }
      }
    } finally {
      clearTimeout(timer);
    }
  }

  /**
   * Take one event (HTML, 9.2.6). Return how long to wait before the next connection if this one is over, else null.
   * @param {string} block
   * @returns {number | null}
   */
  take(block) {
    let [event, data] = ["", ""];
    for (const line of block.split("\n")) {
      const colon = line.indexOf(":");
      const value = line.slice(colon + 1).trimStart();
      const field = line.slice(0, colon);
      if (field === "event") event = value;
      else if (field === "data") data += value;
      else if (field === "id") this.position = value;
      else if (field === "retry") this.retryMs = Number(value) || RETRY_MS;
    }
    if (event === "reset") {
      this.position = "";
      this.etag = "";
      return 0;
    }
    if (event === "full") {
      this.position = "";
      this.become("polling");
      return this.retryMs;
    }
    this.failures = 0;
    this.become("live");
    if (event === "change") this.change(JSON.parse(data));
    return null;
  }

  /** @param {Change} change */
  change(change) {
    for (const each of change.machines ?? []) this.machines.set(each.hostname, each);
    for (const hostname of change.removed ?? []) this.machines.delete(hostname);
    for (const each of change.rooms ?? []) this.rooms.set(each.name, each);
    if (this.snapshot) {
      const { machines, removed, rooms, ...rest } = change;
      this.snapshot = { ...this.snapshot, ...rest };
    }
    this.atLeast(change.now);
    this.etag = "";
    this.tell({ kind: "change", change });
  }
}
