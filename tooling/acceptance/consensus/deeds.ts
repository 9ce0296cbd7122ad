/** Deeds: everything that may happen to a group, or that its operators may do, one by one. */
import type { Random } from "@foundation/core/ports";
import type { MemberChange } from "@foundation/consensus";
import type { GroupWorld } from "./group-world.js";
import type { Member } from "./member.js";

export interface Deed {
  readonly name: string;
  happen(world: GroupWorld, member: Member, random: Random): void;
}

type Happen = Deed["happen"];

const cut: Happen = (world, member, random) => {
  const other = anyOf(world, random);
  world.network.cut(member.id, other.id);
  if (random.next() < 0.5) world.network.cut(other.id, member.id);
};

const isolate: Happen = (world, member, random) => {
  const isBothWays = random.next() < 0.5;
  for (const other of world.members) {
    world.network.cut(member.id, other.id);
    if (isBothWays) world.network.cut(other.id, member.id);
  }
};

/** Both ways. */
function silence(world: GroupWorld, { id }: Member): void {
  if (world.isHealed) return;
  for (const other of world.members) {
    if (other.id === id) continue;
    world.network.cut(id, other.id);
    world.network.cut(other.id, id);
  }
}

/** Soon, so that what was just begun is half done. */
function soon(world: GroupWorld, happen: Happen, member: Member, random: Random): void {
  world.after(random.next() * 15, () => {
    if (!world.isHealed) happen(world, member, random);
  });
}

const crash: Happen = (world, member, random) => {
  world.of(member).crash();
  world.after(random.next() * world.weather.downMs, () => world.of(member).start());
};

/** Stands still, as when its machine swaps, or its process was stopped. */
const pause: Happen = (world, member, random) => {
  if (!member.raft) return;
  // Never shorter than it was: what waits was put off until then.
  const until = world.now + random.next() * world.weather.pauseMs;
  member.pausedUntil = Math.max(member.pausedUntil, until);
};

/** The steady clock leaps ahead, the wall clock anywhere. */
const leap: Happen = (world, member, random) => {
  const { leapMs } = world.weather;
  const wallMs = (random.next() - 0.5) * 10_000;
  world.of(member).leap(random.next() * leapMs, wallMs);
};

const change: Happen = (world, _member, random) => {
  const { leader } = world;
  if (!leader?.raft) return;
  const { configuration, leader: self } = leader.raft.status;
  const kinds = ["add-voter", "add-voter", "add-when-caught-up", "add-learner", "remove"] as const;
  const changes: MemberChange[] = [];
  const count = 1 + Math.floor(random.next() * 3);
  for (let i = 0; i < count; i += 1) {
    const type = kinds[Math.floor(random.next() * kinds.length)] ?? "add-voter";
    const { id } = anyOf(world, random);
    const shrinks = type === "remove" || type === "add-learner";
    if (shrinks && configuration.voters.length - count < 2) continue;
    if (shrinks && id === self && random.next() < 0.5) continue;
    changes.push({ type, id });
  }
  const draw = random.next();
  const mode = draw < 0.7 ? "when-needed" : draw < 0.9 ? "joint" : "joint-until-told";
  world.of(leader).request({ type: "change", id: world.drawRequest(), changes, mode });
  if (random.next() < 0.5) soon(world, strikeOne, leader, random);
};

/** In a joint configuration: the old members on one side, the new ones on the other. */
const divide: Happen = (world) => {
  const { voters = [], outgoing = [] } = world.leader?.raft?.status.configuration ?? {};
  for (const one of outgoing) {
    for (const other of voters) {
      if (outgoing.includes(other)) continue;
      world.network.cut(one, other);
      world.network.cut(other, one);
    }
  }
};

/** Most voters are replaced at once. */
const swap: Happen = (world, _member, random) => {
  const { leader } = world;
  if (!leader?.raft) return;
  const { voters } = leader.raft.status.configuration;
  const changes = world.members.map(({ id }): MemberChange => {
    const stays = random.next() < 0.2;
    const isVoter = voters.includes(id);
    return { type: isVoter === stays ? "add-voter" : "add-learner", id };
  });
  world.of(leader).request({ type: "change", id: world.drawRequest(), changes });
  const draw = random.next();
  if (draw < 0.3) soon(world, strikeOne, leader, random);
  else if (draw < 0.7) {
    world.after(random.next() * 100, () => soon(world, divide, leader, random));
  }
};

const leaveJoint: Happen = (world) => {
  const { leader } = world;
  if (leader) world.of(leader).request({ type: "leave-joint", id: world.drawRequest() });
};

const transfer: Happen = (world, member, random) => {
  const { leader } = world;
  if (!leader) return;
  const to = random.next() < 0.8 ? { to: member.id } : {};
  world.of(leader).request({ type: "transfer", id: world.drawRequest(), ...to });
  const { latencyMs, syncMs } = world.weather;
  const draw = random.next();
  if (draw < 0.3) soon(world, isolate, leader, random);
  else if (draw < 0.7) {
    // Before it hears of the campaign that it asked for.
    world.after(random.next() * (2 * latencyMs + 2 * syncMs), () => silence(world, leader));
  }
  readOften(world, leader, random);
};

const stall: Happen = (world, member, random) => {
  member.isDiskStalled = true;
  world.after(random.next() * 4_000, () => {
    member.isDiskStalled = false;
  });
};

const unreachable: Happen = (world, member, random) => {
  world.of(member).input({ type: "unreachable", peer: anyOf(world, random).id });
};

/** Its disk is so slow for a while that much waits for it. */
const drag: Happen = (world, member, random) => {
  member.dragMs = 20 + random.next() * 200;
  world.after(random.next() * 2_000, () => {
    member.dragMs = 0;
  });
};

/** Others try to lead while the leader still believes in itself, and is asked. */
const usurp: Happen = (world, member, random) => {
  const leader = world.leader ?? member;
  const isDeaf = random.next() < 0.5;
  for (const other of world.members) {
    if (other === leader) continue;
    world.network.cut(leader.id, other.id);
    if (isDeaf) world.network.cut(other.id, leader.id);
    if (random.next() < 0.5) soon(world, campaign, other, random);
  }
  readOften(world, leader, random);
};

/** The leader is cut off with a slow disk, comes back, and leads again when its successor is cut off. */
const seeSaw: Happen = (world, member, random) => {
  const leader = world.leader ?? member;
  const { electionMs } = world.weather.raft.times;
  drag(world, leader, random);
  silence(world, leader);
  world.after(electionMs * (0.5 + 2 * random.next()), () => {
    world.network.heal();
    world.after(random.next() * electionMs, () => {
      const successor = world.leader;
      if (world.isHealed || !successor || successor === leader) return;
      silence(world, successor);
      world.after(electionMs * random.next(), () => campaign(world, leader, random));
    });
  });
};

/** Starts anew again and again, and reads as soon as it can. */
const relapse: Happen = (world, member, random) => {
  const again = (left: number): void => {
    if (world.isHealed || left === 0) return;
    world.of(member).crash();
    world.of(member).start();
    world.of(member).read();
    world.after(20 + random.next() * 80, () => again(left - 1));
  };
  again(4 + Math.floor(random.next() * 8));
};

/** Until long after any lease of it has run out. */
function readOften(world: GroupWorld, member: Member, random: Random): void {
  const { electionMs } = world.weather.raft.times;
  for (let i = 0; i < LEASE_READS; i += 1) {
    world.after(random.next() * 2 * electionMs, () => {
      if (!world.isHealed) world.of(member).read();
    });
  }
}

const LEASE_READS = 12;

const campaign: Happen = (world, member) => world.of(member).input({ type: "campaign" });
const healLinks: Happen = (world) => world.network.heal();

const snapshot: Happen = (world, member, random) => {
  world.of(member).snapshot(Math.floor(random.next() * 5));
};

/** Everybody compacts, so that whoever lacks something gets a snapshot. */
const compactAll: Happen = (world) => {
  for (const member of world.members) world.of(member).snapshot(0);
};

/** All at once, as by a power cut. */
const blackout: Happen = (world, _member, random) => {
  for (const member of world.members) if (random.next() < 0.7) crash(world, member, random);
};

/** Leaves one way open only, so that a leader has one follower at most. */
const split: Happen = (world, member, random) => {
  world.network.heal();
  const friend = anyOf(world, random);
  for (const one of world.members) {
    for (const other of world.members) {
      const isInside = [member, friend].includes(one) === [member, friend].includes(other);
      if (!isInside) world.network.cut(one.id, other.id);
    }
  }
};

/** The leader is alone, and the others forget what they had not written. */
const orphan: Happen = (world, member, random) => {
  const alone = world.leader ?? member;
  for (const other of world.members) {
    world.network.cut(alone.id, other.id);
    world.network.cut(other.id, alone.id);
    if (other !== alone) crash(world, other, random);
  }
};

/** One of those that take a leader out of the game. */
const strikeOne: Happen = (world, member, random) => {
  const ways = [crash, isolate, split, orphan, pause];
  ways[Math.floor(random.next() * ways.length)]?.(world, member, random);
};

export const strike: Deed = { name: "strike", happen: strikeOne };

export const deeds: readonly Deed[] = [
  { name: "cut", happen: cut },
  { name: "isolate", happen: isolate },
  { name: "orphan", happen: orphan },
  { name: "swap", happen: swap },
  { name: "split", happen: split },
  { name: "crash", happen: crash },
  { name: "crash", happen: crash },
  { name: "blackout", happen: blackout },
  { name: "pause", happen: pause },
  { name: "leap", happen: leap },
  { name: "change", happen: change },
  { name: "change", happen: change },
  { name: "leave-joint", happen: leaveJoint },
  { name: "transfer", happen: transfer },
  { name: "stall", happen: stall },
  { name: "unreachable", happen: unreachable },
  { name: "drag", happen: drag },
  { name: "usurp", happen: usurp },
  { name: "relapse", happen: relapse },
  { name: "see-saw", happen: seeSaw },
  { name: "campaign", happen: campaign },
  { name: "heal-links", happen: healLinks },
  { name: "heal-links", happen: healLinks },
  { name: "snapshot", happen: snapshot },
  { name: "snapshot", happen: snapshot },
  { name: "compact", happen: compactAll },
];

function anyOf({ members }: GroupWorld, random: Random): Member {
  return members[Math.floor(random.next() * members.length)] as Member;
}
