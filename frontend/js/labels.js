// @ts-check
/** The list of labels: name, confidence as a bar, where they belong, and where on the picture they are. */

import { h } from './dom.js';
import { swatch } from './colours.js';
import { count, percent } from './format.js';

/**
 * @param {readonly import('./answer.js').LabelView[]} labels
 * @param {object} on
 * @param {(label: number | null) => void} on.hover pointer or focus is on a label that has boxes, or left it
 * @param {(label: number | null) => void} on.pin the person keeps a label lit, or no longer
 * @returns {{element: HTMLElement, mark: (label: number | null) => void, filter: (least: number) => void}}
 */
export function labelList(labels, on) {
  /** @type {number | null} */
  let pinned = null;
  const rows = labels.map((label, index) => row(label, index));
  const none = h('p', { class: 'quiet', hidden: true }, 'No label is that certain.');
  const element = h('div', { class: 'labels' }, h('ul', {}, rows.map(({ item }) => item)), none);

  /**
   * @param {import('./answer.js').LabelView} label
   * @param {number} index
   */
  function row(label, index) {
    const body = [
      h('span', { class: 'label-name' }, label.hue !== null && h('span', { class: `dot hue-${label.hue}` }), label.name),
      h('span', { class: 'label-confidence' }, percent(label.confidence, 1)),
      bar(label.confidence, label.hue),
      facts(label),
    ];
    if (label.places.length === 0) return { item: h('li', { class: 'label' }, h('div', { class: 'label-body' }, body)), button: null };
    const button = h(
      'button',
      {
        type: 'button',
        class: 'label-body',
        'aria-pressed': 'false',
        title: 'Show where',
        onpointerenter: () => on.hover(index),
        onpointerleave: () => on.hover(null),
        onfocus: () => on.hover(index),
        onblur: () => on.hover(null),
        onclick: () => {
          pinned = pinned === index ? null : index;
          rows.forEach((each, other) => each.button?.setAttribute('aria-pressed', String(other === pinned)));
          on.pin(pinned);
        },
      },
      body,
      places(label),
    );
    return { item: h('li', { class: 'label' }, button), button };
  }

  return {
    element,
    mark(label) {
      rows.forEach(({ item }, index) => item.classList.toggle('on', index === label));
    },
    filter(least) {
      labels.forEach(({ confidence }, index) => {
        const item = rows[index]?.item;
        if (item) item.hidden = confidence < least;
      });
      none.hidden = labels.some(({ confidence }) => confidence >= least);
    },
  };
}

/**
 * @param {number} confidence
 * @param {number | null} hue
 */
export function bar(confidence, hue) {
  const fill = h('span', { class: hue === null ? 'bar-fill' : `bar-fill hue-${hue}` });
  fill.style.inlineSize = percent(Math.min(100, Math.max(0, confidence)), 2);
  return h('span', { class: 'bar', 'aria-hidden': 'true' }, fill);
}

/** @param {import('./answer.js').LabelView} label */
function facts({ parents, categories, aliases }) {
  const parts = [
    parents.length > 0 && fact('Part of', parents),
    categories.length > 0 && fact('Category', categories),
    aliases.length > 0 && fact('Also called', aliases),
  ].filter((part) => part !== false);
  return parts.length > 0 && h('span', { class: 'label-facts' }, parts);
}

/**
 * @param {string} name
 * @param {readonly string[]} values
 */
export function fact(name, values) {
  return h('span', { class: 'fact' }, h('span', { class: 'fact-name' }, `${name} `), h('span', {}, values.join(', ')), h('span', { class: 'visually-hidden' }, '. '));
}

/** @param {import('./answer.js').LabelView} label */
function places({ places: all }) {
  return h(
    'span',
    { class: 'label-places' },
    h('span', { class: 'fact-name' }, count(all.length, 'place')),
    all.slice(0, 4).map((place) => h('span', { class: 'place' }, percent(place.confidence), place.colours.slice(0, 5).map(swatch))),
    all.length > 4 && h('span', { class: 'place' }, `+ ${all.length - 4}`),
  );
}
