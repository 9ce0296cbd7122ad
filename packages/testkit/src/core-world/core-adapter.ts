/**
 * CoreAdapter: how a pure protocol core is put into a core world.
 *
 * A core knows nothing of worlds: inputs go in, effects come out as data. The adapter says which input an event of the
 * world is, and carries each effect out through its host. So the same core runs here and in its shell.
 */
import type { Random } from "@foundation/core/ports";

/** What happens to a node. Nodes are numbered from 0, their boots from 1. */
export type CoreEvent<Message, Write = never> =
  /** The boot begins. */
  | { readonly type: "start" }
  | { readonly type: "timer"; readonly timer: string }
  | {
      readonly type: "message";
      readonly from: number;
      readonly fromBoot: number;
      readonly message: Message;
    }
  /** A write is on the disk for good, and all before it. */
  | { readonly type: "persisted"; readonly write: Write }
  /** A link is up, on both sides. Links exist in worlds of streams only. */
  | { readonly type: "link-up"; readonly peer: number; readonly peerBoot: number }
  /** It is gone; told after its last message. `lost`: nobody closed it on purpose. */
  | {
      readonly type: "link-down";
      readonly peer: number;
      readonly peerBoot: number;
      readonly reason: "closed" | "lost";
    }
  /** A dial found that there is a link already, or led to one. */
  | { readonly type: "dial-answered"; readonly peer: number }
  /** `refused`: the host is there and nobody listens. `timeout`: no answer at all. */
  | {
      readonly type: "dial-failed";
      readonly peer: number;
      readonly reason: "refused" | "timeout";
    };

/** A core with its translation. One is made for each boot of a node. */
export interface CoreAdapter<Input, Effect, Message, Write = never> {
  /** The pure core. */
  handle(input: Input, now: number): readonly Effect[];
  /** The input that an event is for the core; undefined when it is none of its business. */
  inputOf(event: CoreEvent<Message, Write>): Input | undefined;
  /** Carries out one effect through the host. */
  run(effect: Effect): void;
}

/** One boot of a node, as its adapter sees the world. After a crash every method does nothing. */
export interface CoreHost<Input, Message, Write = never> {
  readonly node: number;
  /** 1 for the first boot of the node. */
  readonly boot: number;
  /** Chance of this boot alone. */
  readonly random: Random;
  /** The node's monotonic clock, in milliseconds. It may drift. */
  now(): number;
  /** The node's wall clock, in milliseconds. It may be skewed. */
  wallNow(): number;
  /** Posts a message. In a world of streams: false when there is no link to that node. */
  send(to: number, message: Message): boolean;
  /** Replaces a pending timer of the same name. The delay is by this node's clock. */
  setTimer(timer: string, delayMs: number): void;
  cancelTimer(timer: string): void;
  /** Writes to the disk; `persisted` follows when it is synced. A loss of power forgets what is not. */
  persist(write: Write): void;
  /** Asks for a link; `link-up`, `dial-answered` or `dial-failed` follows. Streams only. */
  dial(to: number): void;
  /** Ends the link, if there is one: `link-down` follows here, and there after what was sent. Streams only. */
  hangUp(to: number): void;
  /** Another input for the core, after all effects of the present one. */
  feed(input: Input): void;
  /** A line in the trace. */
  note(kind: string, text: string): void;
}
