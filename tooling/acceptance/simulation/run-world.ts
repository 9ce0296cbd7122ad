/** RunWorld: what the nodes of one run share with the run: how they are made, and the books they write to. */
import type { FoundationError } from "@foundation/core";
import type { SimulatedHost } from "@foundation/testkit";
import type { ChannelBook } from "./channel-book.js";
import type { DiskBook } from "./disk-book.js";
import type { StreamBook } from "./stream-book.js";
import type { IdentityBook } from "./identity-book.js";
import type { MapBook } from "./map-book.js";
import type { TopologyMode } from "./swarm.js";

export interface RunWorld {
  /** Put together from the packages, with a replicated map; else by startCluster. */
  readonly byHand: boolean;
  readonly topology: TopologyMode;
  /** 0: any. */
  readonly port: number;
  readonly disks: DiskBook;
  readonly identities: IdentityBook;
  readonly maps: MapBook;
  readonly channels: ChannelBook;
  readonly streams: StreamBook;
  /** Virtual time. */
  now(): number;
  /** A line in the trace. */
  note(kind: string, text: string, node?: string): void;
  /** The node did not start because of its disk. */
  refused(host: SimulatedHost, error: FoundationError): void;
}
