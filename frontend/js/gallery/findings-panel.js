// @ts-check
/** The lists of what was found, each with a switch for its boxes, and the slider that hides what is less certain. */

import { h } from '../dom.js';
import { percent } from '../format.js';
import { bar, fact } from '../labels.js';

/**
 * @typedef {import('./findings.js').Finding} Finding
 * @typedef {import('./findings.js').Group} Group
 *
 * @typedef {object} Row
 * @property {Finding} finding
 * @property {number} index among all findings
 * @property {HTMLElement} item
 * @property {HTMLInputElement | null} box null where it has no place in the picture
 */

export class FindingsPanel {
  element = h('div', { class: 'findings' });

  #on;
  /** @type {{group: Group, rows: Row[], all: HTMLInputElement | null, none: HTMLElement}[]} */
  #groups = [];
  /** What the person switched off stays off in the next picture, by group and name. */
  #off = new Set();
  #least = 0;
  #output = h('output', { for: 'viewer-least' });
  #range = h('input', { id: 'viewer-least', type: 'range', min: 0, max: 99, step: 1, value: 0 });
  #slider = h('div', { class: 'filter' }, h('label', { for: 'viewer-least' }, 'Confidence from'), this.#range, this.#output);

  /**
   * @param {object} on
   * @param {(marks: import('../picture.js').Mark[]) => void} on.marks
   * @param {(index: number | null) => void} on.light
   * @param {() => void} on.reveal
   * @param {(least: number) => void} on.least
   */
  constructor(on) {
    this.#on = on;
    this.#range.addEventListener('input', () => on.least(this.#range.valueAsNumber));
  }

  clear() {
    this.#groups = [];
    this.element.replaceChildren();
  }

  /**
   * @param {readonly Group[]} groups
   * @param {number} least percent
   */
  show(groups, least) {
    let index = 0;
    this.#groups = groups.map((group) => {
      const rows = group.items.map((finding) => this.#row(group, finding, index++));
      const boxed = rows.flatMap(({ box }) => box ?? []);
      const all = boxed.length > 0 ? h('input', { type: 'checkbox', role: 'switch', 'aria-label': `Boxes of ${group.title.toLowerCase()}` }) : null;
      all?.addEventListener('change', () => {
        for (const row of rows) this.#set(group, row, all.checked);
        this.#draw();
      });
      return { group, rows, all, none: h('p', { class: 'quiet', hidden: true }, 'Nothing here is that certain.') };
    });
    this.element.replaceChildren(
      h('section', { class: 'card slim' }, this.#slider),
      ...this.#groups.map(({ group, rows, all, none }) =>
        h(
          'section',
          { class: 'card', 'aria-labelledby': `group-${group.id}` },
          h(
            'div',
            { class: 'card-head' },
            h('h3', { id: `group-${group.id}` }, group.title, ' ', h('span', { class: 'quiet' }, group.items.length)),
            all && h('label', { class: 'switch' }, h('span', {}, 'Boxes'), all),
          ),
          h('div', { class: 'labels' }, h('ul', {}, rows.map(({ item }) => item)), none),
        ),
      ),
    );
    this.least = least;
  }

  /** @param {number} least percent */
  set least(least) {
    this.#least = least;
    this.#range.value = String(least);
    this.#range.setAttribute('aria-valuetext', least > 0 ? `${least} percent` : 'any');
    this.#output.textContent = least > 0 ? percent(least) : 'any';
    if (this.#groups.length > 0) this.#draw();
  }

  /** @param {number | null} index the finding whose boxes are lit */
  light(index) {
    this.#on.light(index);
    for (const { rows } of this.#groups) for (const row of rows) row.item.classList.toggle('on', row.index === index);
  }

  /** Shows what the slider and the switches leave. */
  #draw() {
    for (const { rows, all, none } of this.#groups) {
      for (const { item, finding } of rows) item.hidden = !this.#sure(finding);
      none.hidden = rows.some(({ item }) => !item.hidden);
      if (!all) continue;
      const boxes = rows.flatMap(({ box }) => box ?? []);
      const on = boxes.filter(({ checked }) => checked).length;
      all.checked = on > 0;
      all.indeterminate = on > 0 && on < boxes.length;
    }
    this.#on.marks(
      this.#groups.flatMap(({ rows }) =>
        rows.flatMap(({ finding, index, box }) =>
          box?.checked && finding.hue !== null && this.#sure(finding)
            ? finding.places.map((place) => ({ box: place.box, confidence: place.confidence, name: finding.name, hue: finding.hue ?? 0, label: index }))
            : [],
        ),
      ),
    );
    this.light(null);
  }

  /** @param {Finding} finding */
  #sure({ confidence }) {
    return confidence === null || confidence >= this.#least;
  }

  /**
   * @param {Group} group
   * @param {Finding} finding
   * @param {number} index
   * @returns {Row}
   */
  #row(group, finding, index) {
    const body = [
      h('span', { class: 'label-name' }, finding.hue !== null && h('span', { class: `dot hue-${finding.hue}` }), h('span', {}, finding.name), finding.places.length > 1 && h('span', { class: 'quiet' }, `× ${finding.places.length}`)),
      h('span', { class: 'label-confidence' }, finding.confidence === null ? '' : percent(finding.confidence, 1)),
      finding.confidence !== null && bar(finding.confidence, finding.hue),
      finding.facts.length > 0 && h('span', { class: 'label-facts' }, finding.facts.map(({ name, values }) => fact(name, values))),
    ];
    if (finding.places.length === 0) return { finding, index, item: h('li', { class: 'label' }, h('div', { class: 'label-body' }, body)), box: null };

    const box = h('input', { type: 'checkbox', class: 'label-box' });
    const item = h('li', { class: 'label' }, h('label', { class: 'label-body', title: 'Show its boxes' }, box, body));
    /** @type {Row} */
    const row = { finding, index, item, box };
    box.checked = !this.#off.has(nameIn(group, finding));
    box.addEventListener('change', () => {
      this.#set(group, row, box.checked);
      this.#draw();
      // Whoever switches boxes on sees at once which they are.
      light();
      if (box.checked) this.#on.reveal();
    });
    const light = () => this.light(box.checked ? index : null);
    item.addEventListener('pointerenter', light);
    item.addEventListener('pointerleave', () => this.light(null));
    box.addEventListener('focus', () => box.matches(':focus-visible') && light());
    box.addEventListener('blur', () => this.light(null));
    return row;
  }

  /**
   * @param {Group} group
   * @param {Row} row
   * @param {boolean} on
   */
  #set(group, { finding, box }, on) {
    if (!box) return;
    box.checked = on;
    if (on) this.#off.delete(nameIn(group, finding));
    else this.#off.add(nameIn(group, finding));
  }
}

/**
 * @param {Group} group
 * @param {Finding} finding
 */
function nameIn({ id }, { name }) {
  return `${id}:${name}`;
}
