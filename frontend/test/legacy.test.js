import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { afterEach, beforeEach, test } from "node:test";
import vm from "node:vm";
import { Site } from "./site.js";
import { refuse } from "./visit.js";

const source = await readFile(new URL("../src/legacy.js", import.meta.url), "utf8");

/** What is left of XMLHttpRequest in a browser of 2010, over Node's fetch. */
class OldRequest {
  readyState = 0;
  status = 0;
  responseText = "";
  /** @type {Record<string, string>} */
  headers = {};
  onreadystatechange = () => {};
  #abort = new AbortController();
  #url = "";
  /** @type {Response | undefined} */
  #response;

  /**
   * @param {string} _method
   * @param {string} url
   */
  open(_method, url) {
    this.#url = url;
  }

  /**
   * @param {string} name
   * @param {string} value
   */
  setRequestHeader(name, value) {
    this.headers[name] = value;
  }

  /** @param {string} name */
  getResponseHeader(name) {
    return this.#response?.headers.get(name) ?? null;
  }

  abort() {
    this.#abort.abort();
  }

  async send() {
    try {
      this.#response = await fetch(this.#url, { headers: this.headers, signal: this.#abort.signal });
      this.responseText = await this.#response.text();
      this.status = this.#response.status;
    } catch {
      this.status = 0;
    }
    this.readyState = 4;
    this.onreadystatechange();
  }
}

/** @type {Site} */
let site;
beforeEach(async () => {
  site = await new Site().start();
});
afterEach(() => site[Symbol.asyncDispose]());

/** @param {Record<string, any>} [options] */
function follow(options) {
  /** @type {any} */
  const page = { XMLHttpRequest: OldRequest, setTimeout, clearTimeout };
  vm.runInNewContext(source, page);
  const task = page.taskstatus.watch("t", { url: site.url, ...options });
  /** @type {any[]} */
  const told = [];
  for (const type of ["status", "log"]) task.on(type, (/** @type {any} */ event) => told.push(event.detail.state ?? event.detail.message));
  const end = new Promise((resolve) => task.on("end", (/** @type {any} */ event) => resolve(event.detail)));
  return { task, told, end };
}

test("follows a task by long-poll to its end, through a cut", async () => {
  site.status("STARTED");
  const { told, end } = follow({ token: "secret" });
  const second = await site.visit(1);
  assert.equal(second.request.headers.authorization, "Bearer secret");
  second.cut();
  const third = await site.visit(2);
  assert.equal(third.query.get("after"), "c1");
  site.log("a line");
  await site.visit(3);
  site.status("SUCCESS", { result: 1 });
  const { reason, status } = await end;
  assert.deepEqual([reason, status.result, told.join()], ["ready", 1, "STARTED,a line,SUCCESS"]);
});

test("does not ask again what is refused", async () => {
  site.behaviour.poll = refuse(403);
  const { reason, code } = await follow().end;
  assert.deepEqual([reason, code, site.visits.length], ["refused", 403, 1]);
});

test("stops when it is told to", async () => {
  site.status("STARTED");
  const { task, end } = follow();
  await site.visit(1);
  task.close();
  assert.equal((await end).reason, "stopped");
});
