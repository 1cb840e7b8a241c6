// What every page says above its content: events cannot be stored, or the feed is cut.
import { fill, h } from "./dom.js";
import { follow, live } from "./live.js";
import { localText, when } from "./time.js";
import { say } from "./words.js";

/** Show the banners from now on. Call this once. */
export function showBanners() {
  follow((changed) => (changed.all || changed.feed || live.snapshot?.writable) && refresh());
}

/** Say anew what has to be said, in the present language. */
export function refresh() {
  const root = document.getElementById("banners");
  const texts = [...stored(), ...connection(), ...past()];
  document.body.classList.toggle("stale", live.feed.state === "cut");
  if (!root || root.textContent === texts.join("")) return;
  fill(
    root,
    texts.map((text) => h("p", { class: "banner" }, text)),
  );
}

function stored() {
  const writable = live.snapshot?.writable;
  return writable && !writable.is
    ? [say("not_stored", { time: when(writable.since), why: writable.why ?? "" })]
    : [];
}

function connection() {
  const { state, since } = live.feed;
  if (state === "polling") return [say("polling")];
  if (state !== "cut") return [];
  if (since === null) return [say("cut_never")];
  return [say("cut", { time: when(localText(since)) })];
}

function past() {
  const history = live.snapshot?.history ?? "complete";
  return history === "complete" ? [] : [say("building", { share: history.replace("building, ", "") })];
}
