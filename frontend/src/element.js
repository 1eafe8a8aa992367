/** @import { Log, Status, WatchOptions } from "./types.js" */
import { sheet } from "./style.js";
import { Watch } from "./watch.js";

/** @type {Record<string, string>} by state, and for the rest */
const TEXTS = {
  PENDING: "Queued",
  RECEIVED: "Accepted",
  STARTED: "Running",
  PROGRESS: "Running",
  RETRY: "Trying again",
  SUCCESS: "Done",
  FAILURE: "Failed",
  REVOKED: "Stopped",
  REJECTED: "Rejected",
  IGNORED: "Ended",
  label: "Progress",
  of: "{current} of {total}",
  elapsed: "{time} elapsed",
  left: "{time} left",
  stalled: "Its worker shows no sign of life.",
  waiting: "Reconnecting…",
  refused: "Its status cannot be shown ({code}).",
  log: "Log",
};
const MOST_LINES = 500;
const EVENTS = ["status", "log", "connection", "end"];
/** A shorter break is not worth a word. */
const BREAK_MS = 1_000;

/** @param {number} seconds */
function clockTime(seconds) {
  const [hours, ...rest] = [seconds / 3600, (seconds / 60) % 60, seconds % 60].map((part) =>
    String(Math.max(0, Math.floor(part))).padStart(2, "0"),
  );
  return (hours === "00" ? rest : [hours, ...rest]).join(":").replace(/^0/, "");
}

/** The element of docs/javascript.md. What is inside it is for browsers without script. */
export class TaskStatusElement extends HTMLElement {
  static observedAttributes = ["task", "token", "url"];
  /** @type {Watch | undefined} */
  watch;
  /** @type {WatchOptions["token"]} */
  #token;
  /** @type {Record<string, HTMLElement>} */
  #parts = {};
  #texts = TEXTS;
  /** When the last status came. */
  #at = 0;
  /** @type {any} */
  #timer;

  static define(name = "task-status") {
    if (!customElements.get(name)) customElements.define(name, this);
  }

  /** May also be a function, as in the options of `watch`. */
  get token() {
    return this.#token ?? this.getAttribute("token") ?? undefined;
  }

  set token(token) {
    this.#token = token;
    this.attributeChangedCallback();
  }

  connectedCallback() {
    if (!this.shadowRoot) this.#build();
    this.attributeChangedCallback();
  }

  disconnectedCallback() {
    this.watch?.close();
    this.watch = undefined;
    clearInterval(this.#timer);
  }

  async attributeChangedCallback() {
    const { watch } = this;
    await null; // Several may change at once.
    if (!this.isConnected || this.watch !== watch) return;
    this.disconnectedCallback();
    const task = this.getAttribute("task");
    if (task) this.#follow(task);
  }

  /** @param {string} task */
  #follow(task) {
    const attribute = (/** @type {string} */ name) => this.getAttribute(name) ?? undefined;
    const watch = new Watch(task, {
      token: this.token,
      url: attribute("url"),
      keepalive: Number(attribute("keepalive")) || undefined,
      transports: /** @type {any} */ (attribute("transports")?.split(" ")),
    });
    for (const type of EVENTS) watch.addEventListener(type, (event) => this.#hear(watch, event));
    this.watch = watch;
    this.#part("lines").replaceChildren();
    this.#timer = setInterval(() => this.#show(), 1_000);
  }

  /**
   * @param {Watch} watch
   * @param {any} event
   */
  #hear(watch, { type, detail }) {
    if (watch !== this.watch) return;
    if (type === "log") this.#addLine(detail);
    if (type === "status") this.#at = Date.now();
    if (type === "end") clearInterval(this.#timer);
    this.#show();
    this.dispatchEvent(new CustomEvent(type, { detail }));
  }

  #build() {
    const texts = this.getAttribute("texts");
    if (texts) this.#texts = { ...TEXTS, ...JSON.parse(texts) };
    const style = new CSSStyleSheet();
    style.replaceSync(sheet);
    const root = this.attachShadow({ mode: "open" });
    root.adoptedStyleSheets = [style];
    const label = document.createElement("slot");
    label.name = "label";
    this.#part("head").append(label, this.#part("state"));
    this.#part("bar").append(this.#part("fill"));
    // A task may speak another language than the page, in the other direction.
    this.#part("text").append(this.#part("message", "bdi"), this.#part("figures", "span"));
    this.#part("logs", "details").append(this.#part("summary", "summary"), this.#part("lines", "ol"));
    for (const name of ["head", "bar", "text", "note", "error", "logs", "live"]) root.append(this.#part(name));
    const { log = "", label: title = "" } = this.#texts;
    this.#set("bar", { role: "progressbar", "aria-label": this.getAttribute("label") ?? title });
    this.#set("bar", { "aria-valuemin": "0", "aria-valuemax": "100" });
    this.#set("live", { role: "status" });
    this.#set("lines", { tabindex: "0", "aria-label": log });
    this.#part("summary").textContent = log;
    this.#part("logs").hidden = true;
  }

  /** @param {string} name */
  #part(name, tag = "div") {
    const part = (this.#parts[name] ??= document.createElement(tag));
    part.setAttribute("part", name);
    return part;
  }

  /**
   * @param {string} name of a part
   * @param {Record<string, string>} attributes
   */
  #set(name, attributes) {
    for (const [key, value] of Object.entries(attributes)) this.#part(name).setAttribute(key, value);
  }

  /** @param {Log} line */
  #addLine({ message, level }) {
    const lines = this.#part("lines");
    const item = document.createElement("li");
    item.setAttribute("part", `line ${level}`);
    item.textContent = message;
    const atEnd = lines.scrollHeight - lines.scrollTop - lines.clientHeight < 24;
    lines.append(item);
    if (lines.childElementCount > MOST_LINES) lines.firstChild?.remove();
    if (atEnd) lines.scrollTop = lines.scrollHeight;
    this.#part("logs").hidden = false;
  }

  /**
   * @param {string} key
   * @param {Record<string, any>} values
   */
  #say(key, values) {
    return (this.#texts[key] ?? key).replace(/\{(\w+)\}/g, (_, name) => values[name]);
  }

  #show() {
    const { status, connection, end } = /** @type {Watch} */ (this.watch);
    const { state = "PENDING", progress, stalled, error = "" } = status ?? {};
    const refused = end?.reason === "refused";
    const word = refused ? "" : this.#say(state, {});
    const percent = state === "SUCCESS" ? 100 : (progress?.percent ?? null);
    const lost = connection?.state === "waiting" && Number(connection.delay) > BREAK_MS;
    const note = end ? "" : lost ? "waiting" : stalled ? "stalled" : "";
    const message = progress?.message ?? "";
    const quarter = Math.floor((percent ?? 0) / 25);
    const figures = this.#figures(status);
    const texts = {
      state: word,
      message,
      figures: [...(message && [""]), ...figures, ...this.#times(status)].join(" · "),
      note: this.#say(note, {}),
      error: refused ? this.#say("refused", end) : (error ?? ""),
      // Only what is said at the start, at each quarter, and in the end.
      live: [word, quarter && quarter < 4 && `${quarter * 25} %`, stalled && this.#say("stalled", {})]
        .filter(Boolean)
        .join(", "),
    };
    for (const [name, text] of Object.entries(texts)) {
      const part = this.#part(name);
      if (part.textContent !== text) part.textContent = text;
    }
    const bar = this.#part("bar");
    this.dataset.state = state;
    bar.classList.toggle("busy", percent === null && !end);
    bar.setAttribute("aria-valuetext", [word, ...figures].join(", "));
    if (percent === null) bar.removeAttribute("aria-valuenow");
    else bar.setAttribute("aria-valuenow", `${Math.round(percent)}`);
    this.#part("fill").style.inlineSize = `${percent ?? 0}%`;
  }

  /** @param {Status | undefined} status */
  #figures(status) {
    if (!status?.progress) return [];
    const language = this.closest("[lang]")?.getAttribute("lang") ?? undefined;
    const [current, total] = [status.progress.current, status.progress.total].map((number) =>
      number?.toLocaleString(language),
    );
    const { percent } = status.progress;
    const count = total ? this.#say("of", { current, total }) : current;
    return percent === null ? [count] : [count, `${Math.floor(percent)} %`];
  }

  /** @param {Status | undefined} status */
  #times(status) {
    if (!status?.started_at) return [];
    const now = Date.now();
    const { finished_at, started_at, progress, ready } = status;
    const until = finished_at ? Date.parse(finished_at) : now;
    const elapsed = this.#say("elapsed", { time: clockTime((until - Date.parse(started_at)) / 1000) });
    const eta = progress?.eta ?? null;
    if (eta === null || ready) return [elapsed];
    return [elapsed, this.#say("left", { time: clockTime(eta - (now - this.#at) / 1000) })];
  }
}
