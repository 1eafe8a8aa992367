/** @import { Place, Transport, Verdict, Watcher } from "./types.js" */
import { Attempt } from "./attempt.js";
import { clock } from "./clock.js";
import { Follower } from "./follower.js";
import { Ladder } from "./ladder.js";
import { Subscription } from "./subscription.js";

const MOST_TASKS = 100;
const BACKOFF_MS = 500;
const LONGEST_BACKOFF_MS = 30_000;
/** When better transports get their chance; each time it takes twice as long. */
const CLIMB_MS = 60_000;
const LONGEST_CLIMB_MS = 960_000;
/** Who switches tabs doesn't make us ask more often. */
const LEAST_PAUSE_MS = 1_000;
const WAKES = ["online", "pageshow", "pagehide", "visibilitychange"];

/** @type {Map<any, Pool>} */
const pools = new Map();

/** All that a page follows in the same way: its connections, and the transport that they share. */
export class Pool {
  /** @type {Set<Subscription>} */
  subscriptions = new Set();
  /** @type {Set<Follower>} */
  followers = new Set();
  /** How many tasks go over one connection. */
  most = MOST_TASKS;
  /** @type {Set<{began: number, failures: number, wake?: () => void}>} */
  sleepers = new Set();
  isAway = false;
  climbMs = CLIMB_MS;
  /** @type {any} */
  climber;
  /** @type {Attempt | undefined} */
  probe;
  listening = new AbortController();

  /** @param {Place} where */
  constructor(where) {
    this.where = where;
    this.ladder = new Ladder(where.transports, where.origin);
    pools.set(where.key, this);
    const until = { signal: this.listening.signal };
    for (const type of WAKES) globalThis.addEventListener?.(type, (event) => this.rouse(event.type), until);
    this.armClimber();
  }

  /**
   * Begin to watch a task. Returns what ends it.
   *
   * @param {Place} place
   * @param {string} id
   * @param {string | undefined} after
   * @param {Watcher} watcher
   */
  static follow(place, id, after, watcher) {
    const pool = pools.get(place.key) ?? new Pool(place);
    const known = [...pool.subscriptions].find((one) => one.id === id && !one.isAlone);
    const subscription = (after === undefined && known) || new Subscription(pool, id, after);
    pool.subscriptions.add(subscription);
    subscription.join(watcher);
    return () => subscription.leave(watcher);
  }

  /** @param {Subscription} subscription */
  drop(subscription) {
    this.subscriptions.delete(subscription);
    if (this.subscriptions.size) return;
    pools.delete(this.where.key);
    this.listening.abort();
    clock.clear(this.climber);
    this.probe?.leave();
  }

  /**
   * Give a task the first connection that has room, or a new one.
   *
   * @param {Subscription} task
   * @param {Follower} [full] after this one
   */
  place(task, full) {
    const followers = [...this.followers];
    const after = full ? followers.indexOf(full) + 1 : 0;
    const follower = followers.slice(after).find((one) => one.hasRoom(task)) ?? new Follower(this, task.isAlone);
    this.followers.add(follower);
    follower.add(task);
  }

  /**
   * Wait, with full jitter, so that not all clients of a server come back at once.
   *
   * @param {Follower | Subscription} sleeper
   * @param {number} failures
   * @param {number} [wait] at least so long
   * @returns {Promise<void>}
   */
  pause(sleeper, failures, wait = 0) {
    const bound = failures && Math.min(BACKOFF_MS * 2 ** (failures - 1), LONGEST_BACKOFF_MS);
    const delay = wait + clock.random() * bound;
    sleeper.sleeps(delay);
    return new Promise((resolve) => {
      const timer = clock.set(() => this.isAway || sleeper.wake?.(), delay);
      this.sleepers.add(sleeper);
      sleeper.wake = () => {
        clock.clear(timer);
        this.sleepers.delete(sleeper);
        sleeper.wake = undefined;
        resolve();
      };
    });
  }

  /** @param {string} type of the event that wakes us */
  rouse(type) {
    if (type[0] === "v" && document.hidden) return;
    const wasAway = this.isAway;
    this.isAway = type === "pagehide";
    const now = clock.now();
    if (type === "online") {
      this.climbMs = CLIMB_MS;
      this.armClimber();
    }
    // A connection may have died in our sleep. With one a page is not kept for the way back.
    const quiet = { pagehide: -1, online: LEAST_PAUSE_MS }[type] ?? this.where.silence;
    for (const follower of this.followers) {
      if (!follower.attempt || now - follower.attempt.lastHeard <= quiet) continue;
      follower.failures = 0;
      follower.attempt.leave();
    }
    if (this.isAway) return;
    for (const sleeper of [...this.sleepers]) {
      if (!wasAway && now - sleeper.began < LEAST_PAUSE_MS) continue;
      sleeper.failures = 0;
      sleeper.wake?.();
    }
  }

  /**
   * Learn from how an attempt ended; return whether another transport is next.
   *
   * @param {Verdict["kind"]} kind
   * @param {number} strikes
   * @param {Transport} transport
   */
  ended(kind, strikes, transport) {
    if (kind === "absent") {
      // Each for itself, then; a WebSocket may have been refused for no other reason.
      this.most = 1;
      this.ladder.index = 0;
      return true;
    }
    const moved = this.ladder.ended(kind, strikes, transport);
    if (moved) this.armClimber();
    return moved;
  }

  armClimber() {
    clock.clear(this.climber);
    if (this.ladder.index) this.climber = clock.set(() => this.climbUp(), this.climbMs);
  }

  /** See whether a better transport works by now; the present one goes on meanwhile. */
  async climbUp() {
    this.climbMs = Math.min(2 * this.climbMs, LONGEST_CLIMB_MS);
    for (let index = 0; index < this.ladder.index && this.subscriptions.size; index++) {
      if (!(await this.works(index))) continue;
      this.ladder.index = index;
      this.regroup();
    }
    if (this.subscriptions.size) this.armClimber();
  }

  /** Where more fits into one connection, fewer will do. */
  regroup() {
    for (const follower of [...this.followers]) {
      follower.attempt?.leave();
      for (const task of [...follower.tasks.values()]) {
        follower.remove(task, true);
        this.place(task);
      }
    }
  }

  /** @param {number} index of the transport that shall show a message */
  async works(index) {
    let works = false;
    const task = [...this.subscriptions].find(({ follower }) => follower);
    if (!task) return works;
    const order = {
      place: this.where,
      failures: 0,
      onOpen: () => {},
      onMessage: () => {
        works = true;
        this.probe?.leave();
      },
    };
    const { id, token } = task;
    // Without a cursor a message comes at once.
    this.probe = new Attempt(/** @type {Transport} */ (this.ladder.transports[index]), order, [{ id, token }]);
    await this.probe.run();
    return works;
  }
}
