/** @import { Attempt, Transport, Verdict } from "./types.js" */
import { clock } from "./clock.js";

const REFUSED = [400, 401, 403, 404, 410];
/** HTTP's, RFC 6455's, and ours less 4000: the server is there, and wants us to come back. */
const COME_BACK = [408, 412, 429, 503, 1001, 1012, 1013];
const NOTHING = [204, 1000];
/** How what knows nothing of several tasks in one request, or takes no long URL, answers one. */
const NOT_SHARED = [400, 403, 404, 405, 414, 431];
const POLL_SECONDS = 25;
const POLL_GRACE_MS = 10_000;
const QUICK_MS = 1_000;
/** A busy task always has news. This long it gathers. */
const GATHER_MS = 250;

/**
 * @param {number} code
 * @param {number} [wait]
 * @returns {Verdict}
 */
export function verdictOf(code, wait) {
  if (REFUSED.includes(code)) return { kind: "refused", code };
  if (NOTHING.includes(code)) return { kind: "nothing" };
  return { kind: COME_BACK.includes(code) ? "closed" : "broken", wait };
}

/** @type {Transport} */
const ws = {
  name: "ws",
  subscribes: true,
  connect: (attempt) =>
    new Promise((resolve) => {
      // A browser can't send headers here, nor see pings.
      const { isShared, signal, token } = attempt;
      const url = attempt.url({ heartbeat: "1", ...(!isShared && token && { token }) });
      const socket = new WebSocket(url.replace(/^http/, "ws"));
      socket.onopen = () => {
        attempt.opened();
        if (isShared) attempt.subscribeAll((frame) => socket.send(JSON.stringify(frame)));
      };
      socket.onmessage = ({ data }) => {
        try {
          attempt.take(JSON.parse(data));
        } catch {
          resolve({ kind: "broken" });
        }
      };
      socket.onclose = ({ code }) => resolve(verdictOf(code % 4000));
      signal.addEventListener("abort", () => socket.close());
    }),
};

/**
 * Make a request; the token is in a header, which stays out of logs.
 *
 * @param {Attempt} attempt
 * @param {Record<string, string>} [parameters]
 */
function ask({ signal, token, url }, parameters) {
  const headers = token ? { Authorization: `Bearer ${token}` } : undefined;
  return fetch(url(parameters), { headers, signal, cache: "no-store" });
}

/**
 * @param {Response} response that brings no messages
 * @param {Attempt} attempt
 * @returns {Verdict}
 */
function judge({ status, headers }, { isShared }) {
  const isOurs = /problem/.test(headers.get("Content-Type") ?? "") && status !== 400;
  if (isShared && !isOurs && NOT_SHARED.includes(status)) return { kind: "absent" };
  const after = headers.get("Retry-After") ?? "";
  const wait = Number(after) * 1000 || Date.parse(after) - clock.now();
  return verdictOf(status, Math.max(wait || 0, 0));
}

/**
 * Return what takes a text/event-stream, cut anywhere (WHATWG HTML, section 9.2.6). Ids and types
 * are in the data, too.
 *
 * @param {(data: string) => void} onData
 * @param {(ms: number) => void} onRetry
 */
export function eventReader(onData, onRetry) {
  let rest = "";
  /** @type {string[]} */
  let data = [];
  return (/** @type {string} */ text) => {
    // A CR at the very end may be half of a CRLF.
    const lines = (rest + text).split(/\r\n|\n|\r(?!$)/);
    rest = lines.pop() ?? "";
    for (const line of lines) {
      const [, field, value = ""] = /^([^:]*):? ?(.*)/s.exec(line) ?? [];
      if (field === "data") data.push(value);
      if (field === "retry" && /^\d+$/.test(value)) onRetry(Number(value));
      if (line || !data.length) continue;
      onData(data.join("\n"));
      data = [];
    }
  };
}

/**
 * By `fetch`: an EventSource sends no header, hides comments, and doesn't say why it failed.
 *
 * @type {Transport}
 */
const sse = {
  name: "sse",
  async connect(attempt) {
    const response = await ask(attempt);
    const isStream = response.headers.get("Content-Type")?.startsWith("text/event-stream");
    // What else is OK may be a login page.
    if (!response.ok || !response.body || !isStream) return judge(response, attempt);
    let wait = 0;
    const read = eventReader(
      (data) => attempt.take(JSON.parse(data)),
      (ms) => (wait = ms),
    );
    const reader = response.body.getReader();
    const decoder = new TextDecoder();
    for (;;) {
      const { done, value } = await reader.read().catch(() => ({ done: true, value: undefined }));
      if (done) return { kind: "broken", wait };
      attempt.heard();
      read(decoder.decode(value, { stream: true }));
    }
  },
};

/** @type {Transport} */
const poll = {
  name: "poll",
  async connect(attempt) {
    for (;;) {
      const began = clock.now();
      attempt.waits(POLL_SECONDS * 1000 + POLL_GRACE_MS);
      const response = await ask(attempt, { wait: String(POLL_SECONDS) });
      // A 204 at once is no wait: don't ask again at once.
      if (response.status === 204 && clock.now() - began > QUICK_MS) attempt.heard();
      else if (response.status !== 200) return judge(response, attempt);
      else {
        const { messages, problems = [] } = await response.json();
        const news = [...messages, ...problems];
        if (!news.length) return { kind: "broken" };
        news.forEach(attempt.take);
        await new Promise((resolve) => clock.set(() => resolve(0), GATHER_MS));
      }
      if (attempt.signal.aborted) return { kind: "left" };
    }
  },
};

export const TRANSPORTS = [ws, sse, poll];
