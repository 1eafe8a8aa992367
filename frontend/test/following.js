/** Following tasks of a test's site, and what was told. */

import { afterEach, beforeEach } from "node:test";
import { Watch } from "../src/watch.js";
import { Site } from "./site.js";

/** @import { WatchOptions } from "../src/types.js" */

export class Followed {
  /** @type {any[]} */
  told = [];
  /** @type {any[]} */
  connections = [];
  #heard = () => {};

  /**
   * @param {{url: string}} site
   * @param {WatchOptions} [options]
   * @param {string} [id]
   */
  constructor(site, options, id = "t") {
    this.watch = new Watch(id, { url: site.url, ...options });
    for (const type of ["status", "log"]) {
      this.watch.addEventListener(type, (/** @type {any} */ { detail }) => {
        this.told.push(detail);
        this.#heard();
      });
    }
    this.watch.addEventListener("connection", (/** @type {any} */ { detail }) => {
      this.connections.push(detail);
      this.#heard();
    });
  }

  /** The states and lines that were told, in order. */
  get story() {
    return this.told.map(({ state, message }) => state ?? message);
  }

  /**
   * Wait until something holds.
   *
   * @param {() => unknown} condition
   */
  async until(condition) {
    while (!condition()) await new Promise((resolve) => (this.#heard = () => resolve(0)));
  }

  /** @param {string} name of a state, or a line */
  async hears(name) {
    await this.until(() => this.story.includes(name));
  }

  /** @param {string} state of the connection */
  async is(state) {
    await this.until(() => this.watch.connection?.state === state);
  }
}

/** The running test's. @type {Site} */
export let site;
/** @type {Followed[]} */
export const followed = [];

/** A new site for each test of a file. */
export function freshSite() {
  beforeEach(async () => {
    site = await new Site().start();
  });
  afterEach(async () => {
    for (const { watch } of followed.splice(0)) watch.close();
    await site[Symbol.asyncDispose]();
  });
}

/**
 * @param {WatchOptions} [options]
 * @param {string} [id]
 */
export function follow(options, id) {
  const task = new Followed(site, options, id);
  followed.push(task);
  return task;
}
