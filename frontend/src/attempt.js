/** @import { Order, Task, Transport, Verdict } from "./types.js" */
import { addressOf, tokensOf } from "./address.js";
import { clock } from "./clock.js";

/** Without a cursor the first message comes at once; this is for the network. */
const FIRST_MS = 5_000;
/** A timer so late has slept, and the connection, too. */
const LATE_MS = 5_000;

/** One attempt over one transport, and the watch over its silence (see types.js). */
export class Attempt {
  began = clock.now();
  lastHeard = this.began;
  /** Whether anything has come through; a handshake is nothing. */
  delivered = false;
  isOpen = false;
  abort = new AbortController();
  signal = this.abort.signal;
  /** @type {Set<Task>} whose first message is due */
  pending = new Set();
  /** @type {((frame: object) => void) | undefined} once something can be sent */
  send;
  /** @type {any} */
  timer;
  /** @type {(verdict: Verdict) => void} */
  resolve = () => {};

  /**
   * @param {Transport} transport
   * @param {Order} order
   * @param {Task[]} tasks
   */
  constructor(transport, order, tasks) {
    this.transport = transport;
    this.order = order;
    this.tasks = new Map(tasks.map((task) => [task.id, task]));
    this.isShared = tasks.length > 1;
    for (const task of tasks) if (!task.cursor) this.pending.add(task);
  }

  /** @returns {Promise<Verdict>} */
  async run() {
    this.limit();
    try {
      /** @type {Promise<Verdict>} */
      const left = new Promise((resolve) => (this.resolve = resolve));
      return await Promise.race([left, this.transport.connect(this)]);
    } catch {
      return { kind: "broken" };
    } finally {
      clock.clear(this.timer);
      this.abort.abort();
    }
  }

  /** @param {Verdict["kind"]} [kind] */
  leave(kind = "left") {
    this.resolve({ kind });
  }

  /** The one that fits into a header. */
  get token() {
    return tokensOf(this.tasks.values()).at(-1);
  }

  /** @param {Record<string, string>} [parameters] */
  url = (parameters) => addressOf(this.order.place, this.transport, [...this.tasks.values()], parameters);

  /**
   * Follow one more, if that goes without a new connection. Returns whether it does.
   *
   * @param {Task} task
   */
  add(task) {
    if (!this.isShared || !this.transport.subscribes) return false;
    this.tasks.set(task.id, task);
    this.subscribe(task);
    const isFirst = !this.pending.size;
    if (!task.cursor) this.pending.add(task);
    if (isFirst && this.pending.size) this.limit();
    return true;
  }

  /**
   * Follow one less. Returns whether that goes without a new connection.
   *
   * @param {Task} task
   * @param {boolean} isOver whether the server has forgotten it
   */
  remove(task, isOver) {
    this.tasks.delete(task.id);
    if (this.pending.delete(task) && !this.pending.size) this.limit();
    if (!isOver) this.send?.({ type: "unsubscribe", task_id: task.id });
    return isOver || (this.isShared && Boolean(this.transport.subscribes));
  }

  /** @param {(frame: object) => void} send */
  subscribeAll(send) {
    this.send = send;
    for (const task of this.tasks.values()) this.subscribe(task);
  }

  /** @param {Task} task */
  subscribe({ id, cursor, token }) {
    this.send?.({ type: "subscribe", task_id: id, after: cursor || undefined, token: token || undefined });
  }

  opened = () => {
    if (this.isOpen || this.signal.aborted) return;
    this.isOpen = true;
    this.limit();
    this.order.onOpen();
  };

  heard() {
    this.delivered = true;
    this.lastHeard = clock.now();
    this.opened();
    // What others hear is no sign of life for whom nothing has come yet.
    if (!this.pending.size) this.limit();
  }

  /** @param {any} message */
  take = (message) => {
    if (this.signal.aborted) return;
    const task = this.isShared ? this.tasks.get(message.task_id) : this.tasks.values().next().value;
    // A heartbeat is no task's.
    if (task && message.type !== "heartbeat") this.pending.delete(task);
    this.heard();
    this.order.onMessage(message, task);
  };

  /** @param {number} ms */
  waits(ms) {
    this.limit(this.pending.size ? undefined : ms);
  }

  /** @param {number} [ms] */
  limit(ms) {
    const { failures, place } = this.order;
    const idles = this.isOpen && !this.pending.size;
    ms ??= idles ? place.silence : FIRST_MS * 2 ** Math.min(failures, 3);
    const due = clock.now() + ms;
    clock.clear(this.timer);
    this.timer = clock.set(() => {
      this.leave(this.delivered && clock.now() > due + LATE_MS ? "left" : "mute");
    }, ms);
  }
}
