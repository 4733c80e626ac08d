// @ts-check
/** Which labels are ancestors of others, such as Animal of Dog, as far as the pictures on the page tell. */

/** A row has at most this many labels. What is missing in a longer list says nothing. */
const MAX_LABELS = 20;

/** @typedef {import('../shared/api-types.js').ImageRow} ImageRow */

export class Ancestry {
  /** What may be above a label: the ancestors in all pictures where the label tells the most. @type {Map<string, Set<string>>} */
  #above = new Map();
  /** From result documents, which name the parents of a label. @type {Map<string, Set<string>>} */
  #parents = new Map();
  /** @type {Set<string>} */
  #ancestors = new Set();
  /** Labels that are no ancestor in some picture. @type {Set<string>} */
  #telling = new Set();
  /** @type {WeakSet<object>} */
  #known = new WeakSet();

  /**
   * @param {readonly Pick<ImageRow, 'labels'>[]} rows
   * @returns {boolean} whether any of them is new
   */
  learn(rows) {
    const fresh = rows.filter((row) => !this.#known.has(row));
    for (const row of fresh) {
      this.#known.add(row);
      this.#learnRow(row.labels);
    }
    return fresh.length > 0;
  }

  /** @param {import('../shared/api-types.js').ResultDocument} document */
  learnDocument({ rekognition }) {
    for (const { Name = '', Parents = [] } of rekognition?.detectLabels?.Labels ?? []) {
      this.#parents.set(Name, new Set(Parents.flatMap((parent) => parent.Name ?? [])));
    }
  }

  /** Labels that are ancestors in every picture that has them. */
  get pureAncestors() {
    return new Set([...this.#ancestors].filter((name) => !this.#telling.has(name)));
  }

  /**
   * @param {string} name
   * @param {string} other
   */
  isAbove(name, other) {
    return name !== other && (this.#parents.get(other) ?? this.#above.get(other))?.has(name) === true;
  }

  /**
   * The most frequent labels that say the most: none is an ancestor of another one, or an ancestor alone.
   * @template {{name: string}} T
   * @param {readonly T[]} labels most frequent first
   * @param {number} max
   * @param {(name: string) => boolean} [stays] whether a label is shown in any case
   * @returns {T[]}
   */
  mostTelling(labels, max, stays = () => false) {
    const pure = this.pureAncestors;
    const telling = labels.filter(({ name }) => !pure.has(name) || stays(name));
    let left = telling.length > 0 ? telling : labels;
    for (;;) {
      const shown = left.slice(0, max);
      const above = new Set(shown.filter(({ name }) => !stays(name) && shown.some((other) => this.isAbove(name, other.name))));
      if (above.size === 0) return shown;
      left = left.filter((label) => !above.has(label));
    }
  }

  /** @param {ImageRow['labels']} labels */
  #learnRow(labels) {
    const { telling, ancestors } = splitLabels(labels);
    for (const { name } of ancestors) this.#ancestors.add(name);
    for (const { name, confidence } of telling) {
      this.#telling.add(name);
      const above = new Set(ancestors.filter((ancestor) => ancestor.confidence >= confidence).map((ancestor) => ancestor.name));
      const before = this.#above.get(name);
      if (!before) this.#above.set(name, above);
      else if (labels.length < MAX_LABELS) for (const each of [...before]) if (!above.has(each)) before.delete(each);
    }
  }
}

/**
 * The labels that tell the most, and the ancestors of others. A row lists ancestors last. They are at least as confident as the
 * labels below them, so they begin where the confidence does not fall.
 * @param {ImageRow['labels']} labels
 */
export function splitLabels(labels) {
  const at = labels.findIndex(({ confidence }, index) => index > 0 && confidence >= (labels[index - 1]?.confidence ?? 0));
  return at > 0 ? { telling: labels.slice(0, at), ancestors: labels.slice(at) } : { telling: labels, ancestors: [] };
}
