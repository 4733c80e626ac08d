// @ts-check
/**
 * Runs jobs in order, at most a given number at once. A job whose signal is aborted while it waits never starts.
 */
export class Limiter {
  #free;
  /** @type {Set<() => void>} */
  #waiting = new Set();

  /** @param {number} limit jobs at once, at least 1 */
  constructor(limit) {
    this.#free = limit;
  }

  /**
   * @template T
   * @param {() => Promise<T>} job
   * @param {AbortSignal} [signal]
   * @returns {Promise<T>} settles as the job does, or rejects with the signal's reason
   */
  async run(job, signal) {
    await this.#enter(signal);
    try {
      return await job();
    } finally {
      this.#leave();
    }
  }

  /** @param {AbortSignal} [signal] */
  #enter(signal) {
    if (signal?.aborted) return Promise.reject(signal.reason);
    if (this.#free > 0) {
      this.#free -= 1;
      return Promise.resolve();
    }
    return new Promise((resolve, reject) => {
      const start = () => {
        signal?.removeEventListener('abort', giveUp);
        resolve(undefined);
      };
      const giveUp = () => {
        this.#waiting.delete(start);
        reject(signal?.reason);
      };
      this.#waiting.add(start);
      signal?.addEventListener('abort', giveUp, { once: true });
    });
  }

  #leave() {
    const [next] = this.#waiting;
    if (next) {
      this.#waiting.delete(next);
      next();
    } else {
      this.#free += 1;
    }
  }
}
