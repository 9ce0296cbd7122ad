/**
 * createCoreWorld: many pure protocol cores in one virtual world, for volume.
 *
 * The simulator runs whole nodes and has to wait for their promises; here everything is one synchronous loop over
 * events ordered by (time, sequence): no promise, no timer of Node, no bytes. Hours of a cluster pass in seconds, so
 * thousands of seeds can be played. A seed decides everything, and the same seed gives the same trace.
 */
import type { Duration } from "@foundation/core";
import type { Random } from "@foundation/core/ports";
import type { Trace } from "../simulation/trace.js";
import type { CoreAdapter, CoreHost } from "./core-adapter.js";
import type { DiskConditions } from "./core-disk.js";
import { SeededCoreWorld } from "./seeded-core-world.js";
import type { CoreConditions } from "./wires.js";

/** What a core world is made of; `Core` is what `create` gives, with its adapter. */
export interface CoreWorldOptions<Input, Effect, Message, Write, Core> {
  /** Decides everything. */
  readonly seed: number | string;
  /** How many nodes begin at once, 65,536 at most; more come by `addNode`. @default 0 */
  readonly nodes?: number;
  /** Makes the core of one boot of a node, with its adapter. `disk`: what earlier boots wrote, in order. */
  readonly create: (
    host: CoreHost<Input, Message, Write>,
    disk: readonly Write[],
  ) => Core & CoreAdapter<Input, Effect, Message, Write>;
  /**
   * `datagrams` may be lost, repeated and reordered, `ordered` ones keep their order between two nodes; `streams` are
   * links that come up, keep order, lose nothing, and break. @default "datagrams"
   */
  readonly transport?: "datagrams" | "ordered" | "streams";
  /** How messages travel unless told otherwise. @default a quiet local network */
  readonly conditions?: CoreConditions;
  /** How long a write takes to be synced. @default 1 to 3 ms */
  readonly disk?: DiskConditions;
  /** How long a dial of a host that does not answer takes to fail. @default "3s" */
  readonly dialTimeout?: Duration;
  /** The wall clock of every node when the world begins, in milliseconds. @default 0 */
  readonly wallStartMs?: number;
  /** Keeps every timer and message among the lines of the trace. @default false */
  readonly verbose?: boolean;
}

/** A node of a core world. */
export interface CoreNode<Core> {
  /** Its number, from 0. */
  readonly node: number;
  /** Counts its boots, from 1. */
  readonly boot: number;
  readonly state: "up" | "paused" | "down";
  /** What `create` made for the present boot, or for the last one when the node is down. */
  readonly core: Core;
}

/** Cores in virtual time. Nodes are numbers from 0. */
export interface CoreWorld<Input, Core, Write = never> {
  /** As text, whatever it was given as. */
  readonly seed: string;
  /** True time, in milliseconds from 0. */
  readonly now: number;
  /** Chance for the test itself; nodes and network have their own. */
  readonly random: Random;
  /** What happened: a hash of everything, and the last lines. */
  readonly trace: Trace;
  /** By number. */
  readonly nodes: readonly CoreNode<Core>[];
  /** Messages handed over so far. */
  readonly delivered: number;
  /** Adds a node, which begins at once. Gives its number. @throws {ERR_INVALID_ARGUMENT} there are 65,536 already */
  addNode(): number;
  /** @throws {ERR_INVALID_ARGUMENT} there is none of that number, as in all that is told of a node */
  node(node: number): CoreNode<Core>;
  /** Gives the core of a node an input; one that is down does not get it, a paused one later. */
  input(node: number, input: Input): void;
  /** What a node has on its disk for good. */
  disk(node: number): readonly Write[];
  /** Kills a node. `power`: its host goes off too: no peer is told, unsynced writes may be lost. @default "process" */
  crash(node: number, options?: { readonly kind?: "process" | "power" }): void;
  /** Starts a node that is down again. @default disk "kept" */
  restart(node: number, options?: { readonly disk?: "kept" | "wiped" }): void;
  /** Stops the node; what arrives and what is due waits. */
  pause(node: number): void;
  /** Ends a pause: first what fell due, then what arrived. */
  resume(node: number): void;
  /**
   * Lets the node's clock run so many times as fast as time. Timers that are pending keep their moment.
   * @param rate more than 0; 1 is right
   */
  driftClock(node: number, rate: number): void;
  /** Moves the node's wall clock, in milliseconds from its own clock. */
  skewWall(node: number, offsetMs: number): void;
  /** Keeps the disk of the node from syncing for so long; of two stalls the later end counts. */
  stallDisk(node: number, forMs: number): void;
  /** Cuts two groups of nodes apart; `oneWay`: only from the first to the second. */
  partition(
    a: readonly number[],
    b: readonly number[],
    options?: { readonly oneWay?: boolean },
  ): void;
  /** How messages from one node to another travel; without conditions, as usual again. */
  link(from: number, to: number, conditions?: CoreConditions): void;
  /** Breaks the link of two nodes; `half`: only `b` learns of it. Streams only. */
  reset(a: number, b: number, options?: { readonly half?: boolean }): void;
  /** Ends cuts, link conditions, pauses, drifts, skews and stalls. Nodes that are down stay so. */
  heal(conditions?: CoreConditions): void;
  /** Calls `happen` after so many virtual milliseconds, outside of all nodes. */
  at(delayMs: number, happen: () => void): void;
  /** A line of the test's own in the trace. */
  note(kind: string, text: string, node?: number): void;
  /** Lets time pass. @throws {ERR_SIMULATION_FAILED} when a core throws */
  run(duration: Duration): void;
  /**
   * Lets time pass until the condition holds, looking every 10 ms; false when it does not within that time.
   * @throws {ERR_SIMULATION_FAILED} when a core throws
   */
  until(condition: () => boolean, within: Duration): boolean;
}

/**
 * A world of pure cores.
 *
 * @throws {ERR_INVALID_ARGUMENT} when `dialTimeout` is not a duration, or there are too many nodes
 *
 * @example
 * ```ts
 * import {
 *   createCoreWorld,
 *   type CoreAdapter,
 *   type CoreEvent,
 *   type CoreHost,
 * } from "@foundation/testkit"
 *
 * // Every second it tells the greatest number it has heard to a random node.
 * class Rumour implements CoreAdapter<number, number, number> {
 *   greatest = 0
 *   constructor(readonly host: CoreHost<number, number>) {}
 *   inputOf(event: CoreEvent<number>): number | undefined {
 *     if (event.type === "message") return event.message
 *     this.host.setTimer("tell", 1_000)
 *     return event.type === "timer" ? this.greatest : undefined
 *   }
 *   handle(heard: number): readonly number[] {
 *     this.greatest = Math.max(this.greatest, heard)
 *     return heard === this.greatest ? [heard] : []
 *   }
 *   run(told: number): void {
 *     this.host.send(Math.floor(this.host.random.next() * 5), told)
 *   }
 * }
 *
 * const create = (host: CoreHost<number, number>) => new Rumour(host)
 * const world = createCoreWorld({ seed: 1, nodes: 5, create })
 * world.input(0, 42)
 * const all = world.until(() => world.nodes.every(({ core }) => core.greatest === 42), "1m")
 * console.log(all, world.trace.hash) // true and sixteen digits
 * ```
 */
export function createCoreWorld<Input, Effect, Message, Core, Write = never>(
  options: CoreWorldOptions<Input, Effect, Message, Write, Core>,
): CoreWorld<Input, Core, Write> {
  return new SeededCoreWorld<Input, Effect, Message, Write, Core>(options);
}
