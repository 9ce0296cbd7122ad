/**
 * World: what a scenario sees of the place it is played in, and nothing of how it is done.
 *
 * A scenario is a script against this interface. It is played in virtual time by the simulator, in one process over real
 * loopback WebSockets, and by processes of their own on hosts that are network namespaces. Where one passes and another
 * fails, either the stack or the simulator is wrong; finding out which is what this is for.
 *
 * Invariants: every call is asynchronous; nothing waits longer than a bound the scenario gave; what a world cannot do is not
 * in `can`, so a scenario that needs it is left out by name and counted, never passed by doing nothing.
 */
import type { Duration } from "@foundation/core";
import type { WorldChannel } from "./channel-agent.js";
import type {
  ChannelSend,
  Command,
  GotMessage,
  Heard,
  LinkRow,
  MemberRow,
  Outcome,
  SendResult,
  StreamResult,
} from "./commands.js";
import type { LedgerLine } from "./ledger.js";

/** What a scenario may ask of a world beyond starting, ending and talking to nodes. */
export const capabilities = [
  "kill",
  "partition",
  "one-way",
  "slow",
  "reset",
  "half-open",
  "black-hole",
  "pause",
  "mangle",
] as const;
export type Capability = (typeof capabilities)[number];

export type WorldName = "simulated" | "in-process" | "namespaces";

/** How both directions between two nodes behave. */
export interface LinkSpeed {
  /** One way. */
  readonly latencyMs: number;
  /** Up to this much more for each piece; order is kept. @default 0 */
  readonly jitterMs?: number;
  /** Each way. @default as many as there are */
  readonly bytesPerSecond?: number;
}

export interface NodeOptions {
  /** @default the one all nodes of the world share */
  readonly secret?: string;
}

/** The remote control of one boot of a node; it does not go over the network under test. */
export interface NodeControl {
  readonly name: string;
  /** Node and boot, as ledger lines and messages carry them. */
  readonly key: string;
  /** Whom it lists, itself included. */
  members(): Promise<readonly MemberRow[]>;
  /** Membership events since it started, in order. */
  events(): Promise<readonly Heard[]>;
  /** Books one entry in the ledger process of that name. Never rejects: the outcome is what is told. */
  call(name: string, options?: { readonly timeoutMs?: number }): Promise<Outcome>;
  /** Starts the ledger process under a name, somewhere in the cluster, or finds it. */
  startProcess(name: string): Promise<Outcome>;
  /** The instance that this node would call under the name. */
  lookup(name: string): Promise<string | undefined>;
  /** The instance that answers a call under the name, or the code of the error. */
  whoServes(name: string): Promise<string>;
  /** Publishes one message to everybody, and gives its id. */
  publish(): Promise<string>;
  /** Ids of the messages it got, in order. */
  received(): Promise<readonly string[]>;
  /** Calls and casts to these names without end, from this node, until `rest`. */
  work(names: readonly string[], options?: { readonly everyMs?: number }): Promise<void>;
  /** Ends the work and waits for its last calls. */
  rest(): Promise<void>;
  /** How every call of this boot ended. */
  outcomes(): Promise<readonly Outcome[]>;
  /** What its health says about joining, one sentence each. */
  advice(): Promise<readonly string[]>;
  /** Sends numbered messages on a channel; never rejects: what became of each is told. */
  send(
    to: string,
    channel: WorldChannel,
    options: Partial<Omit<ChannelSend, "to" | "channel">>,
  ): Promise<readonly SendResult[]>;
  /** What it got on a channel, in order. */
  got(channel: WorldChannel): Promise<readonly GotMessage[]>;
  /** Its handlers of a channel wait from now on, or go on. */
  hold(channel: WorldChannel, isHeld: boolean): Promise<void>;
  /** Streams bytes to a node that reads all of them. */
  stream(to: string, bytes: number): Promise<StreamResult>;
  links(): Promise<readonly LinkRow[]>;
  /** Changes its secrets while it runs. */
  secrets(secrets: readonly string[]): Promise<void>;
  /** Supervised processes that run on it. */
  processes(): Promise<number>;
}

export interface World {
  readonly name: WorldName;
  readonly can: ReadonlySet<Capability>;
  /** Milliseconds since the world began, in its own time. */
  now(): number;
  /** Starts a node and resolves when its cluster handle is there; peers may be still on their way. */
  start(name: string, options?: NodeOptions): Promise<NodeControl>;
  /** Leaves in good order; resolves when the node has left and is gone. */
  stop(name: string): Promise<void>;
  /** Ends it with no chance to say or write anything. */
  kill(name: string): Promise<void>;
  /** Starts a node again that has ended: the same id, a new boot, a new address. */
  restart(name: string): Promise<NodeControl>;
  /** Cuts every link between nodes of different groups, both ways; nobody is told. */
  partition(...groups: readonly (readonly string[])[]): Promise<void>;
  /** Cuts the way from the ones to the others only. */
  cut(from: readonly string[], to: readonly string[]): Promise<void>;
  /** Ends all cuts and makes links quick again. Connections that are broken stay so. */
  heal(): Promise<void>;
  slow(a: string, b: string, speed: LinkSpeed): Promise<void>;
  /** Resets all connections between two nodes: both learn it at once. */
  reset(a: string, b: string): Promise<void>;
  /** The connections between two nodes end at `b`; `a` learns it only when it sends something. */
  halfOpen(a: string, b: string): Promise<void>;
  /** The present connections between two nodes carry nothing any more, and nobody is told; new ones work. */
  blackHole(a: string, b: string): Promise<void>;
  /** Stops a node's execution; what is sent to it waits. */
  pause(name: string): Promise<void>;
  resume(name: string): Promise<void>;
  /** Puts bytes that no node sent into the connections between two nodes, both ways. */
  injectGarbage(a: string, b: string): Promise<void>;
  /** What was written between two nodes arrives in pieces of so many bytes, until `heal`. */
  fragment(a: string, b: string, pieceBytes: number): Promise<void>;
  /** Lets time pass: virtual or real. */
  run(duration: Duration): Promise<void>;
  /**
   * Waits until the condition holds: gives `true`, or a sentence that says what is still missing.
   * @throws with the last sentence when the time is up
   */
  eventually(holds: () => Promise<true | string>, within: Duration): Promise<void>;
  /** What all ledger processes did, of ended nodes too, in the order of each instance. */
  ledger(): Promise<readonly LedgerLine[]>;
  /** How every call of every boot ended, as far as the caller lived to say. */
  outcomes(): Promise<readonly Outcome[]>;
  /** Ends all nodes and puts everything back. */
  close(): Promise<void>;
}

const oneByOne = { count: 1, keys: 1, bytes: 100, everyMs: 0, isOffer: false } as const;

/** How a world reaches one boot of a node. */
export type Ask = (command: Command) => Promise<unknown>;

/** A remote control over whatever carries commands. */
export function controlOf(name: string, key: string, ask: Ask): NodeControl {
  const told = <T>(command: Command) => ask(command) as Promise<T>;
  return {
    name,
    key,
    members: () => told({ type: "members" }),
    events: () => told({ type: "events" }),
    call: (target, { timeoutMs = 2_000 } = {}) => told({ type: "call", name: target, timeoutMs }),
    startProcess: (target) => told({ type: "start-process", name: target }),
    lookup: async (target) =>
      (await told<string | null>({ type: "lookup", name: target })) ?? undefined,
    whoServes: (target) => told({ type: "who", name: target }),
    publish: () => told({ type: "publish" }),
    received: () => told({ type: "received" }),
    work: (names, { everyMs = 10 } = {}) => told({ type: "work", names, everyMs }),
    rest: () => told({ type: "rest" }),
    outcomes: () => told({ type: "outcomes" }),
    advice: () => told({ type: "advice" }),
    send: (to, channel, options) => told({ ...oneByOne, ...options, type: "send", to, channel }),
    got: (channel) => told({ type: "got", channel }),
    hold: (channel, isHeld) => told({ type: "hold", channel, isHeld }),
    stream: (to, bytes) => told({ type: "stream", to, bytes }),
    links: () => told({ type: "links" }),
    secrets: (secrets) => told({ type: "secrets", secrets }),
    processes: () => told({ type: "processes" }),
  };
}
