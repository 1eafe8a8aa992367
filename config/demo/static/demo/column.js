/**
 * One column of the page: what one transport has told of the task.
 *
 * @module
 */

import { outcome } from "./outcome.js";

const MOST_MESSAGES = 300;
const CONNECTIONS = { connecting: "connecting", open: "live", waiting: "reconnecting", over: "closed" };
/** @type {Record<string, string>} */
const NAMES = { ws: "WebSocket", sse: "Server-Sent Events", poll: "long-poll" };
const number = new Intl.NumberFormat("en");

export class Column {
  /**
   * @param {string} id
   * @param {string} title
   * @param {string} [state] the one that the messages begin after, if they do
   */
  constructor(id, title, state = "…") {
    const template = /** @type {HTMLTemplateElement} */ (document.getElementById("column"));
    const content = /** @type {DocumentFragment} */ (template.content.cloneNode(true));
    this.element = /** @type {HTMLElement} */ (content.firstElementChild);
    this.element.id = `column-${id}`;
    const heading = /** @type {HTMLElement} */ (this.element.querySelector("h2"));
    this.title = title;
    heading.textContent = title;
    heading.id = `title-${id}`;
    this.element.setAttribute("aria-labelledby", heading.id);
    this.bar = /** @type {HTMLProgressElement} */ (this.part("bar"));
    this.bar.setAttribute("aria-label", `Progress over ${title}`);
    this.messages = this.part("messages");
    this.messages.setAttribute("aria-label", `Messages over ${title}`);
    this.part("state").textContent = state;
    this.count = 0;
  }

  /**
   * @param {string} name
   * @returns {HTMLElement}
   */
  part(name) {
    return /** @type {HTMLElement} */ (this.element.querySelector(`[data-part="${name}"]`));
  }

  /** @param {import("../../../../frontend/src/types.js").Connection} connection */
  showConnection({ state, transport }) {
    const part = this.part("connection");
    const over = this.element.id === "column-auto" && state !== "over" ? ` (${NAMES[transport]})` : "";
    part.textContent = `${CONNECTIONS[state]}${over}`;
    part.dataset.connection = state;
  }

  /**
   * Show the switch that cuts this transport.
   *
   * @param {boolean} isCut
   * @param {(isCut: boolean) => Promise<void>} onChange
   */
  showCut(isCut, onChange) {
    const box = /** @type {HTMLInputElement} */ (this.part("cut"));
    box.checked = isCut;
    const label = /** @type {HTMLElement} */ (box.parentElement);
    label.hidden = false;
    /** @type {HTMLElement} */ (label.lastElementChild).textContent = `Cut ${this.title}`;
    box.addEventListener("change", () => onChange(box.checked));
  }

  /** @param {Record<string, any>} message */
  show(message) {
    this.count += 1;
    this.part("count").textContent = number.format(this.count);
    if (message.type === "status") this.showStatus(message);
    if (message.type === "log") this.addLine(message.at, message.message, message.level);
  }

  /** @param {Record<string, any>} status */
  showStatus(status) {
    const badge = this.part("state");
    // Progress comes ten times a second; in the list only what has changed is news.
    if (badge.textContent !== status.state) this.addLine(status.updated_at, status.state, "state");
    badge.textContent = status.state;
    badge.dataset.state = status.state;
    this.part("note").textContent = status.stalled ? "its worker is silent" : "";
    this.showProgress(status.progress, status.ready);
    if (status.ready) this.part("outcome").replaceChildren(outcome(status, this.element.id));
  }

  /**
   * @param {Record<string, any> | null} progress
   * @param {boolean} ready
   */
  showProgress(progress, ready) {
    const percent = progress?.percent ?? null;
    if (percent !== null) this.bar.value = percent;
    else if (ready) this.bar.value = 100;
    else this.bar.removeAttribute("value");
    if (!progress) return;
    const { current, total, message, rate, eta } = progress;
    const figures = [total === null ? number.format(current) : `${number.format(current)} of ${number.format(total)}`];
    if (percent !== null) figures.push(`${percent.toFixed(1)} %`);
    if (rate !== null && !ready) figures.push(`${number.format(Math.round(rate))}/s`);
    if (eta !== null && !ready) figures.push(`${Math.ceil(eta)} s left`);
    this.part("figures").textContent = [message, figures.join(" · ")].filter(Boolean).join(": ");
  }

  /** @param {{reason: string, code?: number}} end */
  showEnd(end) {
    if (end.reason !== "refused") return;
    this.part("state").textContent = "no access";
    this.part("note").textContent = `The server refuses (${end.code}).`;
    this.bar.hidden = true;
  }

  /**
   * @param {string | null} at
   * @param {string} text
   * @param {string} level
   */
  addLine(at, text, level) {
    const { messages } = this;
    const atEnd = messages.scrollHeight - messages.scrollTop - messages.clientHeight < 24;
    const item = document.createElement("li");
    item.dataset.level = level;
    const time = document.createElement("time");
    if (at) {
      time.dateTime = at;
      time.textContent = new Date(at).toLocaleTimeString("en-GB");
    }
    const line = document.createElement("span");
    line.textContent = text;
    item.append(time, " ", line);
    messages.append(item);
    if (messages.childElementCount > MOST_MESSAGES) messages.firstElementChild?.remove();
    // Only if the reader has not scrolled up to look at something.
    if (atEnd) messages.scrollTop = messages.scrollHeight;
  }
}
