// @ts-check
/**
 * The findings of a picture, or why there are none: one list per group, with a checkbox for each finding's boxes and a
 * slider for the minimum confidence.
 */

import { infoCard, problemCard } from './cards.js';
import { colourSwatch } from './colours.js';
import { h } from './dom.js';
import { groupsOf } from './findings.js';
import { confidenceText, count, percent } from './format.js';
import { icon } from './icons.js';
import { failureReasons } from './result-summary.js';

/** The slider's lowest value, unless a finding has less: Rekognition returns labels from a confidence of 55. */
const SLIDER_MIN = 50;
/** With fewer findings there is no slider. */
const SLIDER_FROM = 3;
/** How many boxes of a finding are listed until the person asks for all, and how many colours of each. */
const MAX_INSTANCES = 8;
const MAX_COLOURS = 5;

/** Labels have two confidences. */
const CONFIDENCE_NOTE = 'A percentage beside a name says how sure the recogniser is that it is in the picture. Beside a box, it says how sure it is of that box.';

/**
 * @typedef {import('./findings.js').Finding} Finding
 * @typedef {import('./findings.js').Group} Group
 * @typedef {import('./picture.js').Target} Target
 *
 * @typedef {object} Row
 * @property {Finding} finding
 * @property {number} index among all findings
 * @property {HTMLElement} item
 * @property {HTMLInputElement | null} checkbox null without boxes in the picture
 * @property {HTMLButtonElement[]} instances buttons, one for each listed box
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
  /** @type {Target | null} what the pointer or the focus is on */
  #pointed = null;
  /** @type {Target | null} what was clicked or tapped; it stays highlighted */
  #pinned = null;
  /** Without the slider no finding is hidden. */
  #hasSlider = false;
  #output = h('output', { for: 'findings-min-confidence' });
  #range = h('input', { id: 'findings-min-confidence', type: 'range', min: 0, max: 99, step: 1, value: 0 });
  #filter = h('div', { class: 'filter' }, h('label', { for: 'findings-min-confidence' }, 'Minimum confidence'), this.#range, this.#output);

  /**
   * @param {object} on
   * @param {(marks: import('./picture.js').Mark[]) => void} on.marks the boxes to draw
   * @param {(target: Target | null) => void} on.highlight the boxes to highlight
   * @param {(target: Target) => void} on.reveal boxes were chosen in the list: they should be on the screen
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
    this.#pinned = this.#pointed = null;
    this.element.replaceChildren();
  }

  /**
   * @param {import('./api-types.js').ResultDocument} document
   * @param {number} minConfidence percent
   */
  show(document, minConfidence) {
    let index = 0;
    this.#pinned = this.#pointed = null;
    this.#groups = groupsOf(document).map((group) => this.#groupView(group, group.findings.map((finding) => this.#row(group, finding, index++))));

    const confidences = this.#groups.flatMap(({ group }) => group.findings.flatMap(({ confidence }) => confidence ?? []));
    this.#hasSlider = confidences.length >= SLIDER_FROM;
    this.#range.min = String(Math.max(0, Math.min(SLIDER_MIN, Math.floor(Math.min(...confidences) / 10) * 10)));
    this.element.replaceChildren(
      ...(document.status === 'succeeded' ? [] : [failureCard(document)]),
      ...(this.#groups.length === 0 && document.status !== 'failed' ? [infoCard('No results', h('p', {}, 'Nothing in this picture was recognised with enough confidence.'))] : []),
      ...this.#aboutConfidence(),
      ...this.#groups.map(groupCard),
    );
    this.minConfidence = minConfidence;
  }

  /** The slider, and what the percentages mean where there are two kinds. */
  #aboutConfidence() {
    const isListed = this.#groups.some(({ rows }) => rows.some(({ instances }) => instances.length > 0));
    if (!this.#hasSlider && !isListed) return [];
    return [h('section', { class: 'card' }, this.#hasSlider && this.#filter, isListed && h('p', { class: 'muted confidence-note' }, CONFIDENCE_NOTE))];
  }

  /** @param {number} minConfidence percent */
  set minConfidence(minConfidence) {
    this.#minConfidence = minConfidence;
    this.#range.value = String(minConfidence);
    const any = minConfidence <= Number(this.#range.min);
    this.#range.setAttribute('aria-valuetext', any ? 'any' : `${minConfidence} percent`);
    this.#output.textContent = any ? 'any' : confidenceText(minConfidence);
    this.#update();
  }

  /**
   * The pointer is over boxes in the picture or over a row of the list, or they were clicked. What was clicked stays highlighted
   * until it is clicked again, or something else is.
   * @param {Target | null} target
   */
  highlight(target) {
    if (target?.clicked) {
      this.#pinned = target.finding === null || isSame(target, this.#pinned) ? null : target;
      this.#pointed = null;
    } else this.#pointed = target?.finding == null ? null : target;
    this.#light();
  }

  #light() {
    const target = this.#pointed ?? this.#pinned;
    this.#on.highlight(target);
    for (const { rows } of this.#groups) {
      for (const { item, index, instances } of rows) {
        item.classList.toggle('highlighted', index === target?.finding);
        instances.forEach((each, at) => {
          each.classList.toggle('highlighted', index === target?.finding && (target.instance === null || target.instance === at));
          each.setAttribute('aria-pressed', String(isSame(this.#pinned, { finding: index, instance: at })));
        });
      }
    }
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
          checkbox?.checked && hue !== null && this.#isShown(finding)
            ? instances.map(({ box, outline, confidence }, instance) => ({ box, outline, confidence, name, hue, finding: index, instance }))
            : [],
        ),
      ),
    );
    const pinned = this.#groups.flatMap(({ rows }) => rows).find(({ index }) => index === this.#pinned?.finding);
    if (!pinned?.checkbox?.checked || !this.#isShown(pinned.finding)) this.#pinned = null;
    this.#pointed = null;
    this.#light();
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
      h('span', { class: 'label-confidence' }, confidence === null ? '' : confidenceText(confidence)),
      confidence !== null && confidenceBar(confidence, hue),
      finding.facts.length > 0 && h('span', { class: 'label-facts' }, finding.facts.map(factView)),
    ];
    if (finding.instances.length === 0) return { finding, index, item: h('li', { class: 'label' }, h('div', { class: 'label-body' }, body)), checkbox: null, instances: [] };

    const checkbox = h('input', { type: 'checkbox', class: 'label-checkbox' });
    const instances = isWorthListing(finding) ? finding.instances.map((each, at) => this.#instanceButton(each, { finding: index, instance: at }, checkbox)) : [];
    const item = h('li', { class: 'label' }, h('label', { class: 'label-body', title: 'Show boxes' }, checkbox, body), instanceList(finding.name, instances));
    checkbox.checked = this.#choices.isOn(group.id, name);
    const target = { finding: index, instance: null };
    const highlight = () => this.highlight(checkbox.checked ? target : null);
    const removeHighlight = () => this.highlight(null);
    checkbox.addEventListener('change', () => {
      this.#choices.set(group.id, name, checkbox.checked);
      this.#update();
      // Boxes that were just switched on are highlighted, to tell them from the others.
      highlight();
      if (checkbox.checked) this.#on.reveal(target);
    });
    item.addEventListener('pointerenter', highlight);
    item.addEventListener('pointerleave', removeHighlight);
    checkbox.addEventListener('focus', () => checkbox.matches(':focus-visible') && highlight());
    checkbox.addEventListener('blur', removeHighlight);
    return { finding, index, item, checkbox, instances };
  }

  /**
   * @param {Finding['instances'][number]} instance
   * @param {{finding: number, instance: number}} target
   * @param {HTMLInputElement} checkbox of the finding
   */
  #instanceButton({ confidence, colours }, target, checkbox) {
    const button = h(
      'button',
      {
        type: 'button',
        class: 'instance',
        'aria-pressed': 'false',
        title: 'Highlight this box',
        onclick: () => {
          // A box that is switched off cannot be highlighted.
          if (!checkbox.checked) checkbox.click();
          this.highlight({ ...target, clicked: true });
          this.#on.reveal(target);
        },
      },
      h('span', { class: 'visually-hidden' }, 'Box '),
      h('span', { class: 'fact-name' }, target.instance + 1),
      ' ',
      confidenceText(confidence),
      colours.slice(0, MAX_COLOURS).map(colourSwatch),
    );
    button.addEventListener('pointerenter', (event) => {
      if (event.pointerType === 'mouse' && checkbox.checked) this.highlight(target);
    });
    // The pointer is still over the finding's row, whose own listener follows if it left that too.
    button.addEventListener('pointerleave', () => this.highlight(checkbox.checked ? { ...target, instance: null } : null));
    button.addEventListener('focus', () => button.matches(':focus-visible') && checkbox.checked && this.highlight(target));
    button.addEventListener('blur', () => this.highlight(null));
    return button;
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
 * Whether a list of the boxes says more than the finding itself.
 * @param {Finding} finding
 */
function isWorthListing({ instances, confidence }) {
  return instances.length > 1 || instances.some((instance) => instance.colours.length > 0 || instance.confidence !== confidence);
}

/**
 * @param {string} name
 * @param {HTMLButtonElement[]} buttons
 */
function instanceList(name, buttons) {
  if (buttons.length === 0) return null;
  const hidden = buttons.slice(MAX_INSTANCES);
  for (const each of hidden) each.hidden = true;
  const more = h('button', { type: 'button', class: 'instance' }, `+ ${hidden.length}`, h('span', { class: 'visually-hidden' }, ' more boxes'));
  more.addEventListener('click', () => {
    for (const each of hidden) each.hidden = false;
    hidden[0]?.focus();
    more.remove();
  });
  const number = h('span', { class: 'fact-name', 'aria-hidden': 'true' }, count(buttons.length, 'box', 'boxes'));
  return h('div', { class: 'label-instances', role: 'group', 'aria-label': `Boxes of ${name}` }, number, buttons, hidden.length > 0 && more);
}

/**
 * @param {Target | null} a
 * @param {Target | null} b
 */
function isSame(a, b) {
  return a !== null && a.finding === b?.finding && a.instance === b.instance;
}

/** @param {import('./api-types.js').ResultDocument} document */
function failureCard(document) {
  const { title, reasons } = failureReasons(document);
  return problemCard(
    { title, warning: document.status !== 'failed' },
    h('ul', {}, reasons.map(({ analysis, text }) => h('li', {}, analysis && h('strong', {}, `${analysis}: `), text))),
  );
}
