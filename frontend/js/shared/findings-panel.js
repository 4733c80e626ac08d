// @ts-check
/**
 * The findings of a picture, or why there are none: one list per group, with a checkbox for each finding's boxes and a
 * slider for the minimum confidence.
 */

import { infoCard, problemCard } from './cards.js';
import { colourSwatch } from './colours.js';
import { h } from './dom.js';
import { groupsOf } from './findings.js';
import { count, percent } from './format.js';
import { icon } from './icons.js';
import { failureReasons } from './result-summary.js';

/** The slider's lowest value, unless a finding has less: Rekognition returns labels from a confidence of 55. */
const SLIDER_MIN = 50;
/** With fewer findings there is no slider. */
const SLIDER_FROM = 3;
/** How many instances of a finding are listed, and how many colours of each. */
const MAX_INSTANCES = 4;
const MAX_COLOURS = 5;

/**
 * @typedef {import('./findings.js').Finding} Finding
 * @typedef {import('./findings.js').Group} Group
 *
 * @typedef {object} Row
 * @property {Finding} finding
 * @property {number} index among all findings
 * @property {HTMLElement} item
 * @property {HTMLInputElement | null} checkbox null without boxes in the picture
 *
 * @typedef {object} GroupView
 * @property {Group} group
 * @property {Row[]} rows
 * @property {HTMLInputElement | null} allSwitch shows or hides the boxes of the whole group
 * @property {HTMLElement} empty the message when the slider hides every row
 */

export class FindingsPanel {
  element = h('div', { class: 'findings' });

  #on;
  /** @type {GroupView[]} */
  #groups = [];
  #choices = new BoxChoices();
  #minConfidence = 0;
  /** Without the slider no finding is hidden. */
  #hasSlider = false;
  #output = h('output', { for: 'findings-min-confidence' });
  #range = h('input', { id: 'findings-min-confidence', type: 'range', min: 0, max: 99, step: 1, value: 0 });
  #sliderCard = h('section', { class: 'card' }, h('div', { class: 'filter' }, h('label', { for: 'findings-min-confidence' }, 'Minimum confidence'), this.#range, this.#output));

  /**
   * @param {object} on
   * @param {(marks: import('./picture.js').Mark[]) => void} on.marks the boxes to draw
   * @param {(index: number | null) => void} on.highlight the finding whose boxes to highlight
   * @param {() => void} on.reveal boxes were switched on: the picture should be on the screen
   * @param {(minConfidence: number) => void} on.minConfidence the slider moved; 0 at its lowest value
   */
  constructor(on) {
    this.#on = on;
    this.#range.addEventListener('input', () => {
      const value = this.#range.valueAsNumber;
      on.minConfidence(value > Number(this.#range.min) ? value : 0);
    });
  }

  clear() {
    this.#groups = [];
    this.element.replaceChildren();
  }

  /**
   * @param {import('./api-types.js').ResultDocument} document
   * @param {number} minConfidence percent
   */
  show(document, minConfidence) {
    let index = 0;
    this.#groups = groupsOf(document).map((group) => this.#groupView(group, group.findings.map((finding) => this.#row(group, finding, index++))));

    const confidences = this.#groups.flatMap(({ group }) => group.findings.flatMap(({ confidence }) => confidence ?? []));
    this.#hasSlider = confidences.length >= SLIDER_FROM;
    this.#range.min = String(Math.max(0, Math.min(SLIDER_MIN, Math.floor(Math.min(...confidences) / 10) * 10)));
    this.element.replaceChildren(
      ...(document.status === 'succeeded' ? [] : [failureCard(document)]),
      ...(this.#groups.length === 0 && document.status !== 'failed' ? [infoCard('No results', h('p', {}, 'Nothing in this picture was recognised with enough confidence.'))] : []),
      ...(this.#hasSlider ? [this.#sliderCard] : []),
      ...this.#groups.map(groupCard),
    );
    this.minConfidence = minConfidence;
  }

  /** Whether any finding has boxes in the picture. */
  get hasBoxes() {
    return this.#groups.some(({ allSwitch }) => allSwitch);
  }

  /** @param {number} minConfidence percent */
  set minConfidence(minConfidence) {
    this.#minConfidence = minConfidence;
    this.#range.value = String(minConfidence);
    const any = minConfidence <= Number(this.#range.min);
    this.#range.setAttribute('aria-valuetext', any ? 'any' : `${minConfidence} percent`);
    this.#output.textContent = any ? 'any' : percent(minConfidence);
    this.#update();
  }

  /** @param {number | null} index the finding whose boxes to highlight */
  highlight(index) {
    this.#on.highlight(index);
    for (const { rows } of this.#groups) for (const row of rows) row.item.classList.toggle('highlighted', row.index === index);
  }

  /** Applies the slider and the switches to the lists and the picture. */
  #update() {
    for (const { rows, allSwitch, empty } of this.#groups) {
      for (const { item, finding } of rows) item.hidden = !this.#isShown(finding);
      empty.hidden = rows.some(({ item }) => !item.hidden);
      if (!allSwitch) continue;
      const checkboxes = rows.flatMap(({ checkbox }) => checkbox ?? []);
      const checked = checkboxes.filter((checkbox) => checkbox.checked).length;
      allSwitch.checked = checked > 0;
      allSwitch.indeterminate = checked > 0 && checked < checkboxes.length;
    }
    this.#on.marks(
      this.#groups.flatMap(({ rows }) =>
        rows.flatMap(({ finding: { name, hue, instances }, finding, index, checkbox }) =>
          checkbox?.checked && hue !== null && this.#isShown(finding) ? instances.map(({ box, outline, confidence }) => ({ box, outline, confidence, name, hue, finding: index })) : [],
        ),
      ),
    );
    this.highlight(null);
  }

  /** @param {Finding} finding */
  #isShown({ confidence }) {
    return !this.#hasSlider || confidence === null || confidence >= this.#minConfidence;
  }

  /**
   * @param {Group} group
   * @param {Row[]} rows
   * @returns {GroupView}
   */
  #groupView(group, rows) {
    const hasBoxes = rows.some(({ checkbox }) => checkbox);
    const allSwitch = hasBoxes ? h('input', { type: 'checkbox', role: 'switch', 'aria-label': `Boxes for ${group.title.toLowerCase()}` }) : null;
    allSwitch?.addEventListener('change', () => {
      this.#choices.setGroup(group.id, allSwitch.checked);
      for (const { checkbox } of rows) if (checkbox) checkbox.checked = allSwitch.checked;
      this.#update();
    });
    return { group, rows, allSwitch, empty: h('p', { class: 'muted', hidden: true }, 'No results at this confidence.') };
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
      confidence !== null && confidenceBar(confidence, hue),
      finding.facts.length > 0 && h('span', { class: 'label-facts' }, finding.facts.map(factView)),
      instancesView(finding),
    ];
    if (finding.instances.length === 0) return { finding, index, item: h('li', { class: 'label' }, h('div', { class: 'label-body' }, body)), checkbox: null };

    const checkbox = h('input', { type: 'checkbox', class: 'label-checkbox' });
    const item = h('li', { class: 'label' }, h('label', { class: 'label-body', title: 'Show boxes' }, checkbox, body));
    checkbox.checked = this.#choices.isOn(group.id, name);
    const highlight = () => this.highlight(checkbox.checked ? index : null);
    const removeHighlight = () => this.highlight(null);
    checkbox.addEventListener('change', () => {
      this.#choices.set(group.id, name, checkbox.checked);
      this.#update();
      // Boxes that were just switched on are highlighted, to tell them from the others.
      highlight();
      if (checkbox.checked) this.#on.reveal();
    });
    item.addEventListener('pointerenter', highlight);
    item.addEventListener('pointerleave', removeHighlight);
    checkbox.addEventListener('focus', () => checkbox.matches(':focus-visible') && highlight());
    checkbox.addEventListener('blur', removeHighlight);
    return { finding, index, item, checkbox };
  }
}

/** Which boxes the person switched on or off. The choice also applies to the next picture: by group and by name. */
class BoxChoices {
  /** @type {Map<string, {on: boolean, except: Set<string>}>} */
  #groups = new Map();

  /**
   * @param {string} group
   * @param {string} name
   */
  isOn(group, name) {
    const { on = true, except } = this.#groups.get(group) ?? {};
    return except?.has(name) ? !on : on;
  }

  /**
   * @param {string} group
   * @param {boolean} on
   */
  setGroup(group, on) {
    this.#groups.set(group, { on, except: new Set() });
  }

  /**
   * @param {string} group
   * @param {string} name
   * @param {boolean} on
   */
  set(group, name, on) {
    const choice = this.#groups.get(group) ?? { on: true, except: new Set() };
    if (on === choice.on) choice.except.delete(name);
    else choice.except.add(name);
    this.#groups.set(group, choice);
  }
}

/** @param {GroupView} view */
function groupCard({ group, rows, allSwitch, empty }) {
  return h(
    'section',
    { class: group.warning ? 'card problem warning' : 'card', 'aria-labelledby': `group-${group.id}` },
    h(
      'div',
      { class: 'card-head' },
      h('h3', { id: `group-${group.id}` }, group.title, ' ', h('span', { class: 'muted' }, group.findings.length), group.warning && icon('alert')),
      allSwitch && h('label', { class: 'switch' }, h('span', {}, 'Boxes'), allSwitch),
    ),
    group.warning && h('p', {}, group.warning),
    h('div', { class: 'labels' }, h('ul', {}, rows.map(({ item }) => item)), empty),
  );
}

/**
 * @param {number} confidence
 * @param {number | null} hue
 */
function confidenceBar(confidence, hue) {
  const fill = h('span', { class: hue === null ? 'bar-fill' : `bar-fill hue-${hue}` });
  fill.style.inlineSize = percent(Math.min(100, Math.max(0, confidence)), 2);
  return h('span', { class: 'bar', 'aria-hidden': 'true' }, fill);
}

/** @param {Finding['facts'][number]} fact */
function factView({ name, values }) {
  return h('span', { class: 'fact' }, h('span', { class: 'fact-name' }, `${name} `), h('span', {}, values.join(', ')), h('span', { class: 'visually-hidden' }, '. '));
}

/**
 * Lists the instances if they say more than the finding itself.
 * @param {Finding} finding
 */
function instancesView({ instances, confidence }) {
  const worthListing = instances.length > 1 || instances.some((instance) => instance.colours.length > 0 || instance.confidence !== confidence);
  return (
    worthListing &&
    h(
      'span',
      { class: 'label-instances' },
      h('span', { class: 'fact-name' }, count(instances.length, 'box', 'boxes')),
      instances.slice(0, MAX_INSTANCES).map((instance) => h('span', { class: 'instance' }, percent(instance.confidence), instance.colours.slice(0, MAX_COLOURS).map(colourSwatch))),
      instances.length > MAX_INSTANCES && h('span', { class: 'instance' }, `+ ${instances.length - MAX_INSTANCES}`),
    )
  );
}

/** @param {import('./api-types.js').ResultDocument} document */
function failureCard(document) {
  const { title, reasons } = failureReasons(document);
  return problemCard(
    { title, warning: document.status !== 'failed' },
    h('ul', {}, reasons.map(({ analysis, text }) => h('li', {}, analysis && h('strong', {}, `${analysis}: `), text))),
  );
}
