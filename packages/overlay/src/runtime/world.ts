/** What every part of the running overlay shares. */
import type { Boot, Clock, Codec, Logger, NodeId, Random } from "@foundation/core";
import type { Preset } from "../presets.js";
import type { WindowBudget } from "../protocol/streams/window-tuner.js";
import type { OverlayMetrics } from "./metrics.js";

/** This node, as its hello describes it. */
export interface SelfIdentity {
  readonly id: NodeId;
  readonly boot: Boot;
  readonly name: string;
  /** Known once the listener is. */
  address: string;
}

export interface World {
  readonly self: SelfIdentity;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  /** Bounded: what it encodes is no larger than a message may be. */
  readonly codec: Codec;
  readonly metrics: OverlayMetrics;
  /** Times and windows that suit the network. */
  readonly preset: Preset;
  /** What all windows of this node may grow by. */
  readonly budget: WindowBudget;
  /** A batch is written once it holds this many bytes: FRAME.batchBytes, or what the transport takes. */
  readonly batchBytes: number;
  /** A larger payload leaves in chunks of this size: FLOW.chunkBytes, or what the transport takes. */
  readonly chunkBytes: number;
}
