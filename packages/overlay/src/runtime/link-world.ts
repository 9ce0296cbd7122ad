/** What all links of a node share. */
import type { Clock, Codec, ConnectionEnd, Random } from "@foundation/core";
import type { Preset } from "../presets.js";
import type { WindowBudget } from "../protocol/streams/window-tuner.js";
import { COORDINATION } from "./dial-targets.js";
import { FlushQueue } from "./flush-queue.js";
import { LentSlabs } from "./lent-slabs.js";
import type { Link } from "./link.js";
import { MemoryPool } from "./memory-pool.js";
import type { OverlayMetrics } from "./metrics.js";
import type { World } from "./world.js";

/** What a link tells its owner. */
export interface LinkOwner {
  /** A frame came. */
  receive(link: Link, frame: Uint8Array): void;
  /** Its connection has ended; the link stays. */
  broken(link: Link, end: ConnectionEnd): void;
  /**
   * What was written may or may not have been handled, and no answer to it will come: the
   * connection broke on a lane that keeps nothing, the peer has forgotten us, or the link has
   * ended.
   */
  lost(link: Link): void;
  /** The peer's resume has come: the link goes on, and what was told by control messages may be lost. */
  resumed(link: Link): void;
  /** What was not written is about to be dropped; of a lane that retains, only its requests. */
  dropping(link: Link): void;
}

export interface LinkWorld {
  readonly clock: Clock;
  readonly random: Random;
  readonly codec: Codec;
  readonly metrics: OverlayMetrics;
  readonly preset: Preset;
  readonly flushes: FlushQueue;
  /** What windows may grow by. */
  readonly budget: WindowBudget;
  /** Of large messages that have left. */
  readonly memory: MemoryPool;
  /** Of batches. */
  readonly slabs: LentSlabs;
  /** A batch is written once it holds this many bytes. */
  readonly batchBytes: number;
  /** A larger payload is written in chunks of this size. */
  readonly chunkBytes: number;
  /** The channel without flow control: membership's own. */
  readonly freeChannel: string;
  readonly owner: LinkOwner;
}

export function linkWorldOf(world: World, owner: LinkOwner): LinkWorld {
  const { clock, metrics, preset, codec, budget, batchBytes, chunkBytes, random } = world;
  const memory = new MemoryPool();
  return {
    clock,
    random: random.fork("links"),
    codec,
    metrics,
    flushes: new FlushQueue(clock),
    budget,
    memory,
    slabs: new LentSlabs(clock, memory),
    preset,
    batchBytes,
    chunkBytes,
    freeChannel: COORDINATION,
    owner,
  };
}
