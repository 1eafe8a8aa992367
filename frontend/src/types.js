/**
 * The types, for editors and `tsc`. No page loads this file.
 *
 * @module
 */

/**
 * How far a task is. What is not known is null, never a guess.
 *
 * @typedef {object} Progress
 * @property {number} current
 * @property {number | null} total
 * @property {number | null} percent
 * @property {string | null} message
 * @property {number | null} rate per second
 * @property {number | null} eta seconds left
 */

/**
 * The whole current state of a task. Times are RFC 3339 in UTC.
 *
 * @typedef {object} Status
 * @property {"status"} type
 * @property {string} task_id
 * @property {string | null} name
 * @property {string} state one of Celery's, `PROGRESS`, or a state of the task's own
 * @property {boolean} ready true in the last message of a stream
 * @property {string} cursor
 * @property {number} version
 * @property {Progress | null} progress
 * @property {any} result
 * @property {"not-json" | "too-large"} [result_omitted]
 * @property {string | null} error
 * @property {string | null} error_type
 * @property {number} retries
 * @property {boolean} stalled true while the worker of a running task shows no sign of life
 * @property {string | null} created_at
 * @property {string | null} started_at
 * @property {string | null} updated_at
 * @property {string | null} finished_at
 * @property {string | null} parent_id
 * @property {string | null} root_id
 * @property {string | null} group_id
 * @property {boolean} [reset] true when messages before this one could not be had any more
 */

/**
 * A line that the task has written.
 *
 * @typedef {object} Log
 * @property {"log"} type
 * @property {string} task_id
 * @property {string} cursor
 * @property {number} version
 * @property {string} level
 * @property {string} message
 * @property {string} at
 */

/** @typedef {Status | Log} Message */

/** @typedef {"ws" | "sse" | "poll"} TransportName */

/**
 * @typedef {object} WatchOptions
 * @property {string} [url] where the site is, if not at the root of the page's own origin
 * @property {string | (() => string | null | undefined | Promise<string | null | undefined>)} [token]
 *   gives access, if the session doesn't; a function is asked again when its last one has expired
 * @property {readonly (TransportName | Transport)[]} [transports] in the order of preference
 * @property {AbortSignal} [signal] ends it
 * @property {string} [after] a cursor to go on from; without one the current state comes first
 * @property {readonly string[]} [types] of messages that are wanted: `status` (always) and `log`
 * @property {number} [keepalive] the server's `KEEPALIVE_SECONDS`, if they are not 15
 */

/**
 * @typedef {object} End
 * @property {"ready" | "refused" | "stopped"} reason the task has ended; the server refuses for
 *   good; or the caller has stopped
 * @property {number} [code] of a refusal: an HTTP status, also where a WebSocket said it (4403: 403)
 * @property {Status} [status] the last one
 */

/**
 * @typedef {object} Connection
 * @property {"connecting" | "open" | "waiting" | "over"} state
 * @property {string} transport
 * @property {number} [delay] milliseconds until the next attempt, while waiting
 */

/**
 * One way to read the stream. `connect` makes one attempt, tells the attempt what it hears, and
 * resolves with how it ended. It may also throw: then the connection was broken. When the
 * attempt's signal is aborted it lets go of everything; what it returns is then of no interest.
 * One of your own, given in the options of `watch`, is never asked to follow several tasks.
 *
 * @typedef {object} Transport
 * @property {string} name
 * @property {boolean} [subscribes] whether an open connection can follow more tasks, and fewer
 * @property {(attempt: Attempt) => Promise<Verdict>} connect
 */

/**
 * What a transport is given.
 *
 * @typedef {object} Attempt
 * @property {(parameters?: Record<string, string>) => string} url where to read on
 * @property {string | null | undefined} token
 * @property {boolean} isShared whether it is for several tasks
 * @property {AbortSignal} signal
 * @property {() => void} opened to be called when the server has taken the connection
 * @property {() => void} heard to be called when something has come through, be it a comment
 * @property {(message: any) => void} take to be called with each message
 * @property {(send: (frame: object) => void) => void} subscribeAll to be called by a transport that
 *   `subscribes`, once it can send
 * @property {(ms: number) => void} waits says that an answer may take so long, if the client is
 *   up to date; otherwise silence is noticed sooner
 */

/**
 * A task as a request names it.
 *
 * @typedef {object} Task
 * @property {string} id
 * @property {string} [cursor]
 * @property {string | null} [token]
 */

/**
 * Where and how tasks are followed.
 *
 * @typedef {object} Place
 * @property {string} base
 * @property {string} origin
 * @property {string} types
 * @property {Transport[]} transports
 * @property {number} silence milliseconds without a sign of life that no good connection has
 * @property {any} [key] the same for who may share a connection
 */

/**
 * How an attempt ended:
 * - `refused`: the server will never answer this (`code` is the HTTP status);
 * - `nothing`: it says that nothing follows the cursor;
 * - `absent`: what is there knows nothing of several tasks in one request;
 * - `closed`: it is there, and sends us away for now (for `wait` milliseconds, at least);
 * - `broken`: cut, refused by something on the way, or garbled;
 * - `mute`: nothing came in time;
 * - `left`: it was us.
 *
 * @typedef {object} Verdict
 * @property {"refused" | "nothing" | "absent" | "closed" | "broken" | "mute" | "left"} kind
 * @property {number} [code]
 * @property {number} [wait]
 */

/**
 * On whose behalf an attempt is made, and who is told what it hears.
 *
 * @typedef {object} Order
 * @property {Place} place
 * @property {number} failures in a row; a slow network gets more time with each
 * @property {() => void} onOpen
 * @property {(message: any, task?: Task) => void} onMessage
 */

/**
 * Who watches a task, and what is told to them.
 *
 * @typedef {object} Watcher
 * @property {WatchOptions["token"]} token
 * @property {(message: Message) => void} onMessage
 * @property {(connection: Connection) => void} onConnection
 * @property {(end: End) => void} onEnd
 */

export {};
