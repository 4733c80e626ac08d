// @ts-check
/**
 * The progress of all pictures that are uploaded together, and the time that they still need. Sizes differ a lot, so
 * progress is counted in bytes, with an allowance for each picture's requests and analysis.
 */

/** What a picture's requests and analysis count for, in bytes. */
const ALLOWANCE = 256 * 1024;

/** Before this time, or before this part is done, an estimate would be a guess. */
const MIN_ELAPSED_MS = 3000;
const MIN_FRACTION = 0.03;

/** The speed is measured over this time, so that it follows a change of the network. */
const WINDOW_MS = 10_000;
const SAMPLE_MS = 500;

/** How much a new estimate moves the shown one. */
const SMOOTHING = 0.3;

/**
 * @typedef {Pick<import('./task.js').Task, 'active' | 'state' | 'sent' | 'stored' | 'outgoing'>} Member
 *
 * @typedef {object} Progress
 * @property {number} fraction done, 0..1
 * @property {number | null} leftMs null as long as nobody can tell
 */

export class Batch {
  #clock;
  /** The pictures of the batch, and what each counts for. @type {Map<Member, number>} */
  #members = new Map();
  /** @type {{at: number, done: number}[]} the oldest first */
  #samples = [];
  #startedAt = 0;
  /** The estimate, and when it was made. @type {{leftMs: number, at: number} | null} */
  #estimate = null;

  /** @param {() => number} [clock] milliseconds, for tests */
  constructor(clock = () => performance.now()) {
    this.#clock = clock;
  }

  /**
   * A batch begins with the first running picture and ends when none is left. Pictures that are added meanwhile belong to it.
   * @param {readonly Member[]} tasks all pictures of the page
   * @returns {Progress | null} null when nothing is running
   */
  update(tasks) {
    const now = this.#clock();
    if (!tasks.some(({ active }) => active)) {
      this.#members.clear();
      return null;
    }
    if (this.#members.size === 0) {
      this.#startedAt = now;
      this.#samples = [];
      this.#estimate = null;
    }
    const listed = new Set(tasks);
    for (const member of this.#members.keys()) if (!listed.has(member)) this.#members.delete(member);
    for (const task of tasks) {
      // The result of a stored picture is only read.
      if (task.active && !this.#members.has(task)) this.#members.set(task, ALLOWANCE + (task.stored ? 0 : task.outgoing.size));
    }
    let done = 0;
    let total = 0;
    for (const [task, weight] of this.#members) {
      if (task.state === 'cancelled') continue;
      total += weight;
      if (!task.active) done += weight;
      else if (task.stored) done += weight - ALLOWANCE;
      else if (task.state === 'uploading') done += Math.min(task.sent, weight - ALLOWANCE);
    }
    const fraction = total > 0 ? done / total : 0;
    return { fraction, leftMs: this.#leftMs(now, done, total) };
  }

  /**
   * @param {number} now
   * @param {number} done
   * @param {number} total
   */
  #leftMs(now, done, total) {
    const last = this.#samples.at(-1);
    if (!last || now - last.at >= SAMPLE_MS) {
      this.#samples.push({ at: now, done });
      while (this.#samples.length > 2 && now - (this.#samples[1]?.at ?? now) >= WINDOW_MS) this.#samples.shift();
    }
    const first = this.#samples[0] ?? { at: now, done };
    const speed = (done - first.done) / (now - first.at);
    if (now - this.#startedAt < MIN_ELAPSED_MS || done < total * MIN_FRACTION || !(speed > 0)) {
      this.#estimate = null;
      return null;
    }
    const measured = (total - done) / speed;
    if (this.#estimate === null) this.#estimate = { leftMs: measured, at: now };
    else if (now - this.#estimate.at >= SAMPLE_MS) {
      const expected = Math.max(0, this.#estimate.leftMs - (now - this.#estimate.at));
      this.#estimate = { leftMs: expected + SMOOTHING * (measured - expected), at: now };
    }
    return Math.max(0, this.#estimate.leftMs - (now - this.#estimate.at));
  }
}

/**
 * The time left in words, no more exact than an estimate can be.
 * @param {number} ms
 */
export function timeLeft(ms) {
  const seconds = ms / 1000;
  if (seconds < 10) return 'a few seconds left';
  if (seconds < 55) return `about ${Math.ceil(seconds / 10) * 10}\u00a0s left`;
  const minutes = Math.max(1, Math.round(seconds / 60));
  if (minutes < 60) return `about ${minutes}\u00a0min left`;
  const tens = Math.round(minutes / 10) * 10;
  const rest = tens % 60;
  return `about ${Math.floor(tens / 60)}\u00a0h${rest > 0 ? ` ${rest}\u00a0min` : ''} left`;
}
