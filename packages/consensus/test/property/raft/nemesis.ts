/**
 * Nemesis: draws what happens to a group from the world's seed, and then asks that it recovers.
 *
 * How often each kind of fault comes is drawn too ("swarm testing", Groce et al., 2012): a group that
 * suffers a little of everything hardly ever meets the few faults in a row that a bug needs.
 */
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

/** Soon, so that what was just begun is half done. */
function soon(world: RaftWorld, deed: Deed, member: Member): void {
  world.after(world.random.next() * 15, () => {
    if (!world.isHealed) deed(world, member);
  });
}

const crash: Deed = (world, member) => {
  world.crash(member);
  world.after(world.random.next() * world.downMs, () => world.start(member));
};

const change: Deed = (world) => {
  const { leader, random } = world;
  if (!leader?.raft) return;
  const { configuration, leader: self } = leader.raft.status;
  const kinds = ["add-voter", "add-voter", "add-when-caught-up", "add-learner", "remove"] as const;
  const changes: MemberChange[] = [];
  const count = 1 + Math.floor(random.next() * 3);
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
  if (random.next() < 0.5) soon(world, strike, leader);
};

/** In a joint configuration: the old members on one side, the new ones on the other. */
const divide: Deed = (world) => {
  const { voters = [], outgoing = [] } = world.leader?.raft?.status.configuration ?? {};
  for (const one of outgoing) {
    for (const other of voters) {
      if (outgoing.includes(other)) continue;
      world.cuts.add(`${one}>${other}`);
      world.cuts.add(`${other}>${one}`);
    }
  }
};

/** Most voters are replaced at once. */
const swap: Deed = (world) => {
  const { leader, random } = world;
  if (!leader?.raft) return;
  const { voters } = leader.raft.status.configuration;
  const changes = world.members.map(({ id }): MemberChange => {
    const stays = random.next() < 0.2;
    const isVoter = voters.includes(id);
    return { type: isVoter === stays ? "add-voter" : "add-learner", id };
  });
  world.request(leader, (id) => ({ type: "change", id, changes }));
  const draw = random.next();
  if (draw < 0.3) soon(world, strike, leader);
  else if (draw < 0.7) world.after(random.next() * 100, () => soon(world, divide, leader));
};

const leaveJoint: Deed = (world) => {
  const { leader } = world;
  if (leader) world.request(leader, (id) => ({ type: "leave-joint", id }));
};

const transfer: Deed = (world, member) => {
  const { leader } = world;
  if (!leader) return;
  world.request(leader, (id) => ({ type: "transfer", id, to: member.id }));
  if (world.random.next() < 0.5) soon(world, isolate, leader);
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

/** All at once, as by a power cut. */
const blackout: Deed = (world) => {
  for (const member of world.members) if (world.random.next() < 0.7) crash(world, member);
};

/** Leaves one way open only, so that a leader has one follower at most. */
const split: Deed = (world, member) => {
  world.cuts.clear();
  const friend = anyOf(world, world.members);
  for (const one of world.members) {
    for (const other of world.members) {
      const isInside = [member, friend].includes(one) === [member, friend].includes(other);
      if (!isInside) world.cuts.add(`${one.id}>${other.id}`);
    }
  }
};

/** The leader is alone, and the others forget what they had not written. */
const orphan: Deed = (world, member) => {
  const alone = world.leader ?? member;
  for (const other of world.members) {
    world.cuts.add(`${alone.id}>${other.id}`);
    world.cuts.add(`${other.id}>${alone.id}`);
    if (other !== alone) crash(world, other);
  }
};

/** One of those that take a leader out of the game. */
const strike: Deed = (world, member) => {
  const ways = [crash, isolate, split, orphan];
  ways[Math.floor(world.random.next() * ways.length)]?.(world, member);
};

const deeds: readonly Deed[] = [
  cut,
  isolate,
  orphan,
  swap,
  split,
  crash,
  crash,
  blackout,
  change,
  change,
  leaveJoint,
  transfer,
  stall,
  unreachable,
  healLinks,
  healLinks,
  snapshot,
  snapshot,
];

/** Faults, commands and reads for `ms`. */
export function torment(world: RaftWorld, ms: number): void {
  const { random } = world;
  const end = world.now + ms;
  // A third of the deeds never come, the others more or less often.
  const weights = deeds.map(() => (random.next() < 0.33 ? 0 : random.next() ** 2));
  const total = weights.reduce((sum, weight) => sum + weight, 0.01);
  const paceMs = [30, 80, 200][Math.floor(random.next() * 3)] as number;
  const leaderBias = random.next();
  // In some runs most leaders fall as soon as they rise (the Raft paper's Figure 8).
  const falls = random.next() < 0.4 ? random.next() : 0;
  world.onLeader = (member) => {
    if (random.next() < falls) soon(world, strike, member);
  };
  const misfortune = (): void => {
    if (world.now >= end) return;
    let draw = random.next() * total;
    const at = weights.findIndex((weight) => (draw -= weight) < 0);
    const victim = random.next() < leaderBias ? world.leader : undefined;
    deeds[at]?.(world, victim ?? anyOf(world, world.members));
    world.after(random.next() * paceMs * 2, misfortune);
  };
  const work = (): void => {
    if (world.now >= end) return;
    // Also members that lead no more take commands and reads until they notice.
    const leaders = world.members.filter(({ raft }) => raft?.status.role === "leader");
    const isAsked = leaders.length > 0 && random.next() < 0.7;
    const at = anyOf(world, isAsked ? leaders : world.members);
    if (random.next() < 0.7) world.propose(at);
    else world.read(at);
    world.after(random.next() * 20, work);
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
