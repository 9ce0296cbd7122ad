/**
 * ApiConnection: what is needed of HTTP to list and watch, so that the API may be a server or a fake in
 * memory.
 *
 * Answers come as they are read: a watch is one answer that lasts for minutes. No redirect is followed: a
 * token must not travel to where a server points.
 */
import { Agent, request } from "node:https";
import type { IncomingMessage } from "node:http";

/** The beginning of an answer, and its body as it comes. */
export interface ApiResponse {
  readonly status: number;
  /** The header `Retry-After`. */
  readonly retryAfter: string | undefined;
  /** Ends with the answer; throws when it was cut, or aborted. Leaving it early ends the request. */
  readonly body: AsyncIterable<Uint8Array>;
}

export interface ApiConnection {
  /** Asks once. @throws what the network or TLS said, and when the signal fires */
  get(path: string, token: string, signal: AbortSignal): Promise<ApiResponse>;
  /** Lets go of every connection, also of those in use. Idempotent. */
  close(): void;
}

/** Makes a connection to a server that is trusted by its CAs. */
export type ConnectApi = (server: string, ca: string) => ApiConnection;

const HEADER_BYTES_MAX = 16 * 1024;
/** Idle connections are probed after this, so that a dead peer is noticed under a silent watch. */
const KEEP_ALIVE_MS = 15_000;

/** Connects by `node:https`: HTTP/1.1, over TLS 1.2 or later, trusting these CAs alone. */
export const connectByHttps: ConnectApi = (server, ca) => {
  const agent = new Agent({
    ca,
    keepAlive: true,
    keepAliveMsecs: KEEP_ALIVE_MS,
    minVersion: "TLSv1.2",
  });
  return {
    get: (path, token, signal) => get(agent, new URL(path, server), token, signal),
    close: () => agent.destroy(),
  };
};

function get(agent: Agent, url: URL, token: string, signal: AbortSignal): Promise<ApiResponse> {
  return new Promise((resolve, reject) => {
    const headers = {
      accept: "application/json",
      authorization: `Bearer ${token}`,
      "user-agent": "foundation-discovery",
    };
    const sent = request(url, { agent, headers, signal, maxHeaderSize: HEADER_BYTES_MAX });
    sent.on("socket", (socket) => socket.setKeepAlive(true, KEEP_ALIVE_MS));
    sent.on("error", reject);
    sent.on("response", (response: IncomingMessage) => {
      const retryAfter = response.headers["retry-after"];
      resolve({ status: response.statusCode ?? 0, retryAfter, body: response });
    });
    sent.end();
  });
}
