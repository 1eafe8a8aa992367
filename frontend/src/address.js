/** @import { Place, Task, Transport } from "./types.js" */

/**
 * Return the tokens of tasks, each once.
 *
 * @param {Iterable<Task>} tasks
 */
export function tokensOf(tasks) {
  return [...new Set(Array.from(tasks, ({ token }) => token))].filter((token) => token);
}

/**
 * Return where tasks are read: one has an address of its own; several are named in the query, unless
 * they are subscribed to later. Of their tokens only one, the last, can be in a header.
 *
 * @param {Place} place
 * @param {Transport} transport
 * @param {Task[]} tasks
 * @param {Record<string, string>} [parameters]
 */
export function addressOf({ base, types }, { name, subscribes }, tasks, parameters) {
  const query = new URLSearchParams({ types, ...parameters });
  let path = "";
  if (tasks.length === 1) {
    const { id, cursor } = /** @type {Task} */ (tasks[0]);
    path = `${encodeURIComponent(id)}/`;
    if (cursor) query.set("after", cursor);
  } else if (!subscribes) {
    for (const { id, cursor = "" } of tasks) query.append("task", `${id}~${cursor}`);
    for (const token of tokensOf(tasks).slice(0, -1)) query.append("token", `${token}`);
  }
  return `${base}${name}/task_status/${path}?${query}`;
}
