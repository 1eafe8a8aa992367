/** A small server that speaks the protocol on real sockets, and can be told to misbehave. */

import { once } from "node:events";
import { createServer } from "node:http";
import { WebSocketServer } from "ws";

/**
 * @typedef {object} Visit one request
 * @property {string} transport
 * @property {URLSearchParams} query
 * @property {import("node:http").IncomingMessage} request
 * @property {(message: any) => void} send
 * @property {() => void} end in good order
 * @property {() => void} cut
 * @property {(code: number, headers?: Record<string, string>) => void} refuse
 * @property {import("node:http").ServerResponse} [response]
 * @property {import("ws").WebSocket} [socket]
 */

/** @typedef {(visit: Visit) => void} Behaviour */

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

export class Site {
  /** @type {any[]} everything that the task has told */
  history = [];
  /** @type {Visit[]} */
  visits = [];
  /** @type {Set<Visit>} those that wait for news */
  open = new Set();
  /** @type {Record<string, Behaviour>} instead of the good one, by transport */
  behaviour = {};
  #server = createServer((request, response) => this.#answer(request, response));
  #sockets = new WebSocketServer({ noServer: true });
  #visited = () => {};

  async start(port = 0) {
    this.#server.on("upgrade", (request, socket, head) => this.#upgrade(request, socket, head));
    this.#server.listen(port, "127.0.0.1");
    await once(this.#server, "listening");
    return this;
  }

  get url() {
    const { port } = /** @type {import("node:net").AddressInfo} */ (this.#server.address());
    return `http://127.0.0.1:${port}/`;
  }

  async [Symbol.asyncDispose]() {
    for (const { cut } of this.open) cut();
    for (const client of this.#sockets.clients) client.terminate();
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  /** The transports that were asked for, in order. */
  get asked() {
    return this.visits.map(({ transport }) => transport);
  }

  /**
   * Return a visit, waiting for it.
   *
   * @param {number} index
   * @returns {Promise<Visit>}
   */
  async visit(index) {
    while (!this.visits[index]) await new Promise((resolve) => (this.#visited = () => resolve(0)));
    return /** @type {Visit} */ (this.visits[index]);
  }

  /**
   * @param {string} state
   * @param {Record<string, any>} [more]
   */
  status(state, more) {
    const ready = ["SUCCESS", "FAILURE"].includes(state);
    return this.tell({ type: "status", task_id: "t", state, ready, progress: null, ...more });
  }

  /** @param {string} line */
  log(line) {
    return this.tell({ type: "log", task_id: "t", level: "info", message: line });
  }

  /** @param {Record<string, any>} fields */
  tell(fields) {
    const version = (this.history.at(-1)?.version ?? 0) + 1;
    const message = { cursor: `c${version}`, version, ...fields };
    this.history.push(message);
    for (const { send } of [...this.open]) send(message);
    return message;
  }

  /** @param {Visit} visit */
  #serve(visit) {
    this.visits.push(visit);
    this.#visited();
    const behave = this.behaviour[visit.transport];
    if (behave) behave(visit);
    else this.follow(visit);
  }

  /** Behave well. @param {Visit} visit */
  follow(visit) {
    const after = visit.query.get("after");
    const place = this.history.findIndex(({ cursor }) => cursor === after);
    const snapshot = this.history.filter(({ type }) => type === "status").slice(-1);
    const unknown = after !== null && place < 0;
    const messages = place < 0 ? snapshot : this.history.slice(place + 1);
    if (!messages.length && snapshot[0]?.ready) {
      if (visit.transport === "poll") messages.push(...snapshot);
      else visit.end();
    }
    for (const message of messages) visit.send(unknown ? { ...message, reset: true } : message);
    if (visit.transport !== "poll" || !messages.length) this.open.add(visit);
  }

  /**
   * @param {import("node:http").IncomingMessage} request
   * @param {import("node:http").ServerResponse} response
   */
  #answer(request, response) {
    const { pathname, searchParams: query } = new URL(request.url ?? "", this.url);
    const transport = pathname.split("/")[1] ?? "";
    const stop = () => this.open.delete(visit);
    /** @type {Visit} */
    const visit = {
      transport,
      query,
      request,
      response,
      send: (message) => (transport === "sse" ? stream(message) : answer([message])),
      end: () => {
        stop();
        if (!response.headersSent) response.writeHead(204);
        response.end();
      },
      cut: () => {
        stop();
        response.destroy();
      },
      refuse: (code, headers) => void response.writeHead(code, headers).end(),
    };
    const begin = () => {
      if (response.headersSent) return;
      response.writeHead(200, { "Content-Type": "text/event-stream; charset=utf-8" });
      response.write("retry: 0\n: hello\n\n");
    };
    /** @param {any} message */
    const stream = (message) => {
      begin();
      response.write(`event: ${message.type}\nid: ${message.cursor}\ndata: ${JSON.stringify(message)}\n\n`);
      if (message.ready) visit.end();
    };
    /** @param {any[]} messages */
    const answer = (messages) => {
      stop();
      const { cursor, ready = false } = messages.at(-1);
      response.writeHead(200, { "Content-Type": "application/json" });
      response.end(JSON.stringify({ messages, cursor, ready }));
    };
    response.on("close", stop);
    this.#serve(visit);
    if (transport === "sse" && this.open.has(visit)) begin();
  }

  /**
   * @param {import("node:http").IncomingMessage} request
   * @param {import("node:stream").Duplex} raw
   * @param {Buffer} head
   */
  #upgrade(request, raw, head) {
    const { searchParams: query } = new URL(request.url ?? "", this.url);
    const refused = () => raw.destroy();
    if (this.behaviour.ws === cut) {
      this.visits.push({ transport: "ws", query, request, send() {}, end() {}, cut: refused, refuse() {} });
      this.#visited();
      refused();
      return;
    }
    this.#sockets.handleUpgrade(request, raw, head, (socket) => {
      /** @type {Visit} */
      const visit = {
        transport: "ws",
        query,
        request,
        socket,
        send: (message) => {
          socket.send(JSON.stringify(message));
          if (message.ready) visit.end();
        },
        end: () => socket.close(1000),
        cut: () => socket.terminate(),
        refuse: (code) => socket.close(code),
      };
      socket.on("close", () => this.open.delete(visit));
      this.#serve(visit);
    });
  }
}
