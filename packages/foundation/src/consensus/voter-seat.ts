/**
 * VoterSeat: a node that has a disk for the group: it finds or founds the group with the others, keeps its log, votes
 * when the group wants it to, and serves the nodes that are no voters.
 */
import {
  createStoreMachine,
  findGroup,
  keepVoters,
  messengerLink,
  openGroup,
  type FirstVoters,
  type VoterPolicy,
} from "@foundation/consensus";
import type { Runtime } from "@foundation/core";
import type { Storage } from "@foundation/core/ports";
import type { Overlay } from "@foundation/overlay";
import { candidates } from "./candidates.js";
import { groupSeat, type Table } from "./group-seat.js";
import type { LeaderNews } from "./leader-news.js";
import { GROUP, type Seat } from "./seat.js";

export interface VoterSeatOptions {
  readonly overlay: Pick<Overlay, "messenger" | "membership">;
  /** Names of the first voters; none where an operator gives them. */
  readonly voters: readonly string[];
  readonly storage: Storage;
  /** How the group's voters are kept; what is left out is as VOTER_POLICY has it. */
  readonly policy: Partial<VoterPolicy>;
  /** The label that says where a node stands. */
  readonly zoneLabel?: string | undefined;
  readonly news: LeaderNews;
  readonly runtime: Runtime;
}

/** Takes the seat; it goes on by itself until the group is there. */
export function voterSeat(options: VoterSeatOptions): Seat {
  const { overlay, runtime, news, voters } = options;
  const others = candidates(overlay.membership, voters);
  const open = (table: Table) => openVoter(table, options);
  return groupSeat({ overlay, runtime, news, seat: "candidate", others, open });
}

async function openVoter(table: Table, options: VoterSeatOptions): Promise<void> {
  const { overlay, voters, storage, runtime, zoneLabel } = options;
  const { messenger, membership } = overlay;
  const { stack, signal } = table;
  const ports = { messenger, membership, storage, runtime };
  const firstVoters = firstVotersAt(membership.self.name, voters);
  const finder = stack.use(await findGroup({ ...ports, name: GROUP, firstVoters }));
  table.finder = finder;
  // The others may come much later than this one.
  const place = await finder.place({ signal, timeout: FOUNDING_MS_MAX });
  const machine = createStoreMachine();
  const link = messengerLink({ messenger, membership, group: place.group });
  const group = stack.use(await openGroup({ ...place, link, machine, storage, runtime }));
  await finder.opened(group);
  const founders = finder.record?.voters ?? [];
  const count = voters.length > 0 ? voters.length : founders.length;
  const keeper = keepVoters({
    group,
    membership,
    joined: () => finder.joined(),
    names: new Map(founders.map(({ id, name }) => [id, name])),
    // Or the odd number above: an even one survives no more than the odd one below.
    policy: {
      ...(count > 0 && { voters: count % 2 === 0 ? count + 1 : count }),
      ...options.policy,
    },
    zoneLabel,
    runtime,
  });
  table.keeper = stack.use(keeper);
  table.seat(group, machine);
}

/** Who is not on the list waits for those who are. */
function firstVotersAt(self: string, names: readonly string[]): FirstVoters {
  return names.includes(self) ? { type: "voters", names } : { type: "others" };
}

/** A day: an operator who starts the voters one after the other must not have to hurry. */
const FOUNDING_MS_MAX = 86_400_000;
