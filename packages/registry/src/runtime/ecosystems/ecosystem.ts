/** Ecosystem: what a user holds of one. */
import type { NodeId, ProcessDefinition } from "@foundation/core";
import type {
  EcosystemMember,
  EcosystemPlan,
  EcosystemSpread,
  EcosystemTopology,
  FaultTolerance,
} from "../../protocol/ecosystem-plan.js";
import type { ClusterRef } from "../calls/process-reference.js";
import type { OperationOptions } from "../supervision/start-options.js";
import type { EcosystemOptions } from "./ecosystem-options.js";

/** How one process of an ecosystem is. */
export interface EcosystemMemberInfo {
  readonly name: string;
  readonly role: EcosystemMember["role"];
  /** The worker's number. */
  readonly index: number | undefined;
  /** The name of its definition. */
  readonly process: string;
  /**
   * `starting`: it is on its way, perhaps to another node; `failed`: it was given up after too many crashes; `missing`: it
   * was stopped, or never started.
   */
  readonly status: "running" | "starting" | "failed" | "missing";
  readonly node: NodeId | undefined;
}

/** How an ecosystem is, as the node that was asked knows it. */
export interface EcosystemInfo {
  readonly name: string;
  readonly state: EcosystemPlan["state"];
  readonly topology: EcosystemTopology;
  readonly faultTolerance: FaultTolerance;
  readonly placement: EcosystemSpread;
  /** The coordinator, then the workers by number. */
  readonly members: readonly EcosystemMemberInfo[];
  /** Members that run, of those that shall. */
  readonly running: number;
}

/** A coordinator and its workers. It lives in the cluster, not in this handle: any node may hold one. */
export interface Ecosystem<C extends ProcessDefinition = ProcessDefinition> {
  readonly name: string;
  readonly coordinator: ClusterRef<C>;
  /** The workers of one kind, by number. @throws {ERR_NO_PROCESS} the ecosystem was shut down */
  workers<D extends ProcessDefinition>(process: D): readonly ClusterRef<D>[];
  /** @throws {ERR_NO_PROCESS} the ecosystem was shut down */
  info(): EcosystemInfo;
  /**
   * Gives a kind so many workers: new ones take free numbers, those of the highest go. All whose place changes are told.
   * @throws {ERR_NO_PROCESS} @throws {ERR_INVALID_ARGUMENT} no such kind, or too many
   */
  scale(
    process: ProcessDefinition,
    count: number,
    options?: OperationOptions & Pick<EcosystemOptions, "onProgress">,
  ): Promise<void>;
  /** Ends all its processes, the workers first. Resolves when they are gone; nothing when it was shut down already. */
  shutdown(options?: OperationOptions): Promise<void>;
}
