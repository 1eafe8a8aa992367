/** Following many tasks on one page. */

import { follow, followed, site } from "./following.js";

/** @import { WatchOptions } from "../src/types.js" */

/** Of about the length of a signed one. */
const tokenOf = (/** @type {string} */ id) => `${"x".repeat(40)}:${"y".repeat(6)}:${"z".repeat(42)}-${id}`;

export const id = (/** @type {number} */ number) => `${number}`.padStart(36, "0");

/**
 * Follow so many tasks, each with a token of its own.
 *
 * @param {number} count
 * @param {WatchOptions} [options]
 */
export function followMany(count, options) {
  const ids = Array.from({ length: count }, (_, number) => id(number));
  for (const task_id of ids) site.status("STARTED", { task_id });
  return ids.map((name) => follow({ token: tokenOf(name), ...options }, name));
}

/**
 * Let each task that is followed write a line.
 *
 * @param {string} line
 */
export function tellAll(line) {
  for (const { watch } of followed) site.tell({ type: "log", task_id: watch.status?.task_id, message: line });
}
