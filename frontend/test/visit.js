/** One request to a test's site, and ways to misbehave. */

/**
 * @typedef {object} Visit one request
 * @property {string} transport
 * @property {URLSearchParams} query
 * @property {Map<string, string | null>} tasks that it follows, and after which cursor
 * @property {boolean} isShared whether it has the address of several tasks
 * @property {import("node:http").IncomingMessage} request
 * @property {(...messages: any[]) => void} send
 * @property {() => void} end in good order
 * @property {() => void} cut
 * @property {(code: number, headers?: Record<string, string>) => void} refuse
 * @property {import("node:http").ServerResponse} [response]
 * @property {import("ws").WebSocket} [socket]
 * @property {any[]} [frames] that the client has sent
 */

/** @typedef {(visit: Visit) => void} Behaviour */

/**
 * What a request asks for: one task, in its path, or several.
 *
 * @param {URL} url
 */
export function asks({ pathname, searchParams: query }) {
  const [, transport = "", id] = /^(?:\/app)?\/(\w+)\/task_status\/(?:(.+)\/)?$/.exec(pathname) ?? [];
  /** @type {Map<string, string | null>} */
  const tasks = new Map();
  if (id) tasks.set(decodeURIComponent(id), query.get("after"));
  for (const task of query.getAll("task")) {
    const [, name = "", cursor] = /^(.*)~(.*)$/.exec(task) ?? [];
    tasks.set(name, cursor || null);
  }
  return { transport, query, tasks, isShared: !id };
}

/** Accepts, and never says anything. @type {Behaviour} */
export const mute = ({ transport, response }) => {
  // What a proxy that buffers shows of a stream.
  if (transport === "sse") response?.writeHead(200, { "Content-Type": "text/event-stream" }).flushHeaders();
};

/** @type {Behaviour} */
export const cut = (visit) => visit.cut();

/**
 * @param {number} code
 * @param {Record<string, string>} [headers]
 * @returns {Behaviour}
 */
export const refuse = (code, headers) => (visit) => visit.refuse(code, headers);
