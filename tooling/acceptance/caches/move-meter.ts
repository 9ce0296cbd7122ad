/**
 * MoveMeter: which buckets went from node to node with entries in them, as seen on the way between the caches and their
 * messenger.
 */
import type { Messenger, NodeId } from "@foundation/core";
import { bucketOf } from "../../../packages/cache/src/protocol/key-hash.js";

/** Entries of a bucket that one node gave to another. */
export interface Move {
  readonly cache: string;
  readonly bucket: number;
  readonly to: NodeId;
  readonly key: string;
}

export class MoveMeter {
  #moves: Move[] = [];

  /** What moved since it was last asked. */
  take(): readonly Move[] {
    const moves = this.#moves;
    this.#moves = [];
    return moves;
  }

  note(move: Move): void {
    this.#moves.push(move);
  }
}

/** A messenger that tells the meter what its node is given. */
export function tapped(messenger: Messenger, self: NodeId, meter: MoveMeter): Messenger {
  const noteItems = (cache: string, items: unknown) => {
    for (const item of Array.isArray(items) ? (items as unknown[][]) : []) {
      // A deletion is no entry.
      if (item[4] instanceof Uint8Array) {
        const key = item[0] as string;
        meter.note({ cache, bucket: bucketOf(key), to: self, key });
      }
    }
  };
  return new Proxy(messenger, {
    get(target, name) {
      const value: unknown = Reflect.get(target, name, target);
      if (name === "request") {
        const request: Messenger["request"] = async (route, payload, options) => {
          const reply = await target.request(route, payload, options);
          const cache = cacheOf(route.subject, "pull");
          if (cache !== undefined && Array.isArray(reply)) noteItems(cache, reply[1]);
          return reply;
        };
        return request;
      }
      if (name === "handle") {
        const handle: Messenger["handle"] = (subject, handler) => {
          const cache = cacheOf(subject, "mend");
          if (cache === undefined) return target.handle(subject, handler);
          return target.handle(subject, (message) => {
            if (Array.isArray(message.payload)) noteItems(cache, message.payload[1]);
            return handler(message);
          });
        };
        return handle;
      }
      return typeof value === "function" ? value.bind(target) : value;
    },
  });
}

/** The cache's name in `cache.<verb>.<name>`. */
function cacheOf(subject: string, verb: string): string | undefined {
  const prefix = `cache.${verb}.`;
  return subject.startsWith(prefix) ? subject.slice(prefix.length) : undefined;
}
