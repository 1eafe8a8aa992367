/** @import { Connection, End, Message, Place, Status, WatchOptions } from "./types.js" */
import { placeOf } from "./place.js";
import { Pool } from "./pool.js";

/**
 * Follow a task to its end.
 *
 * @param {string} taskId
 * @param {WatchOptions} [options]
 */
export function watch(taskId, options) {
  return new Watch(taskId, options);
}

/** What `for await` throws. Its `code` is an HTTP status. */
export class Refusal extends Error {
  /** @override */
  name = "Refusal";

  /** @param {number | undefined} code */
  constructor(code) {
    super(`The server refuses (${code}).`);
    this.code = code;
  }
}

/**
 * A task that is followed. Its events are `status` and `log` (the detail is the message; each
 * version once, in order), `connection` (Connection) and, once, `end` (End). Who listens at once
 * misses nothing. `for await` yields the messages; for a slow loop the newest PROGRESS stands for
 * those before it. Leaving the loop closes it all.
 */
export class Watch extends EventTarget {
  /** @type {Status | undefined} */
  status;
  /** @type {Connection | undefined} */
  connection;
  /** @type {End | undefined} */
  end;
  #isClosed = false;
  #leave = () => {};
  /** @type {(end: End) => void} */
  #finish = () => {};

  /**
   * @param {string} taskId
   * @param {WatchOptions} [options]
   */
  constructor(taskId, options = {}) {
    super();
    const place = placeOf(options);
    /** @type {Promise<End>} */
    const left = new Promise((resolve) => (this.#finish = resolve));
    /** Never rejected. */
    this.finished = left.then((end) => this.#over(end));
    queueMicrotask(() => this.#begin(place, taskId, options));
  }

  /** Stop. Only the `end` is told any more. */
  close() {
    this.#isClosed = true;
    this.#leave();
  }

  async *[Symbol.asyncIterator]() {
    /** @type {Message[]} */
    const queue = this.status ? [this.status] : [];
    let wake = () => {};
    /** @param {any} event */
    const listen = ({ type, detail }) => {
      const last = queue.at(-1);
      const isNewer = last?.type === "status" && last.state === "PROGRESS" && last.state === detail.state;
      if (type !== "end") queue.splice(isNewer ? -1 : queue.length, 1, detail);
      wake();
    };
    const types = ["status", "log", "end"];
    for (const type of types) this.addEventListener(type, listen);
    try {
      while (queue.length || !this.end) {
        yield* queue.splice(0);
        if (!queue.length && !this.end) await new Promise((resolve) => (wake = () => resolve(0)));
      }
    } finally {
      for (const type of types) this.removeEventListener(type, listen);
      this.close();
    }
    if (this.end.reason === "refused") throw new Refusal(this.end.code);
  }

  /**
   * @param {Place} place
   * @param {string} taskId
   * @param {WatchOptions} options
   */
  #begin(place, taskId, { after, signal, token }) {
    if (this.#isClosed || signal?.aborted) return this.#finish({ reason: "stopped" });
    const close = () => this.close();
    signal?.addEventListener("abort", close);
    this.finished.then(() => signal?.removeEventListener("abort", close));
    this.#leave = Pool.follow(place, taskId, after, {
      token,
      onMessage: (message) => {
        if (message.type === "status") this.status = message;
        this.#tell(message.type, message);
      },
      onConnection: (connection) => this.#tell("connection", (this.connection = connection)),
      onEnd: this.#finish,
    });
  }

  /** @param {End} end */
  #over(end) {
    const transport = this.connection?.transport ?? "";
    this.#tell("connection", (this.connection = { state: "over", transport }));
    this.end = { status: this.status, ...end };
    this.#tell("end", this.end);
    return this.end;
  }

  /**
   * @param {string} type
   * @param {any} detail
   */
  #tell(type, detail) {
    this.dispatchEvent(new CustomEvent(type, { detail }));
  }
}
