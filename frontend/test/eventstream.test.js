import assert from "node:assert/strict";
import { test } from "node:test";
import { eventReader } from "../src/transports.js";

/** @param {string[]} chunks */
function read(...chunks) {
  /** @type {unknown[]} */
  const got = [];
  const feed = eventReader((data) => got.push(data), (ms) => got.push(ms));
  chunks.forEach(feed);
  return got;
}

test("reads the standard's own examples", () => {
  assert.deepEqual(read("data: YHOO\ndata: +2\ndata: 10\n\n"), ["YHOO\n+2\n10"]);
  assert.deepEqual(read(": test stream\n\ndata: first event\nid: 1\n\ndata:second event\nid\n\ndata:  third event\n"), ["first event", "second event"]);
  assert.deepEqual(read("data\n\ndata\ndata\n\ndata:"), ["", "\n"]);
  assert.deepEqual(read("data:test\n\ndata: test\n\n"), ["test", "test"]);
});

test("takes any line end, and any cut", () => {
  const text = "retry: 1200\r\nevent: status\rid: 7\r\ndata: {\"a\":\r\ndata: 1}\r\n\r\n: comment\r\rdata: b\n\n";
  const whole = read(text);
  assert.deepEqual(whole, [1200, '{"a":\n1}', "b"]);
  for (let at = 1; at < text.length; at++) assert.deepEqual(read(text.slice(0, at), text.slice(at)), whole);
  assert.deepEqual(read(...text), whole);
});

test("takes only digits for a retry", () => {
  assert.deepEqual(read("retry: 1e3\n\nretry: \n\nretry: -1\n\n"), []);
});
