import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { Refusal, watch } from "../src/watch.js";
import { Followed, freshSite, site } from "./following.js";
import { freshPage } from "./page.js";

const current = freshPage();
freshSite();

for (const transport of /** @type {const} */ (["ws", "sse", "poll"])) {
  describe(`over ${transport}`, () => {
    const transports = [transport];

    test("tells the snapshot, what follows, and the end", async () => {
      site.status("STARTED");
      const task = new Followed(site, { transports });
      await task.hears("STARTED");
      site.log("a line");
      await task.hears("a line");
      site.status("SUCCESS", { result: 7 });
      const end = await task.watch.finished;
      assert.deepEqual(task.story, ["STARTED", "a line", "SUCCESS"]);
      assert.deepEqual([end.reason, end.status?.result], ["ready", 7]);
      assert.equal(task.watch.connection?.state, "over");
      await new Promise(setImmediate);
      assert.deepEqual(current.page.clock.timers, []);
    });

    test("goes on from its cursor when it is cut, and repeats nothing", async () => {
      site.status("STARTED");
      const task = new Followed(site, { transports });
      await task.hears("STARTED");
      if (transport === "poll") await site.visit(1);
      const last = site.visits.length - 1;
      site.visits[last]?.cut();
      const visit = await site.visit(last + 1);
      assert.equal(visit.query.get("after"), "c1");
      site.log("missed");
      site.status("SUCCESS");
      await task.watch.finished;
      assert.deepEqual(task.story, ["STARTED", "missed", "SUCCESS"]);
    });

    test("takes a task that ended before it came", async () => {
      site.status("FAILURE", { error: "broken" });
      const end = await new Followed(site, { transports }).watch.finished;
      assert.deepEqual([end.reason, end.status?.error], ["ready", "broken"]);
      assert.equal(site.visits.length, 1);
    });

    test("finds the end when nothing follows the cursor that it was given", async () => {
      site.status("SUCCESS");
      const task = new Followed(site, { transports, after: "c1" });
      assert.equal((await task.watch.finished).reason, "ready");
      assert.deepEqual(task.story, ["SUCCESS"]);
    });

    test("takes a reset for what it is", async () => {
      for (let version = 1; version <= 9; version++) site.status("PROGRESS");
      const task = new Followed(site, { transports });
      await task.hears("PROGRESS");
      if (transport === "poll") await site.visit(1);
      // The store was flushed: another epoch.
      site.history = [];
      site.tell({ type: "status", state: "STARTED", cursor: "d1" });
      for (const visit of [...site.open]) visit.cut();
      await task.hears("STARTED");
      site.tell({ type: "status", state: "SUCCESS", ready: true, cursor: "d2" });
      await task.watch.finished;
      assert.deepEqual(task.story.slice(-2), ["STARTED", "SUCCESS"]);
    });

    test("asks for what it wants", async () => {
      site.status("STARTED");
      const task = new Followed(site, { transports, token: async () => "se:cret" });
      await task.hears("STARTED");
      const { query, request } = await site.visit(0);
      assert.equal(query.get("types"), "status,log");
      const given = transport === "ws" ? query.get("token") : request.headers.authorization;
      assert.equal(given, transport === "ws" ? "se:cret" : "Bearer se:cret");
      assert.equal(query.get("heartbeat"), transport === "ws" ? "1" : null);
      task.watch.close();
      assert.equal((await task.watch.finished).reason, "stopped");
    });
  });
}

test("is a loop over messages that ends with the task", async () => {
  site.status("STARTED");
  const states = [];
  for await (const message of watch("t", { url: site.url })) {
    states.push(message.type === "status" ? message.state : message.message);
    if (states.length === 1) site.log("a line");
    if (states.length === 2) site.status("SUCCESS");
  }
  assert.deepEqual(states, ["STARTED", "a line", "SUCCESS"]);
});

test("a loop that is slow gets the newest progress, and every line", async () => {
  site.status("STARTED");
  const task = new Followed(site);
  const loop = task.watch[Symbol.asyncIterator]();
  assert.equal((await loop.next()).value?.version, 1);
  const next = loop.next();
  for (const message of ["one", "two"]) {
    site.status("PROGRESS");
    site.status("PROGRESS");
    site.log(message);
  }
  site.status("SUCCESS");
  await task.watch.finished;
  const rest = [(await next).value];
  for await (const message of loop) rest.push(message);
  const versions = rest.map((message) => message?.version);
  assert.deepEqual(versions.filter((version) => version !== 2 && version !== 5), [3, 4, 6, 7, 8].filter((version) => versions.includes(version)));
  for (const version of [4, 7, 8]) assert.ok(versions.includes(version));
});

test("leaving a loop closes the connection", async () => {
  site.status("STARTED");
  const followed = watch("t", { url: site.url });
  for await (const message of followed) {
    assert.equal(message.version, 1);
    break;
  }
  assert.equal((await followed.finished).reason, "stopped");
});

test("a loop throws when the server refuses", async () => {
  site.behaviour.ws = (visit) => visit.refuse(4403);
  const loop = watch("t", { url: site.url })[Symbol.asyncIterator]();
  await assert.rejects(loop.next(), (error) => error instanceof Refusal && error.code === 403);
});

test("an AbortSignal ends it, also before it has begun", async () => {
  site.status("STARTED");
  const stopped = watch("t", { url: site.url, signal: AbortSignal.abort() });
  assert.equal((await stopped.finished).reason, "stopped");
  assert.equal(site.visits.length, 0);
  const controller = new AbortController();
  const task = new Followed(site, { signal: controller.signal });
  await task.hears("STARTED");
  controller.abort();
  assert.equal((await task.watch.finished).reason, "stopped");
});

test("encodes the id, and keeps to the folder that the site is in", async () => {
  const task = watch("a/b ü?", { url: `${site.url}app` });
  const { request } = await site.visit(0);
  assert.match(request.url ?? "", /^\/app\/ws\/task_status\/a%2Fb%20%C3%BC%3F\/\?/);
  task.close();
});

test("says what is wrong with a transport's name", () => {
  // @ts-expect-error there is no such transport
  assert.throws(() => watch("t", { transports: ["carrier pigeon"] }), /expected ws, sse or poll/);
});
