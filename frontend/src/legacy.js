/**
 * For browsers that are older than modules: ES5 and XMLHttpRequest, long-poll only.
 *
 *   var task = taskstatus.watch("id", { token: "…", url: "/" });
 *   task.on("status", function (event) { … event.detail.state … });
 *   task.on("log", …); task.on("end", function (event) { … event.detail.reason … });
 *   task.close();
 */
(function (global) {
  "use strict";

  var WAIT_SECONDS = 25;
  var ANSWER_MS = 35000;
  var GATHER_MS = 250;
  var BACKOFF_MS = 500;
  var LONGEST_BACKOFF_MS = 30000;
  var REFUSED = { 400: 1, 401: 1, 403: 1, 404: 1, 410: 1 };

  function Watch(taskId, options) {
    this.path = (options.url || "/").replace(/\/?$/, "/") + "poll/task_status/" + encodeURIComponent(taskId) + "/";
    this.token = options.token;
    this.cursor = options.after;
    this.version = 0;
    this.failures = 0;
    this.listeners = {};
    this.wait(0);
  }

  Watch.prototype.on = function (type, listener) {
    (this.listeners[type] = this.listeners[type] || []).push(listener);
    return this;
  };

  Watch.prototype.close = function () {
    this.finish({ reason: "stopped" });
  };

  Watch.prototype.tell = function (type, detail) {
    var listeners = this.listeners[type] || [];
    for (var i = 0; i < listeners.length; i++) listeners[i].call(this, { type: type, detail: detail });
  };

  Watch.prototype.finish = function (end) {
    if (this.over) return;
    this.over = true;
    clearTimeout(this.timer);
    if (this.request) this.request.abort();
    end.status = this.status;
    this.tell("end", end);
  };

  Watch.prototype.wait = function (ms) {
    var self = this;
    this.timer = setTimeout(function () {
      self.ask();
    }, ms);
  };

  Watch.prototype.ask = function () {
    var self = this;
    var request = (this.request = new XMLHttpRequest());
    var after = this.cursor ? "&after=" + encodeURIComponent(this.cursor) : "";
    request.open("GET", this.path + "?types=status,log&wait=" + WAIT_SECONDS + after, true);
    if (this.token) request.setRequestHeader("Authorization", "Bearer " + this.token);
    this.began = new Date().getTime();
    // Some have no timeout of their own.
    this.timer = setTimeout(function () {
      request.abort();
    }, ANSWER_MS);
    request.onreadystatechange = function () {
      if (request.readyState !== 4 || self.over || self.request !== request) return;
      clearTimeout(self.timer);
      self.request = null;
      self.answer(request);
    };
    request.send();
  };

  Watch.prototype.answer = function (request) {
    var status = request.status;
    var quick = new Date().getTime() - this.began < 1000;
    if (REFUSED[status]) {
      this.finish({ reason: "refused", code: status });
    } else if ((status === 204 && !quick) || (status === 200 && this.take(request.responseText))) {
      this.failures = 0;
      if (!this.over) this.wait(GATHER_MS);
    } else if (!this.over) {
      // Full jitter: not all clients shall come back at once.
      var bound = Math.min(LONGEST_BACKOFF_MS, BACKOFF_MS * Math.pow(2, this.failures++));
      var asked = status && Number(request.getResponseHeader("Retry-After")) * 1000;
      this.wait((asked || 0) + Math.random() * bound);
    }
  };

  Watch.prototype.take = function (text) {
    var messages;
    try {
      messages = JSON.parse(text).messages;
    } catch (error) {
      return false;
    }
    for (var i = 0; messages && i < messages.length && !this.over; i++) this.hear(messages[i]);
    return Boolean(messages && messages.length);
  };

  Watch.prototype.hear = function (message) {
    var known = message.version <= this.version && !(message.reset && message.cursor !== this.cursor);
    if (known || (message.type !== "status" && message.type !== "log")) return;
    this.version = message.version;
    this.cursor = message.cursor;
    if (message.type === "status") this.status = message;
    this.tell(message.type, message);
    if (message.ready) this.finish({ reason: "ready" });
  };

  global.taskstatus = {
    watch: function (taskId, options) {
      return new Watch(taskId, options || {});
    }
  };
})(this);
