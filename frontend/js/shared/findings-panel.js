// @ts-check
/**
 * What a result document found, or why it did not: lists with a switch for the boxes of each finding, and the slider
 * that hides what is less certain.
 */

import { swatch } from './colours.js';
import { h } from './dom.js';
import { groupsOf } from './findings.js';
import { count, percent } from './format.js';
import { icon } from './icons.js';
import { shortcomings } from './messages.js';

/** The confidence the slider starts from, unless a finding lies lower: Rekognition's default for labels is 55. */
const FILTER_FLOOR = 50;
/** Fewer findings need no slider. */
const SIFTED_FROM = 3;
/** So many places of a finding are told one by one, each with so many colours. */
const PLACES = 4;
const COLOURS = 5;

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
  /**
   * What the person switched on or off holds for the next picture: a whole group, and findings by name.
   * @type {Map<string, {on: boolean, but: Set<string>}>}
   */
  #choices = new Map();
  #least = 0;
  /** Whether there is something to sift; where there is not, nothing is hidden. */
  #sifted = false;
  #output = h('output', { for: 'findings-least' });
  #range = h('input', { id: 'findings-least', type: 'range', min: 0, max: 99, step: 1, value: 0 });
  #slider = h('section', { class: 'card' }, h('div', { class: 'filter' }, h('label', { for: 'findings-least' }, 'Confidence from'), this.#range, this.#output));

  /**
   * @param {object} on
   * @param {(marks: import('./picture.js').Mark[]) => void} on.marks
   * @param {(index: number | null) => void} on.light
   * @param {() => void} on.reveal
   * @param {(least: number) => void} on.least the person moved the slider; 0 where it lets everything through
   */
  constructor(on) {
    this.#on = on;
    this.#range.addEventListener('input', () => {
      const value = this.#range.valueAsNumber;
      on.least(value > Number(this.#range.min) ? value : 0);
    });
  }

  clear() {
    this.#groups = [];
    this.element.replaceChildren();
  }

  /**
   * @param {import('./api-types.js').ResultDocument} document
   * @param {number} least percent
   */
  show(document, least) {
    let index = 0;
    this.#groups = groupsOf(document).map((group) => {
      const rows = group.items.map((finding) => this.#row(group, finding, index++));
      const boxed = rows.some(({ box }) => box);
      const all = boxed ? h('input', { type: 'checkbox', role: 'switch', 'aria-label': `Boxes of ${group.title.toLowerCase()}` }) : null;
      all?.addEventListener('change', () => {
        this.#choices.set(group.id, { on: all.checked, but: new Set() });
        for (const { box } of rows) if (box) box.checked = all.checked;
        this.#draw();
      });
      return { group, rows, all, none: h('p', { class: 'quiet', hidden: true }, 'Nothing here is that certain.') };
    });

    const confidences = this.#groups.flatMap(({ group }) => group.items.flatMap(({ confidence }) => confidence ?? []));
    this.#sifted = confidences.length >= SIFTED_FROM;
    this.#range.min = String(Math.max(0, Math.min(FILTER_FLOOR, Math.floor(Math.min(...confidences) / 10) * 10)));
    this.element.replaceChildren(
      ...(document.status === 'succeeded' ? [] : [trouble(document)]),
      ...(this.#groups.length === 0 && document.status !== 'failed' ? [nothing()] : []),
      ...(this.#sifted ? [this.#slider] : []),
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

  /** Whether anything that was found has a place in the picture. */
  get hasPlaces() {
    return this.#groups.some(({ all }) => all);
  }

  /** @param {number} least percent */
  set least(least) {
    this.#least = least;
    this.#range.value = String(least);
    const any = least <= Number(this.#range.min);
    this.#range.setAttribute('aria-valuetext', any ? 'any' : `${least} percent`);
    this.#output.textContent = any ? 'any' : percent(least);
    this.#draw();
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
    return !this.#sifted || confidence === null || confidence >= this.#least;
  }

  /**
   * @param {Group} group
   * @param {Finding} finding
   * @param {number} index
   * @returns {Row}
   */
  #row(group, finding, index) {
    const { name, confidence, hue } = finding;
    const body = [
      h('span', { class: 'label-name' }, hue !== null && h('span', { class: `dot hue-${hue}` }), h('span', {}, name)),
      h('span', { class: 'label-confidence' }, confidence === null ? '' : percent(confidence, 1)),
      confidence !== null && bar(confidence, hue),
      finding.facts.length > 0 && h('span', { class: 'label-facts' }, finding.facts.map(fact)),
      places(finding),
    ];
    if (finding.places.length === 0) return { finding, index, item: h('li', { class: 'label' }, h('div', { class: 'label-body' }, body)), box: null };

    const box = h('input', { type: 'checkbox', class: 'label-box' });
    const item = h('li', { class: 'label' }, h('label', { class: 'label-body', title: 'Show its boxes' }, box, body));
    const { on = true, but } = this.#choices.get(group.id) ?? {};
    box.checked = but?.has(name) ? !on : on;
    box.addEventListener('change', () => {
      this.#choose(group, name, box.checked);
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
    return { finding, index, item, box };
  }

  /**
   * @param {Group} group
   * @param {string} name
   * @param {boolean} on
   */
  #choose({ id }, name, on) {
    const choice = this.#choices.get(id) ?? { on: true, but: new Set() };
    if (on === choice.on) choice.but.delete(name);
    else choice.but.add(name);
    this.#choices.set(id, choice);
  }
}

/**
 * @param {number} confidence
 * @param {number | null} hue
 */
function bar(confidence, hue) {
  const fill = h('span', { class: hue === null ? 'bar-fill' : `bar-fill hue-${hue}` });
  fill.style.inlineSize = percent(Math.min(100, Math.max(0, confidence)), 2);
  return h('span', { class: 'bar', 'aria-hidden': 'true' }, fill);
}

/** @param {Finding['facts'][number]} fact */
function fact({ name, values }) {
  return h('span', { class: 'fact' }, h('span', { class: 'fact-name' }, `${name} `), h('span', {}, values.join(', ')), h('span', { class: 'visually-hidden' }, '. '));
}

/**
 * The places, where there is more to say of them than that the finding is somewhere.
 * @param {Finding} finding
 */
function places({ places: all, confidence }) {
  const told = all.length > 1 || all.some((place) => place.colours.length > 0 || place.confidence !== confidence);
  return (
    told &&
    h(
      'span',
      { class: 'label-places' },
      h('span', { class: 'fact-name' }, count(all.length, 'place')),
      all.slice(0, PLACES).map((place) => h('span', { class: 'place' }, percent(place.confidence), place.colours.slice(0, COLOURS).map(swatch))),
      all.length > PLACES && h('span', { class: 'place' }, `+ ${all.length - PLACES}`),
    )
  );
}

function nothing() {
  return h('section', { class: 'card calm' }, h('h3', {}, 'Nothing found'), h('p', {}, 'Nothing in this picture was recognised with enough confidence.'));
}

/** @param {import('./api-types.js').ResultDocument} document */
function trouble(document) {
  const { title, reasons } = shortcomings(document);
  return h(
    'section',
    { class: document.status === 'failed' ? 'card problem' : 'card problem mild' },
    h('h3', {}, icon('alert'), title),
    h('ul', {}, reasons.map(({ analysis, text }) => h('li', {}, analysis && h('strong', {}, `${analysis}: `), text))),
  );
}
