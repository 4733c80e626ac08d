// @ts-check
/**
 * The gallery's state: what is searched for, the confidence filter, the open picture. It is kept in the page's address,
 * so that it can be bookmarked and shared, and the browser's Back and Forward buttons restore it.
 */

import { readState, sameQuery, withValidSort, writeState } from './url-state.js';

/** @typedef {import('./url-state.js').State} State */

/** The address is updated this long after the slider's last move: browsers reject an update for every step. */
const SETTLE_MS = 250;

export class Navigation {
  #state = readState(location);
  #on;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #settling;
  /** Whether the viewer was closed, and the browser is going back to the address before it. */
  #goingBack = false;

  /**
   * @param {object} on
   * @param {(state: State, previous: State, isBack: boolean) => void} on.change `isBack`: the person went back or forward
   * @param {() => void} on.confidenceSettled the slider came to rest
   */
  constructor(on) {
    this.#on = on;
    addEventListener('popstate', () => this.#restore());
  }

  get state() {
    return this.#state;
  }

  /**
   * Changes the search.
   * @param {Partial<import('./url-state.js').Query>} query
   */
  search(query) {
    const next = withValidSort({ ...this.#state, ...query, key: '' });
    if (sameQuery(next, this.#state)) {
      this.#set(this.#state);
      return;
    }
    history.pushState(null, '', addressOf(next));
    this.#set(next);
  }

  /** @param {number} minConfidence percent */
  setMinConfidence(minConfidence) {
    this.#set({ ...this.#state, minConfidence });
    clearTimeout(this.#settling);
    this.#settling = setTimeout(() => {
      history.replaceState(history.state, '', addressOf(this.#state));
      this.#on.confidenceSettled();
    }, SETTLE_MS);
  }

  /**
   * Opens a picture as a new entry in the browser's history.
   * @param {string} key
   */
  open(key) {
    const next = { ...this.#state, key };
    // `opened` says that going back closes the viewer.
    history.pushState({ opened: true }, '', addressOf(next));
    this.#set(next);
  }

  /**
   * Opens another picture in the same entry.
   * @param {string} key
   */
  replace(key) {
    const next = { ...this.#state, key };
    history.replaceState(history.state, '', addressOf(next));
    this.#set(next);
  }

  /** Closes the picture. */
  close() {
    const opened = history.state?.opened === true;
    clearTimeout(this.#settling);
    this.#set({ ...this.#state, key: '' });
    this.#goingBack = opened;
    if (opened) history.back();
    else history.replaceState(null, '', addressOf(this.#state));
  }

  /** The address changed: the person edited it, or went back or forward. */
  #restore() {
    const next = readState(location);
    const closed = (this.#goingBack || this.#state.key !== '') && !next.key;
    this.#goingBack = false;
    // The slider may have moved in the viewer. The address before the viewer does not know that.
    if (closed && sameQuery(next, this.#state) && next.minConfidence !== this.#state.minConfidence) {
      next.minConfidence = this.#state.minConfidence;
      history.replaceState(history.state, '', addressOf(next));
    }
    this.#set(next, true);
  }

  /** @param {State} state */
  #set(state, isBack = false) {
    const previous = this.#state;
    this.#state = state;
    this.#on.change(state, previous, isBack);
  }
}

/** @param {State} state */
function addressOf(state) {
  return `${location.pathname}${writeState(state)}`;
}
