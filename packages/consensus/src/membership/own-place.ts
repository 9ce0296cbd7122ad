/** OwnPlace: what a record on this disk means for the node that opens it. */
import type { NodeId } from "@foundation/core";
import type { Storage } from "@foundation/core/ports";
import { stuck } from "./membership-errors.js";
import type { MembershipRecord } from "./protocol/membership-record.js";
import { hasLog, logFolder } from "./record-file.js";

/** What `openGroup` needs of the decision. */
export interface GroupPlace {
  /** The group's random id. */
  readonly group: string;
  readonly folder: string;
  /** Whom it was founded with, when this node is one of them and has to write the log's beginning. */
  readonly firstVoters: readonly NodeId[] | undefined;
}

/** The place of a record whose group is known to exist. */
export function placeOf({ phase, group, voters, node }: MembershipRecord): GroupPlace {
  const folder = logFolder(group);
  const isFirst = phase === "formed" && voters.some(({ id }) => id === node);
  return { group, folder, firstVoters: isFirst ? voters.map(({ id }) => id) : undefined };
}

/**
 * A record is one disk's, and a log that was begun must be there.
 * @throws {ERR_GROUP_STUCK}
 */
export async function refuseStranger(
  storage: Storage,
  record: MembershipRecord,
  self: NodeId,
): Promise<void> {
  const { name, node, group, phase } = record;
  if (node !== self) {
    const why =
      `its disk is the one of ${node}, and this node is ${self}: give it back its own disk, or empty this one ` +
      "as a whole; never copy a data directory";
    throw stuck(name, why);
  }
  if (phase !== "begun" || (await hasLog(storage, group))) return;
  const why =
    `the log of ${group} was removed from ${logFolder(group)}, and what this node voted for with it: put it back, ` +
    "or empty the whole data directory, so that the node gets a new id and joins anew";
  throw stuck(name, why);
}
