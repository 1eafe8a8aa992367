import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { follow, freshSite, site } from "./following.js";
import { freshPage } from "./page.js";
import { cut, mute, refuse } from "./visit.js";

const current = freshPage();
freshSite();

test("goes on over SSE when WebSocket is refused, and over long-poll when SSE is, too", async () => {
  site.status("STARTED");
  site.behaviour = { ws: cut, sse: refuse(405) };
  const task = follow();
  await task.hears("STARTED");
  assert.deepEqual(site.asked.slice(0, 3), ["ws", "sse", "poll"]);
});

test("notices a WebSocket that is accepted and mute, and an SSE stream that a proxy holds back", async () => {
  site.status("STARTED");
  site.behaviour = { ws: mute, sse: mute };
  const task = follow();
  await task.is("open");
  current.page.clock.advance(5_000);
  await site.visit(1);
  // The second failure in a row gives the network more time.
  current.page.clock.advance(10_000);
  await task.hears("STARTED");
  assert.deepEqual(site.asked.slice(0, 3), ["ws", "sse", "poll"]);
});

for (const [transport, next] of [["ws", "sse"], ["sse", "poll"]]) {
  test(`notices that ${transport} goes mute on the way, and goes on from its cursor over ${next}`, async () => {
    site.status("STARTED");
    const task = follow({ transports: /** @type {any} */ ([transport, next]) });
    await task.hears("STARTED");
    site.open.clear();
    site.log("swallowed");
    current.page.clock.advance(25_600);
    await task.hears("swallowed");
    assert.deepEqual(site.asked.slice(0, 2), [transport, next]);
    assert.equal((await site.visit(1)).query.get("after"), "c1");
  });
}

test("a heartbeat is a sign of life, and is told to nobody", async () => {
  site.status("STARTED");
  const task = follow();
  await task.hears("STARTED");
  const { send } = await site.visit(0);
  for (let beat = 0; beat < 4; beat++) {
    current.page.clock.advance(20_000);
    send({ type: "heartbeat" });
    send({ type: "a later version's" });
    site.log(`${beat}`);
    await task.hears(`${beat}`);
  }
  assert.deepEqual(site.asked, ["ws"]);
  assert.equal(task.told.length, 5);
});

test("what had worked gets a second chance when the server dies, and no storm comes of it", async () => {
  site.status("STARTED");
  current.page.random = 1;
  const task = follow();
  await task.hears("STARTED");
  const { url } = site;
  site.behaviour = { ws: cut, sse: cut, poll: cut };
  for (const visit of [...site.open]) visit.cut();
  for (let second = 0; second < 60; second++) {
    await task.is("waiting");
    current.page.clock.advance(1_000);
    await new Promise(setImmediate);
  }
  assert.ok(site.asked.length <= 9, `${site.asked.length} requests in a minute`);
  assert.deepEqual(site.asked.slice(0, 3), ["ws", "ws", "sse"]);
  site.behaviour = {};
  site.status("SUCCESS");
  current.page.clock.advance(60_000);
  assert.equal((await task.watch.finished).reason, "ready");
  assert.deepEqual(task.story, ["STARTED", "SUCCESS"]);
  assert.equal(site.url, url);
});

for (const code of [400, 403, 404, 410]) {
  test(`asks once when the answer is ${code}`, async () => {
    for (const transport of /** @type {const} */ (["sse", "poll"])) {
      site.behaviour[transport] = refuse(code);
      const end = await follow({ transports: [transport] }).watch.finished;
      assert.deepEqual([end.reason, end.code], ["refused", code]);
    }
    assert.equal(site.visits.length, 2);
  });
}

for (const code of [4400, 4403, 4404]) {
  test(`asks once when a WebSocket is closed with ${code}`, async () => {
    site.behaviour.ws = refuse(code);
    const end = await follow().watch.finished;
    assert.deepEqual([end.reason, end.code, site.visits.length], ["refused", code - 4000, 1]);
  });
}

for (const code of [1001, 1012, 4408, 4412, 4429]) {
  test(`comes back to the same transport after ${code}`, async () => {
    site.status("STARTED");
    const task = follow();
    await task.hears("STARTED");
    site.visits[0]?.refuse(code);
    assert.equal((await site.visit(1)).transport, "ws");
    assert.equal(site.visits[1]?.query.get("after"), "c1");
  });
}

test("a connection that is closed with 1000 is not the end of the task", async () => {
  site.status("STARTED");
  const task = follow();
  await task.hears("STARTED");
  site.visits[0]?.end();
  await site.visit(1);
  site.status("SUCCESS");
  assert.equal((await task.watch.finished).status?.state, "SUCCESS");
});

test("waits as long as the server asks", async () => {
  site.behaviour.poll = refuse(503, { "Retry-After": "7" });
  const task = follow({ transports: ["poll"] });
  await task.is("waiting");
  assert.equal(task.watch.connection?.delay, 7_000);
  current.page.clock.advance(6_999);
  assert.equal(task.watch.connection?.state, "waiting");
  current.page.clock.advance(1);
  await site.visit(1);
});

test("waits as long as the stream's retry says before it comes back to it", async () => {
  site.behaviour.sse = ({ response }) => {
    response?.writeHead(200, { "Content-Type": "text/event-stream" });
    response?.end("retry: 2500\n\n");
  };
  const task = follow({ transports: ["sse"] });
  await task.is("waiting");
  assert.equal(task.watch.connection?.delay, 2_500);
});

test("a login page is not taken for a stream", async () => {
  site.status("STARTED");
  site.behaviour.sse = ({ response }) => {
    response?.writeHead(200, { "Content-Type": "text/html" }).end("<form>");
  };
  await follow({ transports: ["sse", "poll"] }).hears("STARTED");
});

describe("a token", () => {
  test("is asked for again when it has expired, once", async () => {
    site.status("STARTED");
    let number = 0;
    const task = follow({ token: async () => `token ${++number}` });
    await task.hears("STARTED");
    site.behaviour.ws = (visit) => {
      if (visit.query.get("token") === "token 1") visit.refuse(4403);
      else site.follow(visit);
    };
    site.visits[0]?.refuse(4412);
    site.log("later");
    await task.hears("later");
    assert.equal(number, 2);
    site.behaviour.ws = refuse(4403);
    site.visits.at(-1)?.refuse(4403);
    const end = await task.watch.finished;
    assert.deepEqual([end.reason, end.code, number], ["refused", 403, 3]);
  });

  test("that is no good from the beginning is not asked for again", async () => {
    site.behaviour.ws = refuse(4403);
    let asked = 0;
    const end = await follow({ token: () => `${asked++}` }).watch.finished;
    assert.deepEqual([end.code, asked], [403, 1]);
  });

  test("that can't be had just now is asked for later", async () => {
    site.status("STARTED");
    let asked = 0;
    const token = async () => {
      if (!asked++) throw new Error("no network");
      return "token";
    };
    await follow({ token }).hears("STARTED");
    assert.equal(asked, 2);
  });
});

describe("the tab", () => {
  test("remembers for some minutes which transport worked", async () => {
    site.status("STARTED");
    site.behaviour.ws = cut;
    await follow().hears("STARTED");
    const before = site.visits.length;
    // Other types: a connection of its own.
    await follow({ types: [] }).hears("STARTED");
    assert.equal(site.asked[before], "sse");
    current.page.clock.time += 300_001;
    const again = site.visits.length;
    await follow({ types: ["log", "later"] }).hears("STARTED");
    assert.equal(site.asked[again], "ws");
  });

  test("climbs back up once a better transport works again, and misses nothing", async () => {
    site.status("STARTED");
    site.behaviour.ws = cut;
    const task = follow({ transports: ["ws", "poll"] });
    await task.hears("STARTED");
    site.behaviour = {};
    current.page.clock.advance(30_000);
    current.page.clock.advance(30_000);
    await task.until(() => task.watch.connection?.transport === "ws" && task.watch.connection.state === "open");
    site.log("line");
    await task.hears("line");
    assert.deepEqual(task.story, ["STARTED", "line"]);
    const last = site.visits.at(-1);
    assert.deepEqual([last?.transport, last?.query.get("after")], ["ws", "c1"]);
  });

  test("comes back at once when there is a network again", async () => {
    site.status("STARTED");
    current.page.random = 1;
    const task = follow({ transports: ["ws"] });
    await task.hears("STARTED");
    current.page.clock.time += 10_000;
    site.visits[0]?.cut();
    await task.is("waiting");
    current.page.fire("online");
    await site.visit(1);
  });

  test("asks anew when it wakes and the connection has been silent for too long", async () => {
    site.status("STARTED");
    const task = follow();
    await task.hears("STARTED");
    current.page.fire("visibilitychange");
    current.page.clock.time += 3_600_000;
    current.page.fire("visibilitychange");
    const visit = await site.visit(1);
    assert.deepEqual([visit.transport, visit.query.get("after")], ["ws", "c1"]);
  });

  test("lets go when the page is left, and goes on when it is shown again", async () => {
    site.status("STARTED");
    const task = follow();
    await task.hears("STARTED");
    current.page.fire("pagehide");
    await task.is("waiting");
    site.log("meanwhile");
    current.page.clock.advance(100_000);
    assert.equal(site.visits.length, 1);
    current.page.fire("pageshow");
    await task.hears("meanwhile");
    assert.equal(site.visits.length, 2);
  });
});
