/**
 * HttpClient: what a strategy needs of HTTP, so that its backend may be a real server or one in memory.
 *
 * One request, one whole answer within a limit of bytes and of time; nothing is retried here, no redirect is followed
 * (a token must not travel to where a server points), and every failure is an `HttpTrouble` that says in words what
 * happened. An answer with an error status is an answer.
 */

/** One request. */
export interface HttpRequest {
  readonly method: "DELETE" | "GET" | "POST" | "PUT";
  /** `http://host:port/path?query` or `https://…`. */
  readonly url: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
  /** The whole exchange, from the look-up of the name to the last byte. */
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
}

/** One whole answer. */
export interface HttpAnswer {
  readonly status: number;
  /** By lower-case name; of a header sent twice, both with a comma between. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

export interface HttpClient {
  /** @throws HttpTrouble when there is no whole answer; an abort is trouble of the kind `aborted` */
  exchange(request: HttpRequest): Promise<HttpAnswer>;
  /** Lets go of kept connections. Idempotent. */
  close(): void;
}

/** Why there is no answer. */
export type HttpTroubleKind =
  | "aborted"
  | "broken"
  | "name"
  | "refused"
  | "timeout"
  | "tls"
  | "too-large"
  | "unreachable";

/** There is no whole answer, and why; the message is fit for people and names no secret. */
export class HttpTrouble extends Error {
  readonly kind: HttpTroubleKind;

  constructor(kind: HttpTroubleKind, message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.name = "HttpTrouble";
    this.kind = kind;
  }
}
