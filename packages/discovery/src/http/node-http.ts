/**
 * nodeHttp: HttpClient over `node:http` and `node:https`.
 *
 * Not `fetch`: a private CA, a client's certificate and a unix socket cannot be given to it without another package.
 * Connections are kept for the next request. Names are sent as given and answers are read as UTF-8, up to a limit.
 */
import { Agent as PlainAgent, request as plainRequest, type IncomingMessage } from "node:http";
import { Agent as SecureAgent, request as secureRequest } from "node:https";
import type { Clock } from "@foundation/core";
import { discoveryLimits } from "../limits.js";
import { HttpTrouble, type HttpAnswer, type HttpClient, type HttpRequest } from "./http-client.js";
import { troubleOf } from "./trouble-words.js";

/** How to connect; PEM texts, not files. */
export interface NodeHttpOptions {
  /** Trusted instead of Node's own CAs. */
  readonly ca?: string;
  /** This client's certificate and key. */
  readonly cert?: string;
  readonly key?: string;
  /** The name the server's certificate must be for, where it is not the URL's. */
  readonly servername?: string;
  /** Connect to this unix socket, whatever the URL's host is. */
  readonly socketPath?: string;
}

/** @param clock measures timeouts */
export function nodeHttp(clock: Clock, options: NodeHttpOptions = {}): HttpClient {
  return new NodeHttp(clock, options);
}

class NodeHttp implements HttpClient {
  readonly #clock: Clock;
  readonly #options: NodeHttpOptions;
  readonly #plain = new PlainAgent(AGENT);
  #secure: SecureAgent | undefined;

  constructor(clock: Clock, options: NodeHttpOptions) {
    this.#clock = clock;
    this.#options = options;
  }

  exchange(request: HttpRequest): Promise<HttpAnswer> {
    if (request.signal.aborted) return Promise.reject(new HttpTrouble("aborted", "it was aborted"));
    const url = new URL(request.url);
    const isSecure = url.protocol === "https:";
    return new Promise((resolve, reject) => {
      const { socketPath } = this.#options;
      const send = isSecure ? secureRequest : plainRequest;
      const sent = send(url, {
        method: request.method,
        headers: { ...request.headers, ...lengthOf(request.body) },
        agent: isSecure ? (this.#secure ??= this.#secureAgent()) : this.#plain,
        maxHeaderSize: discoveryLimits.httpHeaderBytesMax,
        ...(socketPath !== undefined && { socketPath }),
      });
      const timer = this.#clock.setTimer(request.timeoutMs, () => {
        fail(new HttpTrouble("timeout", `no whole answer within ${request.timeoutMs} ms`));
      });
      const onAbort = (): void => fail(new HttpTrouble("aborted", "it was aborted"));
      request.signal.addEventListener("abort", onAbort, { once: true });
      const settle = (): void => {
        timer.cancel();
        request.signal.removeEventListener("abort", onAbort);
      };
      const fail = (error: unknown): void => {
        settle();
        reject(troubleOf(error, isSecure));
        sent.destroy();
      };
      sent.on("error", fail);
      sent.on("response", (response) => {
        response.on("error", fail);
        collect(response, fail, (answer) => {
          settle();
          resolve(answer);
        });
      });
      sent.end(request.body);
    });
  }

  close(): void {
    this.#plain.destroy();
    this.#secure?.destroy();
  }

  #secureAgent(): SecureAgent {
    const { ca, cert, key, servername } = this.#options;
    return new SecureAgent({
      ...AGENT,
      minVersion: "TLSv1.2",
      ...(ca !== undefined && { ca }),
      ...(cert !== undefined && { cert }),
      ...(key !== undefined && { key }),
      ...(servername !== undefined && { servername }),
    });
  }
}

const AGENT = {
  keepAlive: true,
  maxSockets: discoveryLimits.httpConnectionsMax,
  scheduling: "lifo",
} as const;

function lengthOf(body: string | undefined): Record<string, string> {
  return body === undefined ? {} : { "content-length": String(Buffer.byteLength(body)) };
}

function collect(
  response: IncomingMessage,
  fail: (error: unknown) => void,
  done: (answer: HttpAnswer) => void,
): void {
  const chunks: Buffer[] = [];
  let sizeBytes = 0;
  const sizeBytesMax = discoveryLimits.httpBodyBytesMax;
  response.on("data", (chunk: Buffer) => {
    sizeBytes += chunk.byteLength;
    if (sizeBytes <= sizeBytesMax) chunks.push(chunk);
    else fail(new HttpTrouble("too-large", `the answer is larger than ${sizeBytesMax} bytes`));
  });
  response.on("aborted", () => {
    fail(new HttpTrouble("broken", "the connection was cut before the answer was whole"));
  });
  response.on("end", () => {
    if (!response.complete) return;
    const headers: Record<string, string> = {};
    for (const [name, value] of Object.entries(response.headers)) {
      if (value !== undefined) headers[name] = Array.isArray(value) ? value.join(", ") : value;
    }
    done({
      status: response.statusCode ?? 0,
      headers,
      body: Buffer.concat(chunks).toString("utf8"),
    });
  });
}
