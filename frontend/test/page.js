/** A page without a browser: what the client uses of one, and a clock that only tests move. */

import { afterEach, beforeEach } from "node:test";
import { WebSocket } from "ws";
import { clock } from "../src/clock.js";

/** Shorter waits pass at once: a backoff whose dice show 0, and the gathering of a long-poll. */
const AT_ONCE_MS = 250;

/** In Node an error that nobody listens to is thrown; in a browser it is not. */
class PageWebSocket extends WebSocket {
  /** @param {string} url */
  constructor(url) {
    super(url);
    this.on("error", () => {});
  }
}

class FakeClock {
  time = 1_000_000;
  /** @type {{run: () => void, due: number}[]} */
  timers = [];

  /**
   * @param {() => void} run
   * @param {number} ms
   */
  set(run, ms) {
    if (ms <= AT_ONCE_MS) return setImmediate(run);
    const timer = { run, due: this.time + ms };
    this.timers.push(timer);
    return timer;
  }

  /** @param {any} timer */
  clear(timer) {
    if (timer?.run) this.timers = this.timers.filter((other) => other !== timer);
    else clearImmediate(timer);
  }

  /**
   * Let time pass, timer by timer.
   *
   * @param {number} ms
   */
  advance(ms) {
    const end = this.time + ms;
    for (;;) {
      const [next] = this.timers.filter(({ due }) => due <= end).sort((a, b) => a.due - b.due);
      if (!next) break;
      this.time = next.due;
      this.clear(next);
      next.run();
    }
    this.time = end;
  }
}

export class Page {
  clock = new FakeClock();
  window = new EventTarget();
  document = { hidden: false, baseURI: "http://127.0.0.1/" };
  /** @type {Map<string, string>} */
  storage = new Map();
  /** What the dice show. */
  random = 0;

  /** @param {string} type */
  fire(type) {
    this.window.dispatchEvent(new Event(type));
  }

  install() {
    const { storage, window } = this;
    Object.assign(clock, {
      now: () => this.clock.time,
      random: () => this.random,
      set: this.clock.set.bind(this.clock),
      clear: this.clock.clear.bind(this.clock),
    });
    Object.assign(globalThis, {
      WebSocket: PageWebSocket,
      document: this.document,
      addEventListener: window.addEventListener.bind(window),
      sessionStorage: {
        getItem: (/** @type {string} */ key) => storage.get(key) ?? null,
        setItem: (/** @type {string} */ key, /** @type {string} */ value) => storage.set(key, value),
      },
    });
  }
}

/** A new page for each test of a file. */
export function freshPage() {
  const current = { page: new Page() };
  beforeEach(() => {
    current.page = new Page();
    current.page.install();
  });
  afterEach(() => {
    current.page.clock.timers = [];
  });
  return current;
}
