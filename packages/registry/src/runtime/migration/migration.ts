/** A move of a process to another node, as its caller sees it: a promise, with its steps beside it. */
import type { NodeId, Pid } from "@foundation/core";
import { underWay } from "../under-way.js";

/** What has been done of a move, in this order. */
export type MigrationStep =
  /** Its message in progress has ended; `waiting` messages go along. */
  | { readonly type: "frozen"; readonly waiting: number }
  /** Its state was encoded and is on its way. */
  | { readonly type: "sent"; readonly stateBytes: number }
  /** The other node has it, and waits. Until here the move can be given up. */
  | { readonly type: "installed"; readonly pid: Pid }
  /** It belongs to the other node: from now on it runs there or, if that node dies, where it is taken over. */
  | { readonly type: "committed"; readonly generation: number }
  /** It runs there, and its mailbox went along. */
  | { readonly type: "moved"; readonly pid: Pid };

/** A move that is done. */
export interface Migrated {
  readonly identity: string;
  readonly from: NodeId;
  /** The process, under its new pid. */
  readonly pid: Pid;
  readonly generation: number;
}

/**
 * A move under way. Await it, or `done`; what it rejects with is in `Registry.migrate`.
 *
 * @example
 * ```ts
 * import type { NodeId } from "@foundation/core"
 * import type { Registry } from "@foundation/registry"
 *
 * async function move(registry: Registry, to: NodeId): Promise<void> {
 *   const migration = registry.migrate("orders", { to, timeout: "10s" })
 *   for await (const step of migration.progress) console.log(step.type)
 *   const { pid } = await migration
 *   console.log(`orders is process ${pid.serial} of node ${pid.node} now`)
 * }
 * ```
 */
export interface Migration extends PromiseLike<Migrated> {
  readonly done: Promise<Migrated>;
  /** The steps; ends with the move, and says nothing of how. A slow reader misses the oldest. */
  readonly progress: AsyncIterableIterator<MigrationStep>;
}

/** Runs the move, and gives its handle. */
export function migration(
  stepsBuffer: number,
  run: (tell: (step: MigrationStep) => void) => Promise<Migrated>,
): Migration {
  return underWay("migration", stepsBuffer, run);
}
