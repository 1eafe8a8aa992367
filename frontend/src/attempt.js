/** @import { Order, Transport, Verdict } from "./types.js" */
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
  /** @type {string | null | undefined} */
  token;
  /** @type {any} */
  timer;
  /** @type {(verdict: Verdict) => void} */
  resolve = () => {};

  /**
   * @param {Transport} transport
   * @param {Order} order
   */
  constructor(transport, order) {
    this.transport = transport;
    this.order = order;
  }

  /** @returns {Promise<Verdict>} */
  async run() {
    this.limit();
    try {
      /** @type {Promise<Verdict>} */
      const left = new Promise((resolve) => (this.resolve = resolve));
      return await Promise.race([left, this.connect()]);
    } catch {
      return { kind: "broken" };
    } finally {
      clock.clear(this.timer);
      this.abort.abort();
    }
  }

  async connect() {
    this.token = await this.order.getToken();
    return this.transport.connect(this);
  }

  /** @param {Verdict["kind"]} [kind] */
  leave(kind = "left") {
    this.resolve({ kind });
  }

  /** @param {Record<string, string>} [parameters] */
  url = (parameters) => this.order.url(this.transport.name, parameters);

  opened = () => {
    if (this.signal.aborted) return;
    const isNew = !this.isOpen;
    this.isOpen = true;
    this.limit();
    if (isNew) this.order.onOpen();
  };

  heard() {
    this.delivered = true;
    this.lastHeard = clock.now();
    this.opened();
  }

  /** @param {any} message */
  take = (message) => {
    if (this.signal.aborted) return;
    this.heard();
    this.order.onMessage(message);
  };

  /** @param {number} ms */
  waits(ms) {
    this.limit(this.order.cursor ? ms : undefined);
  }

  /** @param {number} [ms] */
  limit(ms) {
    const { cursor, failures, silence } = this.order;
    const idles = this.delivered || (this.isOpen && cursor);
    ms ??= idles ? silence : FIRST_MS * 2 ** Math.min(failures, 3);
    const due = clock.now() + ms;
    clock.clear(this.timer);
    this.timer = clock.set(() => {
      this.leave(this.delivered && clock.now() > due + LATE_MS ? "left" : "mute");
    }, ms);
  }
}
