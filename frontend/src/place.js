/** @import { Place, Transport, TransportName, WatchOptions } from "./types.js" */
import { TRANSPORTS } from "./transports.js";

/** @param {TransportName | Transport} wanted */
function transportOf(wanted) {
  const found = TRANSPORTS.find(({ name }) => name === wanted) ?? wanted;
  if (typeof found === "string") throw new TypeError(`transports: expected ws, sse or poll, got ${found}`);
  return found;
}

/**
 * Return where and how to follow. Who has the same key shares connections.
 *
 * @param {WatchOptions} options
 * @returns {Place}
 */
export function placeOf({ keepalive = 15, token, transports = ["ws", "sse", "poll"], types = ["log"], url = "/" }) {
  const { href, origin } = new URL(url, globalThis.document?.baseURI);
  const place = {
    base: href.replace(/\/?$/, "/"),
    origin,
    silence: keepalive * 1_500 + 3_000,
    transports: transports.map(transportOf),
    types: ["status", ...types.filter((type) => type !== "status")].join(),
  };
  // Where there is a token the session doesn't count.
  const isOurs = transports.every((wanted) => typeof wanted === "string");
  return { ...place, key: isOurs ? JSON.stringify([place, !token]) : place };
}
