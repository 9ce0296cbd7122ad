/**
 * Wiring: what every part of the registry's shell needs of the world, made once by `createRegistry`.
 */
import type {
  Clock,
  Codec,
  ExitReason,
  Kernel,
  Logger,
  Membership,
  Messenger,
  NodeId,
  Pid,
  ProcessDefinition,
  Random,
} from "@foundation/core";
import type { RegistryLimits } from "../limits.js";
import type { Owner } from "../protocol/child-spec.js";
import type { RegistryMetrics } from "./metrics.js";

/** The channel of everything the registry sends itself; its stores use `state`. */
export const CHANNEL = "processes";

/** Where definitions come from: the catalogue that `defineProcess` fills, unless a test says so. */
export interface DefinitionSource {
  get(name: string): ProcessDefinition | undefined;
  names(): readonly string[];
  onDefined(listener: (name: string) => void): () => void;
}

/** The world, as the parts of the shell see it. */
export interface Wiring {
  readonly self: Owner;
  readonly messenger: Messenger;
  readonly membership: Membership;
  readonly kernel: Kernel;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly codec: Codec;
  readonly limits: RegistryLimits;
  readonly metrics: RegistryMetrics;
  readonly definitions: DefinitionSource;
}

/** True when the pid is of this very start of this node. */
export function isLocal(pid: Pid, self: Owner): boolean {
  return pid.node === self.node && pid.boot === self.boot;
}

/** True when the node and boot of the pid or owner are a current member. */
export function isMember(owner: Owner, membership: Membership): boolean {
  return membership.member(owner.node)?.boot === owner.boot;
}

/** True when a node other than this one stays: where the whole cluster leaves, nobody is there to take a child over. */
export function somebodyStays({ membership, self }: Wiring): boolean {
  return membership.members().some(({ id, status }) => id !== self.node && status !== "draining");
}

/**
 * A copy that shares nothing with the original, made by the codec, so that a local process gets and
 * gives exactly what a remote one would. @throws {ERR_NOT_ENCODABLE}
 */
export function copyOf(value: unknown, codec: Codec): unknown {
  switch (typeof value) {
    case "undefined":
    case "boolean":
    case "number":
    case "string":
      return value;
    default:
      if (value === null) return null;
      return codec.copy?.(value) ?? codec.decode(codec.encode(value));
  }
}

/** A pid or a name as people read it in messages. */
export function show(target: Pid | NodeId | string): string {
  if (typeof target === "string") return `"${target}"`;
  return `${target.node.slice(0, 8)}/${target.serial}`;
}

/** An exit reason as one phrase. */
export function explain(reason: ExitReason): string {
  switch (reason.type) {
    case "error":
      return `${reason.error.code}: ${reason.error.message}`;
    case "linked":
      return `linked to ${show(reason.pid)}, which ended (${reason.reason.type})`;
    case "node-down":
      return `node ${reason.node.slice(0, 8)} is down`;
    case "normal":
    case "shutdown":
    case "killed":
    case "name-conflict":
    case "migrated":
    case "lease-lost":
      return reason.type;
    default:
      return reason satisfies never;
  }
}
