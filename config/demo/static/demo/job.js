/**
 * The page of a job: one column per transport, each with a connection of its own.
 *
 * @module
 */

import { followEvents, followPolls, followWebSocket } from "../frontend/follow.js";
import { Column } from "./column.js";

const task = JSON.parse(/** @type {HTMLElement} */ (document.getElementById("task")).textContent ?? "");
const columns = /** @type {HTMLElement} */ (document.getElementById("columns"));
const announcer = /** @type {HTMLElement} */ (document.getElementById("announcer"));

const TRANSPORTS = [
  { id: "ws", title: "WebSocket", follow: followWebSocket },
  { id: "sse", title: "Server-Sent Events", follow: followEvents },
  { id: "poll", title: "Long-poll", follow: followPolls },
];

for (const { id, title, follow } of TRANSPORTS) {
  const column = new Column(id, title, task.state);
  columns.append(column.element);
  follow(task, {
    onMessage: (message) => {
      column.show(message);
      // Three columns say the same: a screen reader shall hear it once.
      if (id === "ws" && message.type === "status") announce(message.state);
    },
    onConnection: (connection) => column.showConnection(connection),
  }).then((end) => column.showEnd(end));
}

/** @param {string} state */
function announce(state) {
  const text = `The task is in state ${state}`;
  if (announcer.textContent !== text) announcer.textContent = text;
}
