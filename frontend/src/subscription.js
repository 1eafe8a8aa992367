/** @import { Connection, End, Status, Task, Watcher } from "./types.js" */
/** @import { Follower } from "./follower.js" */
/** @import { Pool } from "./pool.js" */
import { clock } from "./clock.js";

/** What can't spoil a request that it shares with others. */
const PLAIN = /^\P{C}{1,255}$/u;
/** A frame has room for one such. */
const MOST_TOKEN_BYTES = 2_900;

/** One task that is followed: its place in its stream, its access, and who is told. */
export class Subscription {
  /** @type {Set<Watcher>} The first one's token is used. */
  watchers = new Set();
  /** @type {Follower | undefined} */
  follower;
  version = 0;
  /** @type {Status | undefined} */
  status;
  /** @type {Connection | undefined} */
  connection;
  /** @type {Task["token"]} */
  token;
  tokenWorked = false;
  /** When a token was asked for, and how often in a row there was none. */
  began = 0;
  failures = 0;
  /** @type {(() => void) | undefined} ends a wait */
  wake;

  /**
   * @param {Pool} pool
   * @param {string} id
   * @param {string} [after]
   */
  constructor(pool, id, after) {
    this.pool = pool;
    this.id = id;
    this.cursor = after;
    // Nobody shall suffer from a cursor that is none.
    this.isAlone = after !== undefined || !PLAIN.test(id);
  }

  /** @param {Watcher} watcher */
  join(watcher) {
    this.watchers.add(watcher);
    if (this.watchers.size === 1) this.enter();
    if (this.connection) watcher.onConnection(this.connection);
    if (this.status) watcher.onMessage(this.status);
  }

  /** @param {Watcher} watcher */
  leave(watcher) {
    if (this.watchers.has(watcher)) this.finish({ reason: "stopped" }, [watcher]);
  }

  /** Get a token, for as long as it takes, and a connection. */
  async enter() {
    for (;;) {
      const [watcher] = this.watchers;
      if (!watcher) return;
      const { token } = watcher;
      try {
        this.began = clock.now();
        this.token = typeof token === "function" ? await token() : token;
        break;
      } catch {
        await this.pool.pause(this, ++this.failures);
      }
    }
    this.failures = 0;
    this.isAlone ||= `${this.token}`.length > MOST_TOKEN_BYTES;
    if (this.watchers.size) this.pool.place(this);
  }

  /** @param {any} message */
  take(message) {
    this.tokenWorked = true;
    const { type, version, cursor, reset, ready } = message;
    if (type !== "status" && type !== "log") return;
    // After a reset versions may begin anew.
    if (version <= this.version && !(reset && cursor !== this.cursor)) return;
    this.version = version;
    this.cursor = cursor;
    if (type === "status") this.status = message;
    for (const watcher of [...this.watchers]) watcher.onMessage(message);
    if (ready) this.finish({ reason: "ready", status: message });
  }

  /**
   * The server has refused it. A token that had worked has expired.
   *
   * @param {number} [code]
   */
  async refused(code) {
    const [first] = this.watchers;
    const expired = code === 401 || code === 403;
    const renews = expired && this.tokenWorked && typeof first?.token === "function";
    this.tokenWorked = false;
    if (!renews) {
      // Who has another token may have more luck.
      const refused = [...this.watchers].filter(({ token }) => !expired || token === first?.token);
      this.finish({ reason: "refused", code }, refused);
    }
    if (!this.watchers.size) return;
    await this.pool.pause(this, 1);
    await this.enter();
  }

  /**
   * @param {End} end
   * @param {Iterable<Watcher>} [watchers] whose end it is
   */
  finish(end, watchers = [...this.watchers]) {
    for (const watcher of watchers) {
      this.watchers.delete(watcher);
      watcher.onEnd(end);
    }
    if (this.watchers.size) return;
    this.follower?.remove(this, end.reason !== "stopped");
    this.pool.drop(this);
    this.wake?.();
  }

  /** @param {number} delay */
  sleeps(delay) {
    this.show({ state: "waiting", transport: this.pool.ladder.current.name, delay });
  }

  /** @param {Connection} connection */
  show(connection) {
    this.connection = connection;
    for (const { onConnection } of this.watchers) onConnection(connection);
  }
}
