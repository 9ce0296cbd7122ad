/** What the parts of a core world are given: time, chance, the trace, and the network below. */
import type { FoundationError } from "@foundation/core";
import type { Random } from "@foundation/core/ports";
import type { CoreEvent } from "./core-adapter.js";
import type { DiskConditions } from "./core-disk.js";
import type { EventQueue } from "./event-queue.js";

/** Something that is due at a time. */
export interface Due {
  happen(): void;
}

/** How messages get from node to node: as datagrams or on streams. */
export interface CoreNetwork<Message> {
  send(from: number, to: number, message: Message): boolean;
  dial(from: number, to: number): void;
  hangUp(from: number, to: number): void;
  /** The process at this node is gone; `power`: and its host with it, so nobody is told. */
  ended(node: number, kind: "process" | "power"): void;
  /** Breaks what connects two nodes; `half`: only `b` learns of it. */
  reset(a: number, b: number, half: boolean): void;
  /** A cut ended: what it held back goes on. */
  healed(): void;
}

export interface Parts<Message> {
  readonly random: Random;
  readonly queue: EventQueue<Due>;
  readonly network: CoreNetwork<Message>;
  readonly now: () => number;
  readonly diskConditions: DiskConditions;
  /** Into the hash of the trace: what is too frequent to be read. */
  traced(kind: string, node: number, text: string): void;
  note(kind: string, text: string, node: number): void;
  failed(node: number, cause: unknown): FoundationError;
}

/** What a network sees of a node. */
export interface Receiver<Message> {
  readonly boot: number;
  readonly isRunning: boolean;
  readonly isPaused: boolean;
  take(event: CoreEvent<Message, never>): void;
}
