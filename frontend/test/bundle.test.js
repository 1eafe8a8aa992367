import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { test } from "node:test";
import { gzipSync } from "node:zlib";
import { bundle } from "../bundle.js";

const LIMIT_BYTES = 8 * 1024;

test("what pages load is made of the modules as they are now", async () => {
  const kept = await readFile(new URL("../src/task-status.min.js", import.meta.url), "utf8");
  assert.equal(kept, await bundle(), "run: npm run bundle");
});

test("what pages load is small", async () => {
  const { length } = gzipSync(await bundle(), { level: 9 });
  assert.ok(length <= LIMIT_BYTES, `${length} bytes`);
});
