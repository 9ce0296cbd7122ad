/**
 * ws: the `ws` package, loaded by `require`.
 *
 * Its entry for `import` makes Node 20 read each of its files once more, to find the names they
 * export: 40 ms of the processor for every process that starts, against 14 ms. It is imported as
 * `#ws` (package.json): bundlers, which know the condition "module", get `ws` itself there and put
 * it into the bundle; Node and whoever keeps `ws` outside get this file.
 */
import { createRequire } from "node:module";
import type * as Ws from "ws";

/** Only these names: what else `ws` exports is not here. */
export const { WebSocket, WebSocketServer } = createRequire(import.meta.url)("ws") as typeof Ws;
export type WebSocket = Ws.WebSocket;
export type WebSocketServer = Ws.WebSocketServer;
