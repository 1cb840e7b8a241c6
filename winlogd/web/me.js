// Who reads: the name and the logout in the header, and which pages the navigation has.
import { go, here, onMove } from "./address.js";
import { ask, Unanswered } from "./ask.js";
import { fill, h, named, set } from "./dom.js";
import { follow, live, startFeed } from "./live.js";
import { lang, say, wordsOf } from "./words.js";

const words = wordsOf({
  en: {
    this_machine: "this machine",
    why_no_login: "You read on the server itself. No login is needed here yet.",
    logout: "Log out",
    still_in: "You are still logged in. Try again.",
  },
  fr: {
    this_machine: "cette machine",
    why_no_login: "Vous lisez sur le serveur même. Aucune connexion n’y est encore nécessaire.",
    logout: "Se déconnecter",
    still_in: "Vous êtes toujours connecté. Réessayez.",
  },
});

/** Who reads, as GET /api/v1/me says it. Read it; do not change it. `known` is null until that is known. */
export const me = {
  /** @type {Me | null} */
  known: null,
  isLoggedOut: false,
};

/** True from the logout on: the server ends the feed then, before the browser has left the page. */
let isLeaving = false;

let wasMet = () => {};
/** Is fulfilled when it is known who reads, or when the server has not said so. */
export const met = new Promise((done) => {
  wasMet = () => done(null);
});

/** @type {Record<string, string>} */
const STARTS = { wall: "/wall", audit: "/readers-log", metrics: "/readers-log" };

/** True if the reader sees who is where, or at least the rooms: the others have no use for a feed. */
const hasFeed = () => !me.known || ["wall", "now", "all"].includes(me.known.scope);

/**
 * Learn who reads, start the feed if the reader may see one, and go on learning when a login ends or begins. Call this once.
 * @param {() => void} learned called whenever something was learned
 */
export async function meet(learned) {
  await learn();
  wasMet();
  lead();
  onMove(lead);
  learned();
  if (hasFeed()) startFeed();
  follow(async (changed) => {
    const { state } = live.feed;
    if (isLeaving || !changed.feed || (state === "refused") === me.isLoggedOut || state === "cut") return;
    await learn();
    learned();
  });
}

/** Lead a reader who may not open Now to the first page that shows something to the scope. */
function lead() {
  const start = me.known && STARTS[me.known.scope];
  if (start && here().path === "/") go(start, { replaces: true });
}

async function learn() {
  try {
    me.known = await ask("me");
    me.isLoggedOut = false;
  } catch (fault) {
    me.isLoggedOut = fault instanceof Unanswered && [401, 403].includes(fault.status);
    if (me.isLoggedOut) me.known = null;
  }
  drawReader();
}

/**
 * Return true if the reader may open a page, or if that is not known.
 * @param {string} path such as "/trends"
 */
export function mayOpen(path) {
  return !me.known || me.known.pages.includes(path);
}

/** Draw the reader into the header, in the present language. */
export function drawReader() {
  const place = document.getElementById("reader");
  if (!place) return;
  set(/** @type {Element} */ (document.getElementById("box")), { hidden: !canSearch() });
  if (me.isLoggedOut) {
    const next = encodeURIComponent(location.pathname + location.search);
    fill(place, h("a", { class: "button", href: `/login?next=${next}` }, say("login")));
  } else if (me.known?.by === "loopback") {
    fill(place, h("span", { title: words.say("why_no_login") }, words.say("this_machine")));
  } else if (me.known) {
    fill(
      place,
      h("a", { class: "reader", href: "/account" }, named(me.known.reader)),
      me.known.by === "cookie" && h("button", { type: "button", onclick: logOut }, words.say("logout")),
    );
  } else fill(place);
}

function canSearch() {
  return !me.known || ["now", "all"].includes(me.known.scope);
}

/** End the login. A form would send no Origin over plain HTTP, as the policy of the pages is no-referrer. */
async function logOut() {
  isLeaving = true;
  try {
    const answer = await fetch("/logout", { method: "POST" });
    if (!answer.ok) throw new Unanswered(answer.status, "");
    location.assign(`/login?lang=${lang()}`);
  } catch {
    isLeaving = false;
    const place = document.getElementById("reader");
    place?.prepend(h("span", { role: "alert" }, words.say("still_in")));
  }
}
