// @ts-check
/** Asks a person who has signed in whether to take the guest's pictures along, and shows how that goes. */

import { button } from './buttons.js';
import { h } from './dom.js';
import { errorMessage, oneLine } from './error-messages.js';
import { isAbort, statusOf } from './errors.js';
import { count } from './format.js';
import { countPictures, takeOver } from './handover.js';

export class TakeAlong {
  /** Called when pictures were moved. */
  onTaken = () => {};

  #api;
  #guest;
  #person;
  #onChange;
  #title = h('h2', { id: 'take-along-title' });
  #text = h('p', { id: 'take-along-text' });
  #bar = h('progress', { 'aria-label': 'Pictures moved' });
  #buttons = h('div', { class: 'actions' });
  #dialog = h('dialog', { class: 'question', 'aria-labelledby': 'take-along-title', 'aria-describedby': 'take-along-text' }, this.#title, this.#text, this.#bar, this.#buttons);
  // Screen readers read what changes in the open dialog only if it is in a region of its own.
  #status = h('p', { class: 'visually-hidden', role: 'status' });
  /** @type {AbortController | null} */
  #running = null;

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
      await this.#ask();
    } catch {
      // The next page that is opened asks.
    }
  }

  /** Asks again. */
  async ask() {
    try {
      if (await this.#ask()) return;
      this.#guest.forget();
      this.#finish('There are no guest pictures left', 'This browser has no pictures of a guest any more.');
    } catch (error) {
      this.#open();
      this.#showFailure(error, () => void this.ask());
    }
  }

  /** @returns {Promise<boolean>} false when there are no pictures */
  async #ask() {
    const { pictures, more } = await countPictures(this.#api, this.#guest, new AbortController().signal);
    if (pictures === 0) return false;
    const which = more ? `more than ${count(pictures, 'picture')}` : count(pictures, 'picture');
    this.#open();
    this.#show(
      `Take your ${more ? 'pictures' : pictures === 1 ? 'picture' : which} along?`,
      `You uploaded ${which} in this browser as a guest. If you take ${pictures === 1 ? 'it' : 'them'} along, ${pictures === 1 ? 'it moves' : 'they move'} to your account and ${pictures === 1 ? 'is' : 'are'} analysed again.`,
      [
        ['Take along', () => void this.#run(pictures)],
        ['Not now', () => this.#close()],
      ],
    );
    return true;
  }

  /** @param {number} pictures how many are expected */
  async #run(pictures) {
    const control = new AbortController();
    this.#running = control;
    this.#show('Moving your pictures', 'Keep this page open.', [['Stop', () => this.#close()]]);
    this.#bar.hidden = false;
    this.#bar.removeAttribute('value');
    try {
      const moved = await takeOver({
        api: this.#api,
        guest: this.#guest,
        person: this.#person,
        signal: control.signal,
        onProgress: ({ moved, remaining }) => {
          this.#bar.max = Math.max(1, moved + remaining);
          this.#bar.value = moved;
          this.#text.textContent = `${moved} of ${count(moved + remaining, 'picture')} moved. Keep this page open.`;
          this.#status.textContent = this.#text.textContent;
        },
      });
      this.#guest.forget();
      this.#running = null;
      this.#onChange();
      this.onTaken();
      const [are, appear] = moved === 1 ? ['is', 'It appears'] : ['are', 'They appear'];
      this.#finish(`${count(moved, 'picture')} ${are} in your account now`, `${appear} in your gallery after the analysis.`);
    } catch (error) {
      this.#running = null;
      if (!isAbort(error)) this.#showFailure(error, () => void this.#run(pictures));
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
    if (this.#guest.identityId) this.#guest.decline();
    this.#dialog.close();
    this.#dialog.remove();
    this.#onChange();
  }

  /**
   * @param {string} title
   * @param {string} text
   */
  #finish(title, text) {
    this.#open();
    this.#show(title, text, [['Close', () => this.#close()]]);
  }

  /**
   * @param {unknown} error
   * @param {() => void} retry
   */
  #showFailure(error, retry) {
    const text = statusOf(error) === 401 ? 'Your sign-in has expired. Sign in again.' : oneLine(errorMessage(error));
    this.#show('The pictures could not be moved', `${text} Pictures that were not moved stay in this browser.`, [
      ['Try again', retry],
      ['Not now', () => this.#close()],
    ]);
  }

  /**
   * @param {string} title
   * @param {string} text
   * @param {[string, () => void][]} actions
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
