/** What the protocol's schemas say is what these types say, and what the client passes on. */

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { test } from "node:test";
import { Ajv } from "ajv";
import yaml from "yaml";
import { Followed } from "./following.js";
import { freshPage } from "./page.js";
import { Site } from "./site.js";

const docs = new URL("../../docs/", import.meta.url);
const read = async (/** @type {string} */ name) => JSON.parse(await readFile(new URL(`schema/${name}`, docs), "utf8"));
const [message, ...others] = await Promise.all(
  ["message.json", "batch.json", "bundle.json", "frame.json", "problem.json"].map(read),
);
const ajv = new Ajv({ strict: true, allowUnionTypes: true, schemas: { "message.json": message } });
const check = ajv.compile(message);

/** @param {unknown} value */
const assertMessage = (value) => assert.ok(check(value), JSON.stringify([check.errors, value]));

freshPage();

/** Every key that a status has, in its least form. */
const STATUS = {
  ...{ name: null, progress: null, result: null, error: null, error_type: null, retries: 0, stalled: false },
  ...{ created_at: "2026-01-02T03:04:05.678901Z", started_at: null, updated_at: null, finished_at: null },
  ...{ parent_id: null, root_id: null, group_id: null },
};
const PROGRESS = { current: 1, total: 4, percent: 25, message: "rows", rate: 0.5, eta: null };
const LINE = { type: "log", task_id: "t", level: "info", message: "a line", at: "2026-01-02T03:04:05Z" };

test("the schemas are schemas", () => {
  for (const schema of others) ajv.compile(schema);
});

test("the AsyncAPI document is one, and its messages are those of the schema", async () => {
  /** @type {Record<string, any>} */
  const document = yaml.parse(await readFile(new URL("asyncapi.yaml", docs), "utf8"));
  const specification = createRequire(import.meta.url)("@asyncapi/specs/schemas/3.0.0-without-$id.json");
  const validator = new Ajv({ strict: false, validateFormats: false, logger: false });
  const valid = validator.compile(specification);
  assert.ok(valid(document), JSON.stringify(valid.errors?.slice(-3)));
  for (const name of ["status", "log", "problem"]) {
    /** @type {string[]} */
    const [file = "", path = ""] = document["components"].messages[name].payload.$ref.split("#");
    assert.equal(file, "schema/message.json");
    assert.ok(message.definitions[path.split("/").at(-1) ?? ""], path);
  }
});

test("the types have the keys of the schema", async () => {
  const source = await readFile(new URL("../src/types.js", import.meta.url), "utf8");
  for (const [type, name] of [["Status", "status"], ["Log", "log"], ["Progress", "progress"]]) {
    const block = new RegExp(`@typedef \\{object\\} ${type}\\n(.*?)\\*/`, "s").exec(source)?.[1] ?? "";
    const keys = [...block.matchAll(/@property \{.*?\} \[?(\w+)/g)].map(([, key]) => key);
    assert.deepEqual(keys.sort(), Object.keys(message.definitions[String(name)].properties).sort());
  }
});

test("the schema refuses what no client could read", () => {
  for (const wrong of [
    { type: "status" },
    { ...STATUS, type: "status", task_id: "t", cursor: "c", version: 0, state: "STARTED", ready: false },
    { ...LINE, cursor: "no cursor", version: 1 },
  ]) {
    assert.ok(!check(wrong), JSON.stringify(wrong));
  }
  assertMessage({ type: "of a later version", colour: "red" });
});

for (const transport of /** @type {const} */ (["ws", "sse", "poll"])) {
  test(`what the schema allows is passed on as it is over ${transport}`, async (context) => {
    const site = await new Site().start();
    context.after(() => site[Symbol.asyncDispose]());
    const followed = new Followed(site, { transports: [transport] });
    const told = [site.status("PROGRESS", { ...STATUS, progress: PROGRESS })];
    await followed.hears("PROGRESS");
    told.push(site.tell(LINE));
    await followed.hears("a line");
    told.push(site.status("SUCCESS", { ...STATUS, result: { rows: [1] } }));
    await followed.watch.finished;
    told.forEach(assertMessage);
    assert.deepEqual(followed.told, told);
  });
}
