// Build elements. A text only ever becomes a text node or an attribute: no name of a user can become markup.

/** @typedef {Node | string | number | null | undefined | false | Child[]} Child */
/** @typedef {Record<string, string | number | boolean | null | undefined | ((event: any) => void)>} Attributes */

const SHAPES = "http://www.w3.org/2000/svg";
/** Control and format characters, such as U+202E, which turns the text after it around. */
const UNSEEN = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu;

/**
 * Return a new element. Attributes that begin with "on" are listeners; null and false leave an attribute out.
 * @template {keyof HTMLElementTagNameMap} Tag
 * @param {Tag} tag
 * @param {Attributes} [attributes]
 * @param {...Child} children
 * @returns {HTMLElementTagNameMap[Tag]}
 */
export function h(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  set(element, attributes);
  add(element, children);
  return element;
}

/**
 * Return a new element of a drawing (SVG).
 * @param {string} tag
 * @param {Attributes} attributes
 * @param {...Child} children
 */
export function svg(tag, attributes, ...children) {
  const element = document.createElementNS(SHAPES, tag);
  set(element, attributes);
  add(element, children);
  return element;
}

/**
 * Set attributes, or remove them where the value is null or false.
 * @param {Element} element
 * @param {Attributes} attributes
 */
export function set(element, attributes) {
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === "function") element.addEventListener(name.slice(2), value);
    else if (value === null || value === undefined || value === false) element.removeAttribute(name);
    else element.setAttribute(name, value === true ? "" : String(value));
  }
}

/**
 * Put new children in the place of the old ones.
 * @param {Element} element
 * @param {...Child} children
 */
export function fill(element, ...children) {
  element.replaceChildren();
  add(element, children);
}

/**
 * Put new children in the place of the old ones, for a change that nobody asked for. The focus stays: on the same
 * element, or on the new link with the same address, or near it.
 * @param {Element} element
 * @param {...Child} children
 */
export function refill(element, ...children) {
  const active = document.activeElement;
  const isInside = active instanceof HTMLElement && active !== element && element.contains(active);
  fill(element, children);
  if (!isInside) return;
  const links = [...element.querySelectorAll("a")];
  const same = links.find((each) => each.getAttribute("href") === active.getAttribute("href"));
  (active.isConnected ? active : (same ?? links[0]))?.focus({ preventScroll: true });
}

/**
 * @param {Element} element
 * @param {Child} child
 */
function add(element, child) {
  if (Array.isArray(child)) for (const each of child) add(element, each);
  else if (child !== null && child !== undefined && child !== false)
    element.append(child instanceof Node ? child : String(child));
}

/**
 * Return a text in which format characters can be seen: ⟨U+202E⟩.
 * @param {string} text
 */
export function visible(text) {
  return text.replace(
    UNSEEN,
    (each) => `⟨U+${(each.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, "0")}⟩`,
  );
}

/**
 * Return a name of a user, machine or room. The text around it keeps its direction.
 * @param {string} text
 */
export function named(text) {
  return h("bdi", {}, visible(text));
}

/**
 * Set lengths and positions. The policy of the page allows this, and no style attribute.
 * @param {HTMLElement | SVGElement} element
 * @param {Record<string, string>} lengths
 */
export function place(element, lengths) {
  for (const [name, value] of Object.entries(lengths)) element.style.setProperty(name, value);
}

/**
 * Load a page's own style sheet, once. Wait for it before you show what it styles.
 * @param {string} file such as "timeline.css"
 * @returns {Promise<void>}
 */
export function sheet(file) {
  const href = `/web/${file}`;
  if (document.querySelector(`link[rel="stylesheet"][href="${href}"]`)) return Promise.resolve();
  return new Promise((done) => {
    document.head.append(h("link", { rel: "stylesheet", href, onload: () => done(), onerror: () => done() }));
  });
}

/**
 * Let a screen reader say a sentence, such as what a search was understood as.
 * @param {string} text
 */
export function announce(text) {
  const said = document.getElementById("said");
  if (said) said.textContent = text;
}
