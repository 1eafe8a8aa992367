/** @import { Connection, Verdict } from "./types.js" */
/** @import { Pool } from "./pool.js" */
/** @import { Subscription } from "./subscription.js" */
import { addressOf } from "./address.js";
import { Attempt } from "./attempt.js";
import { clock } from "./clock.js";
import { verdictOf } from "./transports.js";

/** A connection that has lived so long was good. */
const STEADY_MS = 5_000;
/** What comes and goes together is asked for together, and not more often than this. */
const GATHER_MS = 20;
const LEAST_REOPEN_MS = 1_000;
/** nginx takes a request line of 8 KiB. */
const MOST_URL_BYTES = 7_000;
/** Those that have none yet will need room for one. */
const A_CURSOR = "1795361986226976";

/** Follows tasks over one connection: one attempt after the other, until no task is left. */
export class Follower {
  /** @type {Map<string, Subscription>} */
  tasks = new Map();
  failures = 0;
  nothings = 0;
  /** How often in a row the present transport has failed. */
  strikes = 0;
  /** Whether the present attempt has brought a message. */
  proven = false;
  began = -Infinity;
  /** @type {Attempt | undefined} */
  attempt;
  /** @type {any} */
  reopening;
  /** @type {(() => void) | undefined} ends a wait */
  wake;
  /** @type {Connection | undefined} */
  shown;

  /**
   * @param {Pool} pool
   * @param {boolean} isAlone whether it is for one task only
   */
  constructor(pool, isAlone) {
    this.pool = pool;
    this.place = pool.where;
    this.isAlone = isAlone;
    clock.set(() => this.run(), GATHER_MS);
  }

  /** @param {Subscription} task */
  hasRoom(task) {
    return !this.isAlone && !task.isAlone && this.fits([...this.tasks.values(), task]);
  }

  /** @param {Subscription[]} tasks */
  fits(tasks) {
    const { ladder, most } = this.pool;
    if (tasks.length === 1) return true;
    const named = tasks.map(({ id, token, cursor = A_CURSOR }) => ({ id, token, cursor }));
    const { length } = addressOf(this.place, ladder.current, named);
    return tasks.length <= most && length <= MOST_URL_BYTES;
  }

  /** @param {Subscription} task */
  add(task) {
    this.tasks.set(task.id, task);
    task.follower = this;
    if (this.shown) task.show(this.shown);
    if (this.attempt && !this.attempt.add(task)) this.reopen();
  }

  /**
   * @param {Subscription} task
   * @param {boolean} isOver whether the server has forgotten it
   */
  remove(task, isOver) {
    this.tasks.delete(task.id);
    task.follower = undefined;
    const { attempt } = this;
    const goesOn = attempt?.remove(task, isOver);
    if (!this.tasks.size) {
      attempt?.leave();
      this.wake?.();
    } else if (attempt && !goesOn) this.reopen();
  }

  reopen() {
    const due = this.began + LEAST_REOPEN_MS - clock.now();
    this.reopening ??= clock.set(() => this.attempt?.leave(), Math.max(due, GATHER_MS));
  }

  async run() {
    while (this.tasks.size) await this.tryOnce();
    clock.clear(this.reopening);
    this.pool.followers.delete(this);
  }

  async tryOnce() {
    clock.clear(this.reopening);
    this.reopening = undefined;
    this.proven = false;
    this.spill();
    this.show("connecting");
    const attempt = new Attempt(this.pool.ladder.current, this, [...this.tasks.values()]);
    this.attempt = attempt;
    this.began = attempt.began;
    const verdict = await attempt.run();
    this.attempt = undefined;
    if (!this.tasks.size) return;
    const moved = this.judge(verdict, attempt);
    if (this.tasks.size) await this.pause(verdict, moved);
  }

  /** Leave to others what doesn't fit. */
  spill() {
    /** @type {Subscription[]} */
    const kept = [];
    for (const task of this.tasks.values()) {
      if (this.fits([...kept, task])) kept.push(task);
      else {
        this.tasks.delete(task.id);
        this.pool.place(task, this);
      }
    }
  }

  onOpen() {
    this.show("open");
  }

  /**
   * @param {any} message
   * @param {any} task
   */
  onMessage(message, task) {
    if (!this.proven && this.attempt) this.pool.ladder.works(this.attempt.transport);
    this.proven = true;
    this.nothings = 0;
    if (message.type !== "problem") return task?.take(message);
    const { kind, code } = verdictOf(message.status);
    if (kind !== "refused") this.attempt?.leave(kind);
    else if (task) this.refuse(task, code);
  }

  /**
   * @param {Subscription} task
   * @param {number} [code]
   */
  refuse(task, code) {
    this.remove(task, true);
    task.refused(code);
  }

  /**
   * Learn from how an attempt ended; return whether another transport is next.
   *
   * @param {Verdict} verdict
   * @param {Attempt} attempt
   */
  judge({ kind, code }, { began, delivered, tasks, transport }) {
    const steady = delivered && clock.now() - began > STEADY_MS;
    if (steady) this.failures = 0;
    else if (kind !== "left") this.failures++;
    // Somebody is there.
    if (delivered) this.failures = Math.min(this.failures, 2);
    if (kind === "refused") for (const task of tasks.values()) this.refuse(/** @type {any} */ (task), code);
    // Twice in a row: the tasks have ended. Without a cursor comes their last state.
    if (kind === "nothing" && ++this.nothings > 1) for (const task of this.tasks.values()) task.cursor = undefined;
    this.strikes = !steady && (kind === "broken" || kind === "nothing") ? this.strikes + 1 : 0;
    const moved = this.pool.ended(kind, this.strikes, transport);
    if (moved) this.strikes = 0;
    return moved;
  }

  /**
   * How long a stream wants to be left alone says nothing about another transport.
   *
   * @param {Verdict} verdict
   * @param {boolean} moved
   */
  pause({ kind, wait = 0 }, moved) {
    return this.pool.pause(this, kind === "left" ? 0 : this.failures, moved ? 0 : wait);
  }

  /** @param {number} delay */
  sleeps(delay) {
    this.show("waiting", delay);
  }

  /**
   * @param {Connection["state"]} state
   * @param {number} [delay]
   */
  show(state, delay) {
    const { transport } = this.attempt ?? { transport: this.pool.ladder.current };
    const shown = (this.shown = { state, transport: transport.name, delay });
    for (const task of this.tasks.values()) task.show(shown);
  }
}
