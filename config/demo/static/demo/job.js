/**
 * The page of a job: a column per transport, each with a connection of its own, and one that
 * picks the transport by itself.
 *
 * @module
 */

import { watch } from "../taskstatus/watch.js";
import { Column } from "./column.js";

const COLUMNS = [
  { id: "ws", title: "WebSocket" },
  { id: "sse", title: "Server-Sent Events" },
  { id: "poll", title: "Long-poll" },
  { id: "auto", title: "Automatic" },
];

/** @param {string} id */
const json = (id) => JSON.parse(document.getElementById(id)?.textContent ?? "");
const { taskId, state, ...options } = json("task");
const cuts = json("cuts");
const columns = /** @type {HTMLElement} */ (document.getElementById("columns"));
const announcer = /** @type {HTMLElement} */ (document.getElementById("announcer"));

for (const { id, title } of COLUMNS) {
  const isAutomatic = id === "auto";
  const column = new Column(id, title, state);
  columns.append(column.element);
  if (!isAutomatic) column.showCut(cuts.includes(id), (isCut) => cut(id, isCut));
  const task = watch(taskId, isAutomatic ? options : { ...options, transports: [id] });
  /** @param {any} event */
  const show = ({ detail }) => {
    column.show(detail);
    // All columns say the same: a screen reader shall hear it once.
    if (isAutomatic && detail.type === "status") announce(detail.state);
  };
  task.addEventListener("status", show);
  task.addEventListener("log", show);
  task.addEventListener("connection", (/** @type {any} */ event) => column.showConnection(event.detail));
  task.addEventListener("end", (/** @type {any} */ event) => column.showEnd(event.detail));
}

/**
 * @param {string} transport
 * @param {boolean} isCut
 */
async function cut(transport, isCut) {
  const token = /** @type {HTMLInputElement} */ (document.querySelector("[name=csrfmiddlewaretoken]")).value;
  const body = new URLSearchParams({ transport, cut: String(isCut) });
  await fetch("cut/", { method: "POST", headers: { "X-CSRFToken": token }, body });
}

/** @param {string} text */
function announce(text) {
  const sentence = `The task is in state ${text}`;
  if (announcer.textContent !== sentence) announcer.textContent = sentence;
}
