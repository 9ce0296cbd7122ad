/** What the cache suite and its processes tell each other. */
import type { NodeId } from "@foundation/core";

/** One node of a cluster, a client of Redis, or (without ids) a cache by itself, in a process of its own. */
export interface NodeTask {
  readonly index: number;
  /** Of all nodes, in order. */
  readonly ids: readonly NodeId[];
  readonly ports: readonly number[];
  /** Absent: no Redis. */
  readonly redisPort?: number;
}

/** Hits of which kind: those of `awaited` are of `get`, or of what an async function gives. */
export type HitsOf = "near" | "local" | "lru-cache" | "awaited";

export type Told =
  | { readonly type: "hits"; readonly of: HitsOf; readonly forMs: number }
  | { readonly type: "prepare"; readonly of: HitsOf; readonly forMs: number }
  | { readonly type: "turn"; readonly turn: number; readonly forMs: number }
  | { readonly type: "gets"; readonly forMs: number }
  | { readonly type: "stampede"; readonly callers: number; readonly computeMs: number }
  | { readonly type: "fill"; readonly keys: number }
  | { readonly type: "count"; readonly keys: number };

export type Heard =
  | { readonly type: "up" }
  | { readonly type: "hit"; readonly perSecond: number }
  | { readonly type: "prepared" }
  | { readonly type: `turn ${number}`; readonly perSecond: number }
  | {
      readonly type: "got";
      readonly p50Ms: number;
      readonly p99Ms: number;
      readonly perSecond: number;
    }
  | { readonly type: "stampeded"; readonly computations: number; readonly wrong: number }
  | { readonly type: "filled" }
  | { readonly type: "counted"; readonly found: number };
