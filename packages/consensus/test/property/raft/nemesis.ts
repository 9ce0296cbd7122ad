/** Nemesis: draws what happens to a group from the world's seed, and then asks that it recovers. */
import { membersOf, type MemberChange } from "../../../src/protocol/raft/configuration.js";
import type { Member, RaftWorld } from "./world.js";

type Deed = (world: RaftWorld, member: Member) => void;

const cut: Deed = (world, member) => {
  const other = anyOf(world, world.members);
  world.cuts.add(`${member.id}>${other.id}`);
  if (world.random.next() < 0.5) world.cuts.add(`${other.id}>${member.id}`);
};

const isolate: Deed = (world, member) => {
  const isBothWays = world.random.next() < 0.5;
  for (const other of world.members) {
    world.cuts.add(`${member.id}>${other.id}`);
    if (isBothWays) world.cuts.add(`${other.id}>${member.id}`);
  }
};

const crash: Deed = (world, member) => {
  world.crash(member);
  world.after(world.random.next() * 1_500, () => world.start(member));
};

const change: Deed = (world) => {
  const { leader, random } = world;
  if (!leader?.raft) return;
  const { configuration, leader: self } = leader.raft.status;
  const kinds = ["add-voter", "add-when-caught-up", "add-learner", "remove"] as const;
  const changes: MemberChange[] = [];
  const count = 1 + Math.floor(random.next() * 2);
  for (let i = 0; i < count; i += 1) {
    const type = kinds[Math.floor(random.next() * kinds.length)] ?? "add-voter";
    const { id } = anyOf(world, world.members);
    const shrinks = type === "remove" || type === "add-learner";
    if (shrinks && configuration.voters.length - count < 2) continue;
    if (shrinks && id === self && random.next() < 0.5) continue;
    changes.push({ type, id });
  }
  const draw = random.next();
  const mode = draw < 0.7 ? "when-needed" : draw < 0.9 ? "joint" : "joint-until-told";
  world.request(leader, (id) => ({ type: "change", id, changes, mode }));
};

const leaveJoint: Deed = (world) => {
  const { leader } = world;
  if (leader) world.request(leader, (id) => ({ type: "leave-joint", id }));
};

const transfer: Deed = (world, member) => {
  const { leader } = world;
  if (leader) world.request(leader, (id) => ({ type: "transfer", id, to: member.id }));
};

const stall: Deed = (world, member) => {
  member.isDiskStalled = true;
  world.after(world.random.next() * 4_000, () => {
    member.isDiskStalled = false;
  });
};

const unreachable: Deed = (world, member) => {
  world.input(member, { type: "unreachable", peer: anyOf(world, world.members).id });
};

const healLinks: Deed = (world) => world.cuts.clear();
const snapshot: Deed = (world, member) => world.snapshot(member);

/** Each with how often it is drawn. */
const deeds: readonly (readonly [number, Deed])[] = [
  [3, cut],
  [2, isolate],
  [4, crash],
  [6, change],
  [3, leaveJoint],
  [2, transfer],
  [1, stall],
  [2, unreachable],
  [6, healLinks],
  [8, snapshot],
];

/** Faults, commands and reads for `ms`. */
export function torment(world: RaftWorld, ms: number): void {
  const { random } = world;
  const total = deeds.reduce((sum, [weight]) => sum + weight, 0);
  const end = world.now + ms;
  const misfortune = (): void => {
    if (world.now >= end) return;
    let draw = random.next() * total;
    for (const [weight, deed] of deeds) {
      draw -= weight;
      if (draw >= 0) continue;
      deed(world, anyOf(world, world.members));
      break;
    }
    world.after(random.next() * 200, misfortune);
  };
  const work = (): void => {
    if (world.now >= end) return;
    const member = random.next() < 0.7 ? world.leader : undefined;
    const at = member ?? anyOf(world, world.members);
    if (random.next() < 0.7) world.propose(at);
    else world.read(at);
    world.after(random.next() * 30, work);
  };
  work();
  misfortune();
  world.run(ms);
}

/** Everything works again: within the time a command is committed and all members agree. */
export function recover(world: RaftWorld, ms: number): boolean {
  world.heal();
  const before = world.checks.committed;
  const ask = (): void => {
    const { leader } = world;
    if (leader) {
      world.propose(leader);
      const { configuration } = leader.raft?.status ?? {};
      if (configuration && configuration.outgoing.length > 0 && !configuration.leavesItself) {
        world.request(leader, (id) => ({ type: "leave-joint", id }));
      }
    }
    world.after(200, ask);
  };
  ask();
  return world.run(ms, () => world.checks.committed > before + 3 && areEqual(world));
}

function areEqual(world: RaftWorld): boolean {
  const { leader } = world;
  if (!leader?.raft) return false;
  const { configuration } = leader.raft.status;
  if (configuration.outgoing.length > 0) return false;
  return world.members
    .filter(({ id }) => membersOf(configuration).includes(id))
    .every(({ applied }) => applied >= leader.applied);
}

function anyOf(world: RaftWorld, members: readonly Member[]): Member {
  return members[Math.floor(world.random.next() * members.length)] as Member;
}
