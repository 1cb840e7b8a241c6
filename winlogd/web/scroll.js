// The place in a page to which the back button leads back: a page is drawn after the browser would go there by itself.

/** A place is noted this long after the last scrolling. */
const PAUSE_MS = 100;
/** A place that stays for so many frames is reached: lists get their heights while they come into sight. */
const STEADY_FRAMES = 5;
/** A page that is not long enough after this time has become shorter. */
const LONGEST_MS = 2000;

/** @typedef {{scroll: number, href: string | null, top: number}} Mark a link on the screen, and how far from its top */

/** @type {Mark | null} The place of the address to which somebody has gone back. */
let wanted = null;
/** @type {ReturnType<typeof setTimeout> | undefined} */
let pause;

/** Note the places, in the browser's history. Call this once, before other listeners to `popstate`. */
export function keepPlaces() {
  history.scrollRestoration = "manual";
  wanted = history.state ?? null;
  addEventListener("popstate", ({ state }) => {
    clearTimeout(pause);
    wanted = state ?? null;
  });
  const later = () => {
    clearTimeout(pause);
    pause = setTimeout(notePlace, PAUSE_MS);
  };
  addEventListener("scroll", later, { passive: true });
  for (const name of ["wheel", "touchstart", "keydown", "pointerdown"])
    addEventListener(name, () => (wanted = null), { passive: true });
}

/** Note the place now: the address is about to change. */
export function notePlace() {
  clearTimeout(pause);
  if (wanted) return;
  const link = linkInSight();
  const [href, top] = [link?.getAttribute("href") ?? null, link?.getBoundingClientRect().top ?? 0];
  history.replaceState({ scroll: scrollY, href, top }, "");
}

/** Return a link in the middle of the screen: lists out of sight have no exact height, so that lengths tell little. */
function linkInSight() {
  for (let y = innerHeight / 2; y > 0; y -= 20) {
    const row = document.elementFromPoint(innerWidth / 2, y)?.closest("main li, main tr, main section");
    const link = row?.querySelector("a[href]");
    if (link) return link;
  }
  return null;
}

/** Go to the place of the present address, as soon as it is there. Whoever scrolls meanwhile ends this. */
export function goToPlace() {
  const end = performance.now() + LONGEST_MS;
  let steady = 0;
  const step = () => {
    if (!wanted) return;
    steady = isThere(wanted) ? steady + 1 : 0;
    if (steady > STEADY_FRAMES || performance.now() > end) wanted = null;
    else requestAnimationFrame(step);
  };
  step();
}

/** Scroll to a place. Return true if it was there already. @param {Mark} place */
function isThere({ scroll, href, top }) {
  const link = href && scroll && document.querySelector(`main a[href="${CSS.escape(href)}"]`);
  const wayLeft = link ? link.getBoundingClientRect().top - top : scroll - scrollY;
  if (Math.abs(wayLeft) < 2) return true;
  scrollBy(0, wayLeft);
  return false;
}
