/**
 * Recovery: what a group owes when everything works again: within a time, a leader, progress, agreement of all members,
 * an answer to everything that was asked, and reads at every member.
 */
import { isJoint, membersOf } from "@foundation/consensus";
import type { Clients } from "./clients.js";
import type { GroupWorld } from "./group-world.js";
import type { Member } from "./member.js";
import { fail } from "./violation.js";

const PACE_MS = 200;
/** In election timeouts, and what clients' patience adds. */
const PATIENCE_ELECTIONS = 60;

/** @throws {Violation} what does not come back */
export async function recover(world: GroupWorld, clients: Clients): Promise<void> {
  world.heal();
  const { electionMs, outcomeMs, readMs } = world.weather.raft.times;
  const patienceMs = PATIENCE_ELECTIONS * electionMs;
  const before = world.checks.committed;
  let asked = 0;
  const ask = (): void => {
    const { leader } = world;
    if (leader) {
      asked += 1;
      const operation = { type: "put", key: "healed", value: asked } as const;
      world.of(leader).propose({ name: `h${asked}`, of: `h${asked}`, operation });
      leaveJoint(world, leader);
    }
    world.after(PACE_MS, ask);
  };
  ask();
  const isBack = (): boolean => world.checks.committed > before + 3 && doAgree(world);
  if (!(await world.run(patienceMs, isBack))) {
    fail("liveness", `within ${patienceMs} ms after all was healed: ${lackOf(world, before)}`);
  }
  const members = currentMembers(world);
  clients.readAll(members);
  const isAnswered = (): boolean => clients.areIdle && members.every(hasNoReads);
  if (!(await world.run(patienceMs + readMs, isAnswered))) {
    fail("liveness", "reads or commands are not answered after all was healed");
  }
  const open = (): number => oldest(world) ?? Infinity;
  if (
    !(await world.run(outcomeMs + patienceMs, () => open() > world.now - outcomeMs - electionMs))
  ) {
    fail("one outcome", `a request is not answered for ${Math.round(world.now - open())} ms`);
  }
  for (const { machine } of members) world.checks.imaged(machine.applied, machine.snapshot());
}

function leaveJoint(world: GroupWorld, leader: Member): void {
  const configuration = leader.raft?.status.configuration;
  if (!configuration || !isJoint(configuration) || configuration.leavesItself) return;
  world.of(leader).request({ type: "leave-joint", id: world.drawRequest() });
}

function currentMembers({ leader, members }: GroupWorld): readonly Member[] {
  const configuration = leader?.raft?.status.configuration;
  if (!configuration) return [];
  const ids = membersOf(configuration);
  return members.filter(({ id }) => ids.includes(id));
}

function doAgree(world: GroupWorld): boolean {
  const { leader } = world;
  const configuration = leader?.raft?.status.configuration;
  if (!leader || !configuration || isJoint(configuration)) return false;
  return currentMembers(world).every(({ machine }) => machine.applied >= leader.machine.applied);
}

function hasNoReads({ reads }: Member): boolean {
  return reads.size === 0;
}

/** When the oldest request was asked that has no outcome yet. */
function oldest({ members }: GroupWorld): number | undefined {
  const times = members.flatMap(({ asked }) => [...asked.values()]);
  return times.length > 0 ? Math.min(...times) : undefined;
}

function lackOf(world: GroupWorld, before: number): string {
  const { leader } = world;
  if (!leader) return "nobody leads";
  if (world.checks.committed <= before + 3) return "nothing is committed";
  const { applied } = leader.machine;
  const behind = currentMembers(world).filter(({ machine }) => machine.applied < applied);
  if (behind.length === 0) return "the group is still in a joint configuration";
  return `${behind.map(({ name }) => name).join(", ")} are behind ${leader.name}`;
}
