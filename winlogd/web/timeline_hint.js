// The words beside the pointer, or beside what the keys have chosen.
import { fill, h, place, set } from "./dom.js";

export class Hint {
  constructor() {
    this.element = h("div", { class: "tl-hint", hidden: true });
  }

  hide() {
    set(this.element, { hidden: true });
  }

  /**
   * Show what is at a point in words. With an address there is a link, for a finger.
   * @param {(string | Node)[]} parts none hides it
   * @param {number} left px of the screen
   * @param {number} top
   * @param {string | null} [address]
   */
  show(parts, left, top, address = null) {
    if (!parts.length) return this.hide();
    set(this.element, { hidden: null });
    fill(this.element, h(address ? "a" : "p", { href: address }, h("span", {}, parts)));
    const { offsetWidth: width, offsetHeight: height } = this.element;
    const below = top + 16 + height < innerHeight ? top + 16 : top - height - 12;
    place(this.element, {
      left: `${Math.max(4, Math.min(left + 12, innerWidth - width - 4))}px`,
      top: `${Math.max(4, below)}px`,
    });
  }
}
