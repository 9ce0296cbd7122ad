/**
 * DevelopmentSeat: consensus on one machine, for development, without anybody having to say who the voters are.
 *
 * The nodes of a cluster on this machine have one folder, and whoever takes its lock is the only voter; when that process
 * ends, however it ends, another takes the lock and opens the same log. It is no less correct for that: what was
 * acknowledged is on the disk, and there is one voter at a time. It is no more available than the machine.
 */
import { createHash } from "node:crypto";
import { join } from "node:path";
import { createStoreMachine, holdFolder, openGroup } from "@foundation/consensus";
import type { NodeId, Runtime } from "@foundation/core";
import { runDirectory } from "@foundation/discovery";
import type { Overlay } from "@foundation/overlay";
import { groupSeat, type Table } from "./group-seat.js";
import type { LeaderNews } from "./leader-news.js";
import { GROUP, type Seat } from "./seat.js";

export interface DevelopmentSeatOptions {
  readonly overlay: Pick<Overlay, "messenger" | "membership">;
  /** The cluster's name. */
  readonly cluster: string;
  readonly news: LeaderNews;
  readonly runtime: Runtime;
}

export function developmentSeat(options: DevelopmentSeatOptions): Seat {
  const { overlay, runtime, news } = options;
  const { membership } = overlay;
  // Nobody says who it is: whoever is not, answers so at once.
  const others = (): readonly NodeId[] =>
    membership.members().flatMap(({ id }) => (id === membership.self.id ? [] : [id]));
  const open = (table: Table) => openFolder(table, options);
  return groupSeat({ overlay, runtime, news, seat: "folder", others, open });
}

/** Waits for the folder as long as it takes: the voter there is may end at any time. */
async function openFolder(table: Table, options: DevelopmentSeatOptions): Promise<void> {
  const { runtime, cluster } = options;
  const { stack, signal } = table;
  const directory = await folderOf(cluster);
  const voter = stack.use(await holdFolder({ directory, name: GROUP, signal, runtime }));
  const machine = createStoreMachine();
  const group = stack.use(await openGroup({ ...voter, machine, runtime }));
  await voter.opened();
  table.seat(group, machine);
}

/** Private to this user; one for each cluster. */
async function folderOf(cluster: string): Promise<string> {
  const name = createHash("sha256").update(cluster).digest("hex").slice(0, 16);
  return join(await runDirectory(), "consensus", name);
}
