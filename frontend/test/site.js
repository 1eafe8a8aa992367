/** A small server that speaks the protocol on real sockets, and can be told to misbehave. */

import { once } from "node:events";
import { createServer } from "node:http";
import { WebSocketServer } from "ws";
import { asks, cut } from "./visit.js";

/** @import { Behaviour, Visit } from "./visit.js" */

export class Site {
  /** @type {any[]} everything that the tasks have told */
  history = [];
  /** @type {Map<string, number>} the status of a problem, by task */
  refused = new Map();
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
    await this.until(() => this.visits[index]);
    return /** @type {Visit} */ (this.visits[index]);
  }

  /** Wait until something holds. @param {() => unknown} condition */
  async until(condition) {
    while (!condition()) await new Promise((resolve) => (this.#visited = () => resolve(0)));
  }

  /**
   * @param {string} state
   * @param {Record<string, any>} [more]
   */
  status(state, more) {
    const ready = ["SUCCESS", "FAILURE"].includes(state);
    return this.tell({ type: "status", state, ready, progress: null, ...more });
  }

  /** @param {string} line */
  log(line) {
    return this.tell({ type: "log", level: "info", message: line });
  }

  /** @param {Record<string, any>} fields */
  tell(fields) {
    const version = (this.history.at(-1)?.version ?? 0) + 1;
    const message = { cursor: `c${version}`, version, task_id: "t", ...fields };
    this.history.push(message);
    for (const { tasks, send } of [...this.open]) if (tasks.has(message.task_id)) send(message);
    return message;
  }

  /** @param {Visit} visit */
  #serve(visit) {
    this.visits.push(visit);
    const behave = this.behaviour[visit.transport];
    if (behave) behave(visit);
    else this.follow(visit);
    this.#visited();
  }

  /** Behave well. @param {Visit} visit */
  follow(visit) {
    const news = [...visit.tasks].flatMap(([id, after]) => this.#news(visit, id, after));
    if (news.length) visit.send(...news);
    if (visit.transport !== "poll" || !news.length) this.open.add(visit);
  }

  /**
   * @param {Visit} visit
   * @param {string} id
   * @param {string | null} after
   */
  #news(visit, id, after) {
    const status = this.refused.get(id);
    if (status) return [{ type: "problem", task_id: id, status }];
    const history = this.history.filter(({ task_id }) => task_id === id);
    const place = history.findIndex(({ cursor }) => cursor === after);
    const snapshot = history.filter(({ type }) => type === "status").slice(-1);
    const messages = place < 0 ? snapshot : history.slice(place + 1);
    if (!messages.length && snapshot[0]?.ready) {
      if (visit.transport === "poll") return snapshot;
      if (!visit.isShared) visit.end();
    }
    return messages.map((message) => (after && place < 0 ? { ...message, reset: true } : message));
  }

  /**
   * @param {import("node:http").IncomingMessage} request
   * @param {import("node:http").ServerResponse} response
   */
  #answer(request, response) {
    const asked = asks(new URL(request.url ?? "", this.url));
    const { transport } = asked;
    const stop = () => {
      this.open.delete(visit);
      this.#visited();
    };
    /** @type {Visit} */
    const visit = {
      ...asked,
      request,
      response,
      send: (...messages) => (transport === "sse" ? messages.forEach(stream) : answer(messages)),
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
      if (message.ready || message.type === "problem") visit.tasks.delete(message.task_id);
      if (!visit.tasks.size) visit.end();
    };
    /** @param {any[]} news */
    const answer = (news) => {
      stop();
      const problems = news.filter(({ type }) => type === "problem");
      const messages = news.filter(({ type }) => type !== "problem");
      const { cursor, ready = false } = messages.at(-1) ?? {};
      response.writeHead(200, { "Content-Type": "application/json" });
      response.end(JSON.stringify({ messages, cursor, ready, ...(visit.isShared && { problems }) }));
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
    const asked = asks(new URL(request.url ?? "", this.url));
    const refused = () => raw.destroy();
    if (this.behaviour.ws === cut) {
      this.visits.push({ ...asked, request, send() {}, end() {}, cut: refused, refuse() {} });
      this.#visited();
      refused();
      return;
    }
    this.#sockets.handleUpgrade(request, raw, head, (socket) => {
      /** @type {Visit} */
      const visit = {
        ...asked,
        request,
        socket,
        frames: [],
        send: (...messages) => {
          for (const message of messages) {
            socket.send(JSON.stringify(message));
            if (message.ready) visit.tasks.delete(message.task_id);
            if (message.ready && !visit.isShared) visit.end();
          }
        },
        end: () => socket.close(1000),
        cut: () => socket.terminate(),
        refuse: (code) => socket.close(code),
      };
      socket.on("close", () => {
        this.open.delete(visit);
        this.#visited();
      });
      socket.on("message", (data) => this.#hear(visit, JSON.parse(`${data}`)));
      this.#serve(visit);
    });
  }

  /**
   * @param {Visit} visit
   * @param {any} frame
   */
  #hear(visit, frame) {
    visit.frames?.push(frame);
    const { type, task_id, after = null } = frame;
    if (type === "unsubscribe") visit.tasks.delete(task_id);
    if (type === "subscribe" && this.open.has(visit)) {
      visit.tasks.set(task_id, after);
      visit.send(...this.#news(visit, task_id, after));
    }
    this.#visited();
  }
}
