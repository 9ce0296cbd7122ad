/**
 * Supervisor: the registry's takeover core over a map of child specs: which children run on this node.
 *
 * An instance is a line in a map here. Whenever a spec or the members change, and in a slow sweep, every child concerned
 * is decided upon, as the registry's supervision does.
 */
import type { Member, NodeId } from "@foundation/core";
import { rendezvous } from "@foundation/core";
import {
  compareVersions,
  startSpec,
  stoppedAt,
  stoppedSpec,
  versionOf,
  type ChildSpec,
  type Owner,
  type SpecVersion,
} from "../../../packages/registry/src/protocol/child-spec.js";
import { parseVersion } from "../../../packages/registry/src/protocol/parse-spec.js";
import { decide } from "../../../packages/registry/src/protocol/takeover.js";
import type { MapReplica } from "./map-replica.js";

export type SpecMap = MapReplica<ChildSpec, SpecVersion>;

/** What a supervisor asks its node. */
export interface SupervisorHost {
  readonly self: Owner;
  members(): readonly Member[];
  member(id: NodeId): Member | undefined;
  specs(): SpecMap;
}

const placement = rendezvous();

const template = {
  definition: "d",
  args: 0,
  restart: "permanent",
  on: undefined,
  meta: 0,
} as const;

export class Supervisor {
  /** By identity: the spec by which an instance runs here. */
  readonly running = new Map<string, ChildSpec>();
  readonly #host: SupervisorHost;

  constructor(host: SupervisorHost) {
    this.#host = host;
  }

  /** Starts a child here, unless one is known to run. */
  start(identity: string): void {
    const known = this.#spec(identity);
    if (known?.state === "running" || this.running.has(identity)) return;
    const request = { ...template, identity };
    const spec = startSpec(request, this.#host.self, known);
    this.running.set(identity, spec);
    this.#write(spec);
  }

  stop(identity: string): void {
    const known = this.#spec(identity);
    if (known !== undefined && known.state !== "stopped") this.#write(stoppedSpec(known));
  }

  lookAtAll(): void {
    for (const { key } of this.#host.specs().state.live()) this.look(key);
    for (const identity of [...this.running.keys()]) this.look(identity);
  }

  look(identity: string): void {
    const decision = decide(this.#spec(identity), this.running.get(identity), {
      self: this.#host.self,
      members: this.#host.members(),
      isMember: (owner) => this.#host.member(owner.node)?.boot === owner.boot,
      defines: () => true,
      place: (key, candidates) => placement.place(key, candidates),
    });
    switch (decision?.type) {
      case undefined:
        return;
      case "write":
        return this.#write(decision.spec);
      case "end":
        this.running.delete(identity);
        return;
      case "take-over":
        this.#write(decision.spec);
        this.running.set(identity, decision.spec);
        return;
      case "start":
        this.running.set(identity, decision.spec);
        return;
      case "claim":
        throw new Error("no child here is strong");
      default:
        decision satisfies never;
    }
  }

  #spec(identity: string): ChildSpec | undefined {
    const { state } = this.#host.specs();
    const version = state.stampOf(identity);
    return state.get(identity)?.value ?? (version && stoppedAt(identity, version));
  }

  /** A stopped child is a deletion, as in the registry: its version stays, its arguments go. */
  #write(spec: ChildSpec): void {
    const specs = this.#host.specs();
    if (spec.state === "stopped") specs.delete(spec.identity, versionOf(spec));
    else specs.set(spec.identity, spec, versionOf(spec));
  }
}

/** What the map of specs is made with. */
export const specOrder = {
  compare: compareVersions,
  isStamp: (value: unknown): value is SpecVersion => parseVersion(value) !== undefined,
} as const;
