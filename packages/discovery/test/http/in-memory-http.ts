/**
 * inMemoryHttp: an HttpClient whose server is a function in the same process, so that a backend's answers take no time but
 * the clock's. It keeps a client's promises: one timeout for the exchange, an abort ends it, failures are HttpTrouble.
 */
import type { Clock } from "@foundation/core/ports";
import {
  HttpTrouble,
  type HttpAnswer,
  type HttpClient,
  type HttpRequest,
} from "../../src/http/http-client.js";

/** What a server sees of a request. */
export interface ServedRequest {
  readonly method: string;
  /** Path and query. */
  readonly path: string;
  readonly host: string;
  /** By lower-case name. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  /** Fires when the client is gone. */
  readonly signal: AbortSignal;
}

/** Answers; a rejection is a connection that breaks. */
export type HttpHandler = (request: ServedRequest) => Promise<HttpAnswer>;

export function inMemoryHttp(clock: Clock, handler: HttpHandler): HttpClient {
  return { exchange: (request) => exchange(clock, handler, request), close: () => {} };
}

async function exchange(
  clock: Clock,
  handler: HttpHandler,
  request: HttpRequest,
): Promise<HttpAnswer> {
  if (request.signal.aborted) throw new HttpTrouble("aborted", "it was aborted");
  const gone = new AbortController();
  let giveUp: (trouble: HttpTrouble) => void = () => {};
  const over = new Promise<never>((_, reject) => (giveUp = reject));
  const timer = clock.setTimer(request.timeoutMs, () =>
    giveUp(new HttpTrouble("timeout", `no whole answer within ${request.timeoutMs} ms`)),
  );
  const onAbort = (): void => giveUp(new HttpTrouble("aborted", "it was aborted"));
  request.signal.addEventListener("abort", onAbort, { once: true });
  const url = new URL(request.url);
  const served: ServedRequest = {
    method: request.method,
    path: `${url.pathname}${url.search}`,
    host: url.host,
    headers: Object.fromEntries(
      Object.entries({ host: url.host, ...request.headers }).map(([name, value]) => [
        name.toLowerCase(),
        value,
      ]),
    ),
    body: request.body ?? "",
    signal: gone.signal,
  };
  try {
    return await Promise.race([handler(served), over]);
  } catch (error) {
    throw error instanceof HttpTrouble ? error : new HttpTrouble("broken", String(error), error);
  } finally {
    timer.cancel();
    request.signal.removeEventListener("abort", onAbort);
    gone.abort();
  }
}
