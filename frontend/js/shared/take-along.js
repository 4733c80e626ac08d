// @ts-check
/** Asks a person who has signed in whether to take the guest's pictures along or to delete them, and shows how that goes. */

import { button } from './buttons.js';
import { h } from './dom.js';
import { errorMessage, oneLine } from './error-messages.js';
import { isAbort, statusOf } from './errors.js';
import { count } from './format.js';
import { countPictures, deleteAll, takeOver } from './handover.js';

/** @typedef {[string, () => void]} Action a button's label and what it does */

export class TakeAlong {
  /** Called when pictures were moved. */
  onTaken = () => {};

  #api;
  #guest;
  #person;
  #onChange;
  #title = h('h2', { id: 'take-along-title' });
  #text = h('p', { id: 'take-along-text' });
  #bar = h('progress', { 'aria-labelledby': 'take-along-title' });
  #buttons = h('div', { class: 'actions' });
  #dialog = h('dialog', { class: 'question', 'aria-labelledby': 'take-along-title', 'aria-describedby': 'take-along-text' }, this.#title, this.#text, this.#bar, this.#buttons);
  // Screen readers read what changes in the open dialog only if it is in a region of its own.
  #status = h('p', { class: 'visually-hidden', role: 'status' });
  /** @type {AbortController | null} */
  #running = null;
  /** Whether the dialog shows that nothing is left to do. */
  #finished = false;

  /**
   * @param {string} api
   * @param {import('./guest.js').Guest} guest
   * @param {import('./http-client.js').Caller} person
   * @param {() => void} onChange whether the pictures are wanted changed
   */
  constructor(api, guest, person, onChange) {
    this.#api = api;
    this.#guest = guest;
    this.#person = person;
    this.#onChange = onChange;
    this.#dialog.append(this.#status);
    this.#dialog.addEventListener('cancel', (event) => {
      event.preventDefault();
      this.#close();
    });
    // Browsers may close a dialog without a `cancel` event.
    this.#dialog.addEventListener('close', () => this.#close());
  }

  /** Whether the person has said not to take them along, and can be asked again. */
  get declined() {
    return this.#guest.declined;
  }

  /** Asks, unless the person has already answered or there are no pictures. */
  async offer() {
    if (this.declined) return;
    try {
      await this.#ask(false);
    } catch {
      // The next page that is opened asks.
    }
  }

  /** Asks again, and offers to delete the pictures. */
  async ask() {
    try {
      if (await this.#ask(true)) return;
      this.#finish('There are no guest pictures left', 'This browser has no pictures of a guest.');
    } catch (error) {
      this.#open();
      this.#showFailure('The guest pictures could not be found', error, '', () => void this.ask());
    }
  }

  /**
   * @param {boolean} offerDeletion
   * @returns {Promise<boolean>} false when there are no pictures
   */
  async #ask(offerDeletion) {
    const { pictures, more } = await countPictures(this.#api, this.#guest, new AbortController().signal);
    if (pictures === 0) return false;
    const which = more ? `more than ${count(pictures, 'picture')}` : count(pictures, 'picture');
    const [them, they, are] = pictures === 1 ? ['it', 'it moves', 'is'] : ['them', 'they move', 'are'];
    this.#open();
    this.#show(
      `Take your ${more ? 'pictures' : pictures === 1 ? 'picture' : which} along?`,
      `You uploaded ${which} in this browser as a guest. If you take ${them} along, ${they} to your account and ${are} analysed again.`,
      [
        ['Take along', () => void this.#take()],
        ['Not now', () => this.#close()],
        // Last, so that the second click of a double click does not confirm it.
        ...(offerDeletion ? [/** @type {Action} */ (['Delete', () => this.#confirmDeletion(which)])] : []),
      ],
    );
    return true;
  }

  async #take() {
    await this.#run('Moving your pictures', 'moved', () => this.#take(), async (signal, onProgress) => {
      const moved = await takeOver({
        api: this.#api,
        guest: this.#guest,
        person: this.#person,
        signal,
        onProgress: ({ moved, remaining }) => onProgress(moved, moved + remaining),
      });
      const [are, appear] = moved === 1 ? ['is', 'It appears'] : ['are', 'They appear'];
      return [`${count(moved, 'picture')} ${are} in your account now`, `${appear} in your gallery after the analysis.`];
    });
  }

  /** @param {string} which */
  #confirmDeletion(which) {
    this.#show(`Delete ${which}?`, 'This cannot be undone. Pictures in your account stay.', [
      ['Cancel', () => void this.ask()],
      ['Delete', () => void this.#delete()],
    ]);
  }

  async #delete() {
    await this.#run('Deleting your guest pictures', 'deleted', () => this.#delete(), async (signal, onProgress) => {
      const deleted = await deleteAll({ api: this.#api, guest: this.#guest, signal, onProgress });
      return [`${count(deleted, 'picture')} deleted`, 'A picture that is still being analysed can appear later.'];
    });
  }

  /**
   * @param {string} title
   * @param {string} done what happens to the pictures, as `moved`
   * @param {() => Promise<void>} retry
   * @param {(signal: AbortSignal, onProgress: (done: number, all?: number) => void) => Promise<[string, string]>} job the title and the text after it
   */
  async #run(title, done, retry, job) {
    const control = new AbortController();
    this.#running = control;
    this.#show(title, 'Keep this page open.', [['Stop', () => this.#close()]]);
    this.#bar.hidden = false;
    this.#bar.removeAttribute('value');
    try {
      const result = await job(control.signal, (n, all) => {
        // Some requests may still succeed after one has failed.
        if (this.#running !== control) return;
        if (all !== undefined) {
          this.#bar.max = Math.max(1, all);
          this.#bar.value = n;
        }
        this.#text.textContent = `${all === undefined ? count(n, 'picture') : `${n} of ${count(all, 'picture')}`} ${done}. Keep this page open.`;
        this.#status.textContent = this.#text.textContent;
      });
      // The identity stays: a picture that arrives late, from another tab perhaps, is found with it alone.
      this.#guest.reconsider();
      this.#running = null;
      this.#onChange();
      this.onTaken();
      this.#finish(...result);
    } catch (error) {
      if (this.#running === control) this.#running = null;
      if (!isAbort(error)) this.#showFailure(`The pictures could not be ${done}`, error, ` Pictures that were not ${done} stay with the guest.`, () => void retry());
    }
  }

  #open() {
    if (!this.#dialog.isConnected) document.body.append(this.#dialog);
    if (!this.#dialog.open) this.#dialog.showModal();
  }

  /** Without an answer, or with “Not now”: the pictures stay with the guest. */
  #close() {
    this.#running?.abort();
    this.#running = null;
    if (!this.#dialog.isConnected) return;
    if (this.#guest.identityId && !this.#finished) this.#guest.decline();
    this.#finished = false;
    this.#dialog.close();
    this.#dialog.remove();
    this.#onChange();
  }

  /**
   * @param {string} title
   * @param {string} text
   */
  #finish(title, text) {
    this.#finished = true;
    this.#open();
    this.#show(title, text, [['Close', () => this.#close()]]);
  }

  /**
   * @param {string} title
   * @param {unknown} error
   * @param {string} more what else to say
   * @param {() => void} retry
   */
  #showFailure(title, error, more, retry) {
    const text = statusOf(error) === 401 ? 'Your sign-in has expired. Sign in again.' : oneLine(errorMessage(error));
    this.#show(title, `${text}${more}`, [
      ['Try again', retry],
      ['Not now', () => this.#close()],
    ]);
  }

  /**
   * @param {string} title
   * @param {string} text
   * @param {Action[]} actions the first gets the focus
   */
  #show(title, text, actions) {
    this.#title.textContent = title;
    this.#text.textContent = text;
    this.#bar.hidden = true;
    const buttons = actions.map(([label, press]) => button(label, press));
    this.#buttons.replaceChildren(...buttons);
    // The pressed button is gone.
    buttons[0]?.focus();
    this.#status.textContent = `${title}. ${text}`;
  }
}
