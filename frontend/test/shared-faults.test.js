import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { follow as followOne, freshSite, site } from "./following.js";
import { followMany, tellAll } from "./many.js";
import { freshPage } from "./page.js";
import { cut, mute, refuse } from "./visit.js";

/** @import { WatchOptions } from "../src/types.js" */
/** @import { Followed } from "./following.js" */

const TRANSPORTS = /** @type {const} */ (["ws", "sse", "poll"]);
const current = freshPage();
freshSite();

/**
 * @param {string} name
 * @param {WatchOptions} [options]
 */
const follow = (name, options) => followOne(options, name);

test("all that are refused at once are asked for once", async () => {
  const refusal = refuse(403, { "Content-Type": "application/problem+json" });
  site.behaviour = { sse: refusal, poll: refusal };
  for (const transport of /** @type {const} */ (["sse", "poll"])) {
    const ends = await Promise.all(followMany(3, { transports: [transport] }).map(({ watch }) => watch.finished));
    assert.deepEqual(ends.map(({ code }) => code), [403, 403, 403]);
  }
  assert.equal(site.visits.length, 2);
});

test("fall back together", async () => {
  site.behaviour = { ws: mute, sse: mute };
  const tasks = followMany(5);
  await tasks[0]?.is("open");
  current.page.clock.advance(5_000);
  await site.visit(1);
  current.page.clock.advance(10_000);
  for (const task of tasks) await task.hears("STARTED");
  assert.deepEqual(site.asked.slice(0, 3), ["ws", "sse", "poll"]);
});

test("notice when only one of them is never told anything", async () => {
  site.status("STARTED", { task_id: "a" });
  site.behaviour.ws = (visit) => {
    site.open.add(visit);
    visit.tasks.set("b", null);
  };
  const [a, b] = [follow("a"), follow("b")];
  await a.hears("STARTED");
  current.page.clock.advance(3_000);
  site.tell({ type: "log", task_id: "a", message: "line" });
  await a.hears("line");
  site.status("STARTED", { task_id: "b" });
  await b.hears("STARTED");
  const c = follow("c");
  await site.until(() => site.visits[0]?.frames?.length === 3);
  current.page.clock.advance(5_000);
  const { transport, tasks } = await site.visit(1);
  assert.deepEqual([transport, ...tasks.keys()], ["sse", "a", "b", "c"]);
  assert.equal(c.story.length, 0);
});

test("no storm comes of many when the server is gone", async () => {
  current.page.random = 1;
  const tasks = followMany(50);
  for (const task of tasks) await task.hears("STARTED");
  const [first] = /** @type {[Followed]} */ (tasks);
  site.behaviour = { ws: cut, sse: cut, poll: cut };
  for (const visit of [...site.open]) visit.cut();
  for (let second = 0; second < 60; second++) {
    await first.is("waiting");
    current.page.clock.advance(1_000);
    await new Promise(setImmediate);
  }
  assert.ok(site.visits.length <= 18, `${site.visits.length} requests in a minute`);
});

test("two connections that are cut at once come back by the same transport", async () => {
  const tasks = followMany(50, { transports: ["sse", "poll"] });
  for (const task of tasks) await task.hears("STARTED");
  for (const visit of [...site.open]) visit.cut();
  tellAll("missed");
  for (const task of tasks) await task.hears("missed");
  assert.deepEqual(site.asked, ["sse", "sse", "sse", "sse"]);
});

test("one whose token can't be had keeps nobody waiting", async () => {
  site.status("STARTED", { task_id: "a" });
  site.status("STARTED", { task_id: "b" });
  current.page.random = 1;
  let asked = 0;
  const token = async () => {
    if (!asked++) throw new Error("no network");
    return "token";
  };
  const [a, b] = [follow("a", { token: "t" }), follow("b", { token })];
  await a.hears("STARTED");
  await b.is("waiting");
  assert.deepEqual([asked, a.watch.connection?.state], [1, "open"]);
  current.page.clock.advance(1_000);
  await b.hears("STARTED");
});

test("climb back up into one connection", async () => {
  site.behaviour.ws = cut;
  const tasks = followMany(50);
  for (const task of tasks) await task.hears("STARTED");
  assert.deepEqual(site.asked, ["ws", "sse", "sse"]);
  site.behaviour = {};
  for (const line of ["one", "two", "three"]) {
    current.page.clock.advance(20_000);
    tellAll(line);
    for (const task of tasks) await task.hears(line);
  }
  await site.until(() => site.visits[4]?.frames?.length === 50);
  tellAll("four");
  for (const task of tasks) {
    await task.hears("four");
    assert.deepEqual(task.story, ["STARTED", "one", "two", "three", "four"]);
  }
  assert.deepEqual(site.asked, ["ws", "sse", "sse", "ws", "ws"]);
  await site.until(() => site.open.size === 1);
});

test("more than a hundred are two connections", async () => {
  const tasks = followMany(101, { transports: ["ws"] });
  for (const task of tasks) await task.hears("STARTED");
  assert.deepEqual(site.visits.map(({ frames }) => frames?.length ?? 0), [100, 0]);
});

for (const [transports, answer] of /** @type {const} */ ([[TRANSPORTS, 404], [["sse"], 414], [["poll"], 400]])) {
  test(`each goes by itself where several in one request are answered with ${answer}`, async () => {
    for (const transport of TRANSPORTS) {
      site.behaviour[transport] = (visit) => {
        if (!visit.isShared) site.follow(visit);
        else if (transport === "ws") visit.cut();
        else visit.refuse(answer, { "Content-Type": "text/html" });
      };
    }
    const tasks = followMany(3, { transports });
    for (const task of tasks) await task.hears("STARTED");
    const good = site.visits.filter(({ isShared }) => !isShared).map(({ transport }) => transport);
    assert.deepEqual(good.slice(0, 3), Array(3).fill(transports[0]));
  });
}

describe("a task that two parts of a page show", () => {
  test("is followed once, and told to both, also who comes late", async () => {
    site.status("STARTED");
    const one = follow("t", { token: "a" });
    await one.hears("STARTED");
    const two = follow("t", { token: "b" });
    await two.hears("STARTED");
    one.watch.close();
    await one.watch.finished;
    site.status("SUCCESS");
    await two.watch.finished;
    assert.deepEqual([one.story, two.story, site.visits.length], [["STARTED"], ["STARTED", "SUCCESS"], 1]);
  });

  test("is refused to whose token is bad", async () => {
    site.status("STARTED");
    site.behaviour.ws = (visit) => {
      if (visit.query.get("token") === "good") site.follow(visit);
      else visit.refuse(4403);
    };
    const bad = follow("t", { token: "bad" });
    const good = follow("t", { token: "good" });
    assert.equal((await bad.watch.finished).code, 403);
    await good.hears("STARTED");
    assert.equal(site.visits.length, 2);
  });
});

test("what may spoil a request goes by itself: an odd id or cursor, a long token", async () => {
  for (const task_id of ["a~b~", "a", "b", "\u0000"]) site.status("STARTED", { task_id });
  site.status("STARTED", { task_id: "long" });
  const token = "t";
  const tasks = [follow("a~b~", { token }), follow("a", { token }), follow("\u0000", { token })];
  tasks.push(follow("b", { token, after: "c1" }), follow("long", { token: "x".repeat(5_000) }));
  for (const task of tasks) await task.hears("STARTED");
  const shared = site.visits.filter(({ isShared }) => isShared);
  assert.deepEqual(shared.map(({ frames }) => frames?.map(({ task_id }) => task_id)), [["a~b~", "a"]]);
  assert.equal(site.visits.length, 4);
});

test("who has a token and who comes with the session's right alone go apart", async () => {
  for (const task_id of ["a", "b"]) site.status("STARTED", { task_id });
  const tasks = [follow("a", { token: "t" }), follow("b")];
  for (const task of tasks) await task.hears("STARTED");
  assert.deepEqual(site.visits.map(({ isShared }) => isShared), [false, false]);
});
