// @ts-check
/** A finger that rests on an element. */

const LONG_PRESS_MS = 500;
/** A finger that moves further scrolls. In pixels. */
const MAX_MOVE = 10;

export class LongPress {
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #timer;
  /** @type {{x: number, y: number} | null} */
  #pressed = null;
  /** Whether the last press was long. Browsers send a click or a context menu at its end. */
  #wasLong = false;

  /**
   * @param {HTMLElement} element
   * @param {(target: EventTarget | null) => void} onPress
   */
  constructor(element, onPress) {
    element.addEventListener('pointerdown', (event) => {
      this.#end();
      this.#wasLong = false;
      if (event.pointerType !== 'touch' || !event.isPrimary) return;
      this.#pressed = { x: event.clientX, y: event.clientY };
      this.#timer = setTimeout(() => {
        this.#wasLong = true;
        onPress(event.target);
      }, LONG_PRESS_MS);
    });
    element.addEventListener('pointermove', (event) => {
      if (this.#pressed && Math.hypot(event.clientX - this.#pressed.x, event.clientY - this.#pressed.y) > MAX_MOVE) this.#end();
    });
    for (const name of /** @type {const} */ (['pointerup', 'pointercancel'])) element.addEventListener(name, () => this.#end());
    // The browser's menu of a link would cover the pictures.
    element.addEventListener('contextmenu', (event) => (this.#pressed || this.#wasLong) && event.preventDefault());
  }

  /** Whether a click is the end of a long press. */
  consumeClick() {
    const wasLong = this.#wasLong;
    this.#wasLong = false;
    return wasLong;
  }

  #end() {
    clearTimeout(this.#timer);
    this.#pressed = null;
  }
}
