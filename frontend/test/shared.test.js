import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { follow, freshSite, site } from "./following.js";
import { followMany, id, tellAll } from "./many.js";
import { freshPage } from "./page.js";

/** @import { Followed } from "./following.js" */

const current = freshPage();
freshSite();

for (const transport of /** @type {const} */ (["ws", "sse", "poll"])) {
  describe(`many tasks over ${transport}`, () => {
    const options = { transports: [transport] };

    test("share at most two connections, with the token of each, and are told all, once", async () => {
      const tasks = followMany(50, options);
      for (const task of tasks) await task.hears("STARTED");
      assert.equal(site.visits.length, transport === "ws" ? 1 : 2);
      const { frames = [], query, request } = await site.visit(0);
      const given = transport === "ws" ? frames.map(({ token }) => token) : query.getAll("token");
      const { authorization } = request.headers;
      assert.equal(given.length + Number(Boolean(authorization)), transport === "ws" ? 50 : query.getAll("task").length);
      for (const { request } of site.visits) assert.ok(`${request.url}`.length <= 7_000, request.url);
      tellAll("line");
      for (const task of tasks) await task.hears("line");
      assert.ok(site.open.size <= 2);
      for (const { watch } of tasks) site.status("SUCCESS", { task_id: watch.status?.task_id });
      for (const task of tasks) {
        assert.equal((await task.watch.finished).reason, "ready");
        assert.deepEqual(task.story, ["STARTED", "line", "SUCCESS"]);
      }
      await new Promise(setImmediate);
      assert.deepEqual(current.page.clock.timers, []);
    });

    test("go on from everybody's cursor when they are cut", async () => {
      const [one, two] = /** @type {[Followed, Followed]} */ (followMany(2, options));
      await one.hears("STARTED");
      await two.hears("STARTED");
      if (transport === "poll") await site.visit(1);
      const last = site.visits.length - 1;
      site.visits[last]?.cut();
      const visit = await site.visit(last + 1);
      tellAll("missed");
      await one.hears("missed");
      await two.hears("missed");
      assert.deepEqual([...visit.tasks], [[id(0), "c1"], [id(1), "c2"]]);
      assert.deepEqual([one.story, two.story], [["STARTED", "missed"], ["STARTED", "missed"]]);
    });

    test("one more comes and one leaves, and the others notice nothing", async () => {
      site.status("STARTED", { task_id: "late" });
      const [one, two] = /** @type {[Followed, Followed]} */ (followMany(2, options));
      await one.hears("STARTED");
      await two.hears("STARTED");
      const late = follow({ ...options, token: "t" }, "late");
      if (transport !== "ws") {
        // Not more often than once in a second.
        await new Promise(setImmediate);
        if (transport === "sse") assert.equal(site.visits.length, 1);
        current.page.clock.advance(1_000);
      }
      await late.hears("STARTED");
      assert.equal(site.open.size <= 1 && site.visits.every(({ isShared }) => isShared), true);
      two.watch.close();
      await new Promise(setImmediate);
      current.page.clock.advance(1_000);
      await site.until(() => [...site.open].some(({ tasks }) => tasks.size === 2 && tasks.has("late")));
      site.status("SUCCESS", { task_id: "late" });
      site.tell({ type: "log", task_id: id(0), message: "line" });
      await one.hears("line");
      assert.deepEqual([one.story, two.story, late.story], [["STARTED", "line"], ["STARTED"], ["STARTED", "SUCCESS"]]);
      if (transport === "ws") assert.equal(site.visits.length, 1);
      one.watch.close();
      await one.watch.finished;
      await site.until(() => !site.open.size);
    });

    test("one that is refused does not end the others", async () => {
      const [bad, good] = /** @type {[Followed, Followed]} */ (followMany(2, options));
      site.refused.set(id(0), 404);
      const { reason, code } = await bad.watch.finished;
      assert.deepEqual([reason, code], ["refused", 404]);
      site.status("SUCCESS", { task_id: id(1) });
      assert.equal((await good.watch.finished).reason, "ready");
      assert.ok(site.visits.filter(({ tasks }) => tasks.has(id(0))).length <= 1);
    });

    test("one whose token expires gets another", async () => {
      let number = 0;
      const [one, two] = /** @type {[Followed, Followed]} */ (followMany(2, { ...options, token: async () => `token ${++number}` }));
      await one.hears("STARTED");
      await two.hears("STARTED");
      if (transport === "poll") await site.visit(1);
      site.visits.at(-1)?.send({ type: "problem", task_id: id(0), status: 403 });
      await one.until(() => number === 3);
      current.page.clock.advance(1_000);
      const asked = (/** @type {any} */ { query, frames = [], request }) =>
        [...query.getAll("token"), ...frames.map((/** @type {any} */ { token }) => token), request.headers.authorization].join();
      await site.until(() => site.visits.some((visit) => asked(visit).includes("token 3")));
      tellAll("later");
      await one.hears("later");
      await two.hears("later");
      assert.equal(number, 3);
    });
  });
}
