/** What travels between the two nodes of a move, and how it is checked. */
import type { Boot, NodeId, Pid } from "@foundation/core";
import type { NameLanding } from "@foundation/core/ports";
import { registryErrors } from "../../errors.js";
import type { ChildSpec } from "../../protocol/child-spec.js";
import { parseSpec } from "../../protocol/parse-spec.js";
import { parsePlaces } from "../calls/earlier-places.js";
import { parsePid } from "../calls/foundation-errors.js";
import { parseAliases, type NamesToAdopt } from "./aliases.js";

/** A copy, to be installed. Its state travels inside the request, or as the stream that this is the metadata of. */
export const OFFER = "migration.offer";
/** The copy of an attempt is not needed. */
export const WITHDRAW = "migration.withdraw";
/** It is committed, and its mailbox was sent before. */
export const HANDED_OVER = "migration.handed-over";
/** A message for a process that has moved. */
export const FORWARD = "migration.forward";
/** Asks the owner to move its child. */
export const MOVE = "migration.move";
/** A step of a move that another node asked for. */
export const STEP = "migration.step";

/** A copy without its state. */
export interface Offer {
  readonly spec: ChildSpec;
  /** Counts the moves of one start of the source. */
  readonly attempt: number;
  /** The version of the definition that the state is of. */
  readonly version: number;
  readonly contract: string;
  /** The pid of what it is a copy of, and those it had on other nodes before. */
  readonly places: readonly Pid[];
  /** As far as they are few. */
  readonly names?: NamesToAdopt | undefined;
}

/** The target's word that the copy is installed. */
export interface Accepted {
  readonly pid: Pid;
  /** Where the name of a strong process is to be moved to. */
  readonly landing: NameLanding | undefined;
}

export type NotMovedReason = ReturnType<typeof registryErrors.ERR_NOT_MOVED>["details"]["reason"];

/** The error of a move that did not happen. */
export function notMoved(
  process: string,
  to: string,
  reason: NotMovedReason,
  why: string,
  cause?: unknown,
): Error {
  const message = `"${process}" was not moved to node ${to.slice(0, 8)}: ${why}; it goes on where it was`;
  return registryErrors.ERR_NOT_MOVED(message, { process, to, reason }, cause);
}

/** The offer, or undefined when it is not one of that node. */
export function parseOffer(
  value: unknown,
  from: NodeId,
  fromBoot: Boot,
  placesMax: number,
): Offer | undefined {
  if (typeof value !== "object" || value === null) return undefined;
  const { attempt, version, contract, spec, places, names } = value as Partial<Offer>;
  const parsed = parseSpec(spec);
  if (!isCount(attempt) || !isCount(version) || typeof contract !== "string") return undefined;
  if (parsed?.state !== "running") return undefined;
  const isOwn = parsed.owner.node === from && parsed.owner.boot === fromBoot;
  if (!isOwn) return undefined;
  return {
    ...{ spec: parsed, attempt, version, contract },
    places: parsePlaces(places, placesMax),
    names: parseNames(names),
  };
}

function parseNames(value: unknown): NamesToAdopt | undefined {
  const { aliases, from } = (value ?? {}) as Partial<NamesToAdopt>;
  const pid = parsePid(from);
  return pid && { aliases: parseAliases(aliases), from: pid };
}

/** The target's answer, or undefined when it is none. */
export function parseAccepted(value: unknown, target: NodeId): Accepted | undefined {
  if (typeof value !== "object" || value === null) return undefined;
  const { pid, landing } = value as { readonly pid?: unknown; readonly landing?: unknown };
  const parsed = parsePid(pid);
  if (parsed?.node !== target) return undefined;
  if (landing === undefined) return { pid: parsed, landing };
  const { lease, id, createRevision } = (landing ?? {}) as Partial<NameLanding>;
  if (typeof lease !== "string" || typeof id !== "string" || !isCount(createRevision)) {
    return undefined;
  }
  return { pid: parsed, landing: { lease, id, createRevision } };
}

function isCount(value: unknown): value is number {
  return typeof value === "number" && Number.isSafeInteger(value) && value >= 0;
}
