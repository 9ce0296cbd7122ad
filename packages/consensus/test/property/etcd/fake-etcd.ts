/**
 * An etcd that does what a script says, behind a client library that has only what the engine uses of it: so that time is
 * virtual and what was really applied is known.
 */
import type { Clock } from "@foundation/core/ports";
import type { Library } from "../../../src/etcd/library.js";

/** What becomes of one call. */
export type Fate =
  | "answered"
  /** Refused before anything was proposed. */
  | "no leader"
  | "too many"
  | "bad token"
  /** No connection: the call never left. */
  | "not connected"
  /** Done or not, and the answer does not come. */
  | "applied, cut"
  | "cut"
  | "applied, timed out"
  | "applied, silent"
  | "silent";

export interface FakeEtcd {
  readonly library: Library;
  /** How often each request was applied, by its `ID` or its first key. */
  readonly applied: Map<string, number>;
  /** Calls so far, by endpoint. */
  readonly calls: string[];
  /** Tokens that are good. */
  readonly tokens: Set<string>;
}

interface FakeOptions {
  readonly clock: Clock;
  /** The next fate; "answered" when there is none. */
  readonly next: () => Fate;
  readonly delayMs?: number;
}

type Callback = (error: object | null, answer?: object) => void;

const ERRORS: Partial<Record<Fate, readonly [code: number, details: string]>> = {
  "no leader": [14, "etcdserver: no leader"],
  "too many": [8, "etcdserver: too many requests"],
  "bad token": [16, "etcdserver: invalid auth token"],
  "not connected": [14, "No connection established. Last error: connect ECONNREFUSED"],
  "applied, cut": [14, "Connection dropped"],
  cut: [14, "Connection dropped"],
  "applied, timed out": [14, "etcdserver: request timed out"],
};

export function fakeEtcd({ clock, next, delayMs = 1 }: FakeOptions): FakeEtcd {
  const applied = new Map<string, number>();
  const calls: string[] = [];
  const tokens = new Set<string>();
  const header = { cluster_id: "7", revision: "5" };

  const respond = (
    path: string,
    request: { ID?: string },
    token: string | undefined,
    callback: Callback,
  ) => {
    let isOver = false;
    const end = (error: object | null, answer?: object): void => {
      if (isOver) return;
      isOver = true;
      callback(error, answer);
    };
    if (path === "Authenticate") {
      const fresh = `t${tokens.size}`;
      tokens.add(fresh);
      clock.setTimer(delayMs, () => end(null, { header, token: fresh }));
      return () => end({ code: 1, details: "Cancelled on client" });
    }
    const fate = next();
    if (fate === "answered" || fate.startsWith("applied")) {
      const id = request.ID ?? "read";
      applied.set(id, (applied.get(id) ?? 0) + 1);
    }
    const known = ERRORS[fate];
    if (fate === "bad token" && token !== undefined) tokens.delete(token);
    if (fate === "answered") {
      clock.setTimer(delayMs, () =>
        end(null, { header, ID: request.ID, TTL: "9", kvs: [], count: "0" }),
      );
    } else if (known !== undefined) {
      const [code, details] = known;
      clock.setTimer(delayMs, () => end({ code, details }));
    }
    return () => end({ code: 1, details: "Cancelled on client" });
  };

  class Metadata {
    readonly values = new Map<string, string>();
    set(key: string, value: string): void {
      this.values.set(key, value);
    }
  }
  class Client {
    readonly #address: string;
    constructor(address: string) {
      this.#address = address;
    }
    getChannel() {
      return { getConnectivityState: () => 2 };
    }
    makeUnaryRequest(
      path: string,
      _serialize: unknown,
      _deserialize: unknown,
      request: { ID?: string },
      metadata: Metadata,
      callback: Callback,
    ) {
      calls.push(`${this.#address} ${path}`);
      const cancel = respond(path, request, metadata.values.get("token"), callback);
      return { cancel };
    }
    close(): void {}
  }
  const names = [
    "Range",
    "Txn",
    "Compact",
    "LeaseGrant",
    "LeaseRevoke",
    "LeaseKeepAlive",
    "Authenticate",
  ];
  const methods = Object.fromEntries(
    names.map((name) => [name, { path: name, responseStream: false }]),
  );
  const grpc = {
    Client,
    Metadata,
    connectivityState: { IDLE: 0, CONNECTING: 1, READY: 2, TRANSIENT_FAILURE: 3, SHUTDOWN: 4 },
    credentials: { createInsecure: () => ({}) },
  };
  return { library: { grpc, methods } as unknown as Library, applied, calls, tokens };
}
