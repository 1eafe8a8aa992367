/** @import { Connection, End, Listener, Transport, Verdict, WatchOptions } from "./types.js" */
import { Attempt } from "./attempt.js";
import { clock } from "./clock.js";
import { Ladder } from "./ladder.js";
import { TRANSPORTS } from "./transports.js";

/** A connection that has lived so long was good. */
const STEADY_MS = 5_000;
const BACKOFF_MS = 500;
const LONGEST_BACKOFF_MS = 30_000;
/** When better transports get their chance; each time it takes twice as long. */
const CLIMB_MS = 60_000;
const LONGEST_CLIMB_MS = 960_000;
/** Who switches tabs doesn't make us ask more often. */
const LEAST_PAUSE_MS = 1_000;
const WAKES = ["online", "pageshow", "pagehide", "visibilitychange"];

/** @param {string | Transport} wanted */
function transportOf(wanted) {
  const found = TRANSPORTS.find(({ name }) => name === wanted) ?? wanted;
  if (typeof found === "string") throw new TypeError(`transports: expected ws, sse or poll, got ${found}`);
  return found;
}

/** Follows one task to its end: one attempt after the other, and the cursor. */
export class Follower {
  failures = 0;
  /** @type {string | null | undefined} */
  token;
  hasToken = false;
  tokenWorked = false;
  version = 0;
  nothings = 0;
  /** Whether the present attempt has brought a message. */
  proven = false;
  began = 0;
  climbMs = CLIMB_MS;
  isAway = false;
  /** @type {any} */
  climber;
  /** @type {Attempt | undefined} */
  attempt;
  /** @type {Attempt | undefined} */
  probe;
  /** @type {(() => void) | undefined} ends the pause */
  resume;
  /** @type {End | undefined} */
  end;

  /**
   * @param {string} taskId
   * @param {WatchOptions} options
   * @param {Listener} listener
   */
  constructor(taskId, options, listener) {
    const { after, keepalive = 15, transports = TRANSPORTS, types = ["log"], url = "/" } = options;
    const base = new URL(url, globalThis.document?.baseURI);
    this.base = base.href.replace(/\/?$/, "/");
    this.path = `/task_status/${encodeURIComponent(taskId)}/`;
    this.types = ["status", ...types.filter((type) => type !== "status")].join();
    this.silence = keepalive * 1_500 + 3_000;
    this.cursor = after;
    this.options = options;
    this.listener = listener;
    this.ladder = new Ladder(transports.map(transportOf), base.origin);
  }

  /**
   * @param {string} transport
   * @param {Record<string, string>} [parameters]
   */
  url(transport, parameters, after = this.cursor) {
    const query = new URLSearchParams({ types: this.types, ...(after && { after }), ...parameters });
    return `${this.base}${transport}${this.path}?${query}`;
  }

  /** @returns {Promise<End>} */
  async run() {
    const { signal } = this.options;
    const listening = new AbortController();
    const until = { signal: listening.signal };
    for (const type of WAKES) globalThis.addEventListener?.(type, (event) => this.wake(event.type), until);
    signal?.addEventListener("abort", () => this.stop(), until);
    if (signal?.aborted) this.stop();
    this.armClimber();
    while (!this.end) await this.tryOnce();
    listening.abort();
    clock.clear(this.climber);
    this.probe?.leave();
    this.show("over");
    return this.end;
  }

  /** @param {End} [end] */
  stop(end = { reason: "stopped" }) {
    this.end ??= end;
    this.attempt?.leave();
    this.resume?.();
  }

  onOpen() {
    this.show("open");
  }

  /** @param {any} message */
  onMessage(message) {
    if (!this.proven) this.ladder.works();
    this.proven = this.tokenWorked = true;
    this.nothings = 0;
    const { type, version, cursor, reset, ready } = message;
    if (type !== "status" && type !== "log") return;
    // After a reset versions may begin anew.
    if (version <= this.version && !(reset && cursor !== this.cursor)) return;
    this.version = version;
    this.cursor = cursor;
    this.listener.onMessage(message);
    if (ready) this.stop({ reason: "ready", status: message });
  }

  async tryOnce() {
    this.proven = false;
    this.show("connecting");
    const attempt = new Attempt(this.ladder.current, this);
    this.attempt = attempt;
    this.began = attempt.began;
    const verdict = await attempt.run();
    this.attempt = undefined;
    if (this.end) return;
    const moved = this.judge(verdict, attempt);
    if (!this.end) await this.pause(verdict, moved);
  }

  /** @returns {Promise<string | null | undefined>} asked for again once it has expired */
  async getToken() {
    const { token } = this.options;
    if (!this.hasToken) this.token = typeof token === "function" ? await token() : token;
    this.hasToken = true;
    return this.token;
  }

  /**
   * Learn from how an attempt ended; return whether another transport is next.
   *
   * @param {Verdict} verdict
   * @param {Attempt} attempt
   */
  judge({ kind, code }, { began, delivered }) {
    const steady = delivered && clock.now() - began > STEADY_MS;
    this.failures = steady || kind === "left" ? 0 : this.failures + 1;
    // Somebody is there.
    if (delivered) this.failures = Math.min(this.failures, 2);
    const moved = this.ladder.ended(kind, steady);
    if (moved) this.armClimber();
    // Twice in a row: the task has ended. Without a cursor comes its last state.
    if (kind === "nothing" && ++this.nothings > 1) this.cursor = undefined;
    if (kind !== "refused") return moved;
    const expired = (code === 401 || code === 403) && this.tokenWorked;
    if (!expired || typeof this.options.token !== "function") this.stop({ reason: "refused", code });
    this.hasToken = this.tokenWorked = false;
    return moved;
  }

  /**
   * Wait, with full jitter, so that not all clients of a server come back at once. How long a stream
   * wants to be left alone says nothing about another transport.
   *
   * @param {Verdict} verdict
   * @param {boolean} moved
   * @returns {Promise<void>}
   */
  pause({ kind, wait = 0 }, moved) {
    const bound = Math.min(BACKOFF_MS * 2 ** (this.failures - 1), LONGEST_BACKOFF_MS);
    const delay = kind === "left" ? 0 : (moved ? 0 : wait) + clock.random() * bound;
    this.show("waiting", delay);
    return new Promise((resolve) => {
      const timer = clock.set(() => this.isAway || this.resume?.(), delay);
      this.resume = () => {
        clock.clear(timer);
        this.resume = undefined;
        resolve();
      };
    });
  }

  /** @param {string} type of the event that wakes us */
  wake(type) {
    if (type[0] === "v" && document.hidden) return;
    const { attempt } = this;
    const wasAway = this.isAway;
    this.isAway = type === "pagehide";
    const now = clock.now();
    if (type === "online") {
      this.climbMs = CLIMB_MS;
      this.armClimber();
    }
    // A connection may have died in our sleep. With one a page is not kept for the way back.
    const quiet = { pagehide: -1, online: LEAST_PAUSE_MS }[type] ?? this.silence;
    if (attempt && now - attempt.lastHeard > quiet) attempt.leave();
    if (this.isAway || (!wasAway && now - this.began < LEAST_PAUSE_MS)) return;
    this.failures = 0;
    this.resume?.();
  }

  armClimber() {
    clock.clear(this.climber);
    if (this.ladder.index) this.climber = clock.set(() => this.climbUp(), this.climbMs);
  }

  /** See whether a better transport works by now; the present one goes on meanwhile. */
  async climbUp() {
    this.climbMs = Math.min(2 * this.climbMs, LONGEST_CLIMB_MS);
    for (let index = 0; index < this.ladder.index && !this.end; index++) {
      if (!(await this.works(index))) continue;
      this.ladder.move(index);
      this.attempt?.leave();
    }
    if (!this.end) this.armClimber();
  }

  /** @param {number} index of the transport that shall show a message */
  async works(index) {
    let works = false;
    this.probe = new Attempt(/** @type {Transport} */ (this.ladder.transports[index]), {
      // Without a cursor one comes at once.
      url: (name, parameters) => this.url(name, parameters, ""),
      cursor: "",
      failures: 0,
      silence: this.silence,
      getToken: () => this.getToken(),
      onOpen: () => {},
      onMessage: () => {
        works = true;
        this.probe?.leave();
      },
    });
    await this.probe.run();
    return works;
  }

  /**
   * @param {Connection["state"]} state
   * @param {number} [delay]
   */
  show(state, delay) {
    this.listener.onConnection({ state, transport: this.ladder.current.name, delay });
  }
}
