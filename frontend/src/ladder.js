/** @import { Transport, Verdict } from "./types.js" */
import { clock } from "./clock.js";

const REMEMBERED_MS = 300_000;

/** Which transport is next. The first is the best; the tab remembers which one worked. */
export class Ladder {
  index = 0;
  /** @type {Set<Transport>} that have worked */
  trusted = new Set();

  /**
   * @param {Transport[]} transports
   * @param {string} origin
   */
  constructor(transports, origin) {
    this.transports = transports;
    this.key = `taskstatus ${origin}`;
    try {
      const [name, at] = (sessionStorage.getItem(this.key) ?? "").split(" ");
      const index = transports.findIndex((transport) => transport.name === name);
      if (index > 0 && clock.now() - Number(at) < REMEMBERED_MS) this.index = index;
    } catch {
      // This page may keep nothing.
    }
  }

  get current() {
    return /** @type {Transport} */ (this.transports[this.index]);
  }

  /** @param {Transport} transport */
  works(transport) {
    this.trusted.add(transport);
    try {
      sessionStorage.setItem(this.key, `${transport.name} ${clock.now()}`);
    } catch {
      // The next page will find out.
    }
  }

  /**
   * What breaks may be the server, so who has worked gets a second chance. Who goes mute is being
   * swallowed on the way. Returns whether another one is next.
   *
   * @param {Verdict["kind"]} kind
   * @param {number} strikes how often in a row it has failed on this connection
   * @param {Transport} transport that ended
   */
  ended(kind, strikes, transport) {
    // Another connection has been here before.
    if (transport !== this.current) return true;
    if (kind !== "mute" && strikes <= Number(this.trusted.has(transport))) return false;
    this.trusted.delete(transport);
    this.index = (this.index + 1) % this.transports.length;
    return this.current !== transport;
  }
}
