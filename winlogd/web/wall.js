// The page Wall: the free seats of rooms, for a screen in a corridor. It shows no name, and black rather than old news.
import { go } from "./address.js";
import { failure, Unanswered } from "./ask.js";
import { fill, h, named, place, set, sheet } from "./dom.js";
import { folded, pattern } from "./filters.js";
import { bind } from "./keys.js";
import { again, follow, live } from "./live.js";
import { offer } from "./pages.js";
import { clock, localText, when } from "./time.js";
import { words } from "./wall_words.js";
import { number, say } from "./words.js";

const PAGE_MS = 12_000;
/** A room has at least this share of the screen's shorter side. Its number can then be read from five metres. */
const LEAST = { width: 0.36, height: 0.2 };
/** The form of a room in which its texts are largest: so much wider than high. */
const FORM = 1.7;

offer("wall", show);

/**
 * Show the page.
 * @param {HTMLElement} root
 * @param {Place} state
 * @returns {Promise<Page>}
 */
async function show(root, state) {
  await sheet("wall.css");
  const wall = new Wall(root, state);
  const observer = new ResizeObserver(() => wall.draw());
  observer.observe(wall.list);
  const ends = [
    () => observer.disconnect(),
    follow((changed) => (changed.all || changed.rooms.size || changed.feed) && wall.draw()),
    bind({
      "[": [() => words.say("before"), () => wall.turn(-1)],
      "]": [() => words.say("after"), () => wall.turn(1)],
      Escape: [() => words.say("leave"), () => go("/")],
    }),
    every(PAGE_MS, () => wall.turn(1)),
    every(1000, () => wall.tick()),
    stayAwake(),
  ];
  return {
    title: words.say("title"),
    isBare: true,
    ends,
    change: (next) => {
      wall.state = next;
      wall.draw();
    },
  };
}

class Wall {
  /** @param {HTMLElement} root @param {Place} state */
  constructor(root, state) {
    this.state = state;
    this.at = 0;
    this.pages = 1;
    this.time = h("time", { class: "wall-clock" });
    this.news = h("span");
    this.place = h("span");
    this.list = h("div", { class: "wall-rooms" });
    fill(
      root,
      h(
        "div",
        { class: "wall" },
        h("header", {}, h("h1", {}, words.say("title")), this.time),
        this.list,
        h("footer", {}, this.news, this.place),
      ),
    );
    this.draw();
  }

  /** Say what time it is by the server's clock. */
  tick() {
    const text = live.snapshot ? clock(localText(Date.now())) : "";
    if (this.time.textContent !== text) fill(this.time, text);
  }

  /** @param {number} step */
  turn(step) {
    if (this.pages < 2) return;
    this.at = (this.at + step + this.pages) % this.pages;
    this.draw();
  }

  draw() {
    const { snapshot, feed } = live;
    this.tick();
    if (!snapshot) {
      const isRefused = feed.state === "refused";
      const text = h("p", { class: "loading" }, say("loading"));
      return this.drawAlone(isRefused ? failure(new Unanswered(feed.status, ""), again) : text);
    }
    const last = snapshot.site.last_event_at;
    fill(this.news, last ? words.say("last_event", { time: when(last) }) : words.say("no_event"));
    const wanted = this.state.query.get("rooms") ?? "";
    const rooms = roomsOf(wanted);
    if (!rooms.length)
      return this.drawAlone(
        h(
          "p",
          { class: "empty" },
          ...(wanted ? words.parts("nothing", { rooms: named(wanted) }) : [words.say("no_rooms")]),
        ),
      );
    const { clientWidth: width, clientHeight: height } = this.list;
    // The shell has not made room yet; the observer calls again.
    if (!height) return;
    const most = arranged(rooms.length, width, height);
    this.pages = most.pages;
    this.at %= this.pages;
    const length = Math.ceil(rooms.length / this.pages);
    const shown = rooms.slice(this.at * length, (this.at + 1) * length);
    const { columns, rows } = arranged(length, width, height);
    const list = h("ul", {}, shown.map(tile));
    place(list, { "--columns": String(columns), "--rows": String(rows) });
    fill(this.list, list);
    fill(this.place, this.pages > 1 && words.say("page", { at: this.at + 1, n: this.pages }));
    set(this.place, { "aria-hidden": this.pages > 1 ? null : "true" });
  }

  /** @param {Node} node */
  drawAlone(node) {
    this.pages = 1;
    fill(this.place);
    fill(this.list, node);
  }
}

/**
 * Return the rooms whose names match one of the patterns, such as "A*,B101". No pattern means all rooms.
 * @param {string} patterns
 */
function roomsOf(patterns) {
  const forms = patterns.split(",").flatMap((each) => pattern(each.trim()) ?? []);
  const rooms = [...live.rooms.values()].filter(({ name, machines }) => name !== null && machines > 0);
  return forms.length ? rooms.filter(({ name }) => forms.some((each) => each(folded(name ?? "")))) : rooms;
}

/**
 * Return how rooms share the screen so that each is as large as possible, and how many pages that takes.
 * @param {number} count
 * @param {number} width of the screen
 * @param {number} height
 */
export function arranged(count, width, height) {
  const side = Math.max(1, Math.min(width, height));
  const mostColumns = Math.max(1, Math.floor(width / (side * LEAST.width)));
  const mostRows = Math.max(1, Math.floor(height / (side * LEAST.height)));
  const pages = Math.ceil(count / (mostColumns * mostRows));
  const each = Math.ceil(count / pages);
  let best = { columns: mostColumns, rows: mostRows, pages, size: 0 };
  for (let columns = 1; columns <= mostColumns; columns += 1) {
    const rows = Math.ceil(each / columns);
    const size = Math.min(width / columns / FORM, height / rows);
    if (rows <= mostRows && size > best.size) best = { columns, rows, pages, size };
  }
  return best;
}

/** @param {Room} room */
function tile(room) {
  const { name, machines, free } = room;
  const heading = h("h2", {}, named(name ?? ""));
  if (free === null)
    return h(
      "li",
      { class: "unknown" },
      heading,
      h("p", { class: "free" }, words.say("unknown")),
      h("p", { class: "of" }, whyUnknown(room.free_unknown ?? "")),
    );
  return h(
    "li",
    {},
    heading,
    h("p", { class: "free" }, number(free)),
    " ",
    h("p", { class: "of" }, ofAll(free, machines)),
  );
}

/**
 * Return "free of 20". The plural is that of the free seats.
 * @param {number} free
 * @param {number} machines
 */
function ofAll(free, machines) {
  return words.say("of", { n: free, all: machines });
}

/**
 * Return the server's sentence in the language of the page. One that is not known is shown as it came.
 * @param {string} sentence such as "9 of the last week's 20 sessions have no logoff."
 */
function whyUnknown(sentence) {
  const [, lost, n] = /^(\d+) of the last week's (\d+) sessions/.exec(sentence) ?? [];
  return lost && n ? words.say("lost", { lost: Number(lost), n: Number(n) }) : sentence;
}

/**
 * @param {number} ms
 * @param {() => void} work
 * @returns {() => void} ends it
 */
function every(ms, work) {
  const timer = setInterval(work, ms);
  return () => clearInterval(timer);
}

/**
 * Keep the screen on while the page is seen, where the browser can. It can over HTTPS only.
 * @returns {() => void} ends it
 */
function stayAwake() {
  /** @type {{release(): Promise<void>} | null} */
  let lock = null;
  let isOver = false;
  const ask = async () => {
    if (document.visibilityState !== "visible" || !navigator.wakeLock) return;
    try {
      lock = await navigator.wakeLock.request("screen");
      if (isOver) await lock.release();
    } catch {
      // The screen may go dark, as without this: the battery is low, or the browser does not allow it.
    }
  };
  document.addEventListener("visibilitychange", ask);
  ask();
  return () => {
    isOver = true;
    document.removeEventListener("visibilitychange", ask);
    lock?.release();
  };
}
