/**
 * A group's voters under any coming and going of nodes: the keeper never costs the group a death that it could have
 * survived, and in the end there are as many voters as are wanted, none of them dead, spread over zones.
 */
import { expect, test } from "@jest/globals";
import type { Member, NodeId } from "@foundation/core";
import { seededRandom } from "@foundation/core/testing";
import { VOTER_POLICY, type VoterPolicy } from "../../../src/membership/limits.js";
import type { VoterDecision } from "../../../src/membership/protocol/voter-decision.js";
import { VoterWatch } from "../../../src/membership/protocol/voter-watch.js";
import {
  changed,
  configurationOf,
  type Configuration,
} from "../../../src/protocol/raft/configuration.js";

const NODES = 9;
const ZONES = ["east", "west", "north"];

interface Town {
  readonly policy: VoterPolicy;
  readonly members: Map<NodeId, Member>;
  configuration: Configuration;
  leader: NodeId;
  watch: VoterWatch;
  now: number;
  changes: number;
}

function idOf(node: number): NodeId {
  return node.toString(16).padStart(32, "0") as NodeId;
}

function memberOf(node: number, zone: string | undefined): Member {
  const labels = zone === undefined ? {} : { zone };
  const rest = { boot: "".padStart(24, "0") as Member["boot"], address: "", roles: [] };
  return { id: idOf(node), name: `node-${node}`, labels, status: "alive", ...rest };
}

function quorum(size: number): number {
  return Math.floor(size / 2) + 1;
}

/** Deaths that the group survives, when those who said so have left. */
function spareOf({ configuration, members }: Town): number {
  const staying = configuration.voters.filter((id) => members.get(id)?.status === "alive");
  return staying.length - quorum(configuration.voters.length);
}

function hasQuorum({ configuration, members }: Town): boolean {
  const there = configuration.voters.filter((id) => members.has(id));
  return there.length >= quorum(configuration.voters.length);
}

/** The leadership goes where Raft would give it. */
function elect(town: Town): void {
  if (town.members.has(town.leader) && town.configuration.voters.includes(town.leader)) return;
  const next = town.configuration.voters.find((id) => town.members.has(id));
  if (next === undefined) throw new Error("no voter is left");
  town.leader = next;
  town.watch = new VoterWatch(next, town.policy, town.now);
}

function step(town: Town): VoterDecision {
  elect(town);
  const { configuration, members, now } = town;
  const joined = new Set(members.keys());
  const sight = { configuration, members: [...members.values()], joined };
  const isEligible = (): boolean => true;
  const decision = town.watch.decide(now, { ...sight, zoneLabel: "zone", isEligible });
  if (decision.type === "transfer") {
    expect(members.get(decision.to)?.status).toBe("alive");
    expect(configuration.voters).toContain(decision.to);
    town.leader = decision.to;
    town.watch = new VoterWatch(decision.to, town.policy, now);
  } else if (decision.type === "change") {
    const before = spareOf(town);
    apply(town, decision);
    const isMoreThanWanted = configuration.voters.length > town.policy.voters + 1;
    if (!isMoreThanWanted) expect(spareOf(town)).toBeGreaterThanOrEqual(before);
    expect(hasQuorum(town)).toBe(true);
    town.watch.changed(now, decision, true);
    town.changes += 1;
  }
  return decision;
}

function apply(town: Town, decision: Extract<VoterDecision, { type: "change" }>): void {
  const next = changed(town.configuration, decision.changes, "when-needed", 64);
  if (typeof next === "string") throw new Error(next);
  town.configuration = next;
}

/** A learner caught up. */
function promote(town: Town): void {
  const ready = town.configuration.promotable.find((id) => town.members.has(id));
  if (ready === undefined) return;
  const change = { type: "add-voter" as const, id: ready };
  const next = changed(town.configuration, [change], "when-needed", 64);
  if (typeof next !== "string") town.configuration = next;
}

function mayGo(town: Town, id: NodeId): boolean {
  const { voters } = town.configuration;
  const there = voters.filter((voter) => town.members.has(voter) && voter !== id);
  return there.length >= quorum(voters.length);
}

function play(seed: number): Town {
  const random = seededRandom(seed);
  const pick = (count: number): number => Math.floor(random.next() * count);
  const voters = [1, 3, 5, 7][pick(4)] as number;
  const policy = { ...VOTER_POLICY, voters, replacementsMax: 1_000 };
  const members = new Map<NodeId, Member>();
  const zoneOf = (node: number): string | undefined => [...ZONES, undefined][(node * 7 + seed) % 4];
  const come = (node: number): void => void members.set(idOf(node), memberOf(node, zoneOf(node)));
  for (let node = 0; node < 3; node += 1) come(node);
  const configuration = configurationOf([idOf(0)]);
  const watch = new VoterWatch(idOf(0), policy, 0);
  const town: Town = {
    policy,
    members,
    configuration,
    leader: idOf(0),
    watch,
    now: 0,
    changes: 0,
  };
  for (let turn = 0; turn < 150; turn += 1) {
    town.now += [1, 2_000, 30_000, 400_000][pick(4)] as number;
    const id = idOf(pick(NODES));
    const member = members.get(id);
    const what = pick(8);
    if (!member) come(Number.parseInt(id, 16));
    else if (what === 0 && mayGo(town, id)) members.delete(id);
    else if (what === 1 && mayGo(town, id)) members.set(id, { ...member, status: "draining" });
    else if (what === 2) members.set(id, { ...member, status: "suspect" });
    else if (what === 3) members.set(id, { ...member, status: "alive" });
    if (pick(2) === 0) promote(town);
    step(town);
  }
  for (const [id, member] of members) members.set(id, { ...member, status: "alive" });
  return town;
}

test("whatever comes and goes, no step of the keeper lowers what the group survives, and it ends well", () => {
  let changes = 0;
  for (let seed = 1; seed <= 400; seed += 1) {
    const town = play(seed);
    changes += town.changes;
    let rest: VoterDecision = { type: "none", why: "" };
    let quiet = 0;
    let late = 0;
    for (; quiet < 12 && late < 200; late += 1) {
      town.now += 61_000;
      promote(town);
      rest = step(town);
      quiet = rest.type === "none" ? quiet + 1 : 0;
    }
    expect({ seed, late, rest }).toMatchObject({ rest: { type: "none" } });
    expect(late).toBeLessThan(200);
    const { configuration, members, policy } = town;
    const wanted = Math.min(policy.voters, members.size - ((members.size + 1) % 2));
    const { voters } = configuration;
    const isEnough = spareOf(town) >= wanted - quorum(wanted);
    expect({ seed, isEnough }).toEqual({ seed, isEnough: true });
    const isLeftOver = [...members.keys()].some((id) => !voters.includes(id));
    if (!isLeftOver) continue;
    // Somebody could vote and does not, so nothing is missing.
    expect({ seed, voters: voters.length }).toEqual({ seed, voters: wanted });
    expect(voters.every((id) => members.has(id))).toBe(true);
    const zones = voters.map((id) => members.get(id)?.labels["zone"]);
    const free = [...members.values()].filter(({ id }) => !voters.includes(id));
    const fullest = Math.max(...zones.map((zone) => zones.filter((one) => one === zone).length));
    for (const { labels } of free) {
      const { zone } = labels;
      if (zone === undefined) continue;
      const there = zones.filter((one) => one === zone).length;
      expect({ seed, zone, gap: Math.max(0, fullest - there - 1) }).toEqual({ seed, zone, gap: 0 });
    }
  }
  expect(changes).toBeGreaterThan(1_000);
});
