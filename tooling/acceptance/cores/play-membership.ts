/**
 * playMembership: the pure membership core on many nodes, without anything else.
 *
 * With faults: they rage for the time that was asked for, then everything heals, and the directories must agree, stay
 * at rest, and learn of a death and of a return within the times the protocol states. Without: all nodes join through
 * a few seeds in a sixth of the time, nobody may ever be suspected, and one node dies and comes back before it is over.
 */
import { createCoreWorld, type CoreWorld } from "@foundation/testkit";
import { membershipTimes as times } from "../../../packages/overlay/src/protocol/membership/limits.js";
import { suspicionMs } from "../../../packages/overlay/src/protocol/membership/suspicion.js";
import { MembershipNode, type MembershipHost } from "./membership-node.js";
import { CoreNemesis, drawCoreSwarm, pick, type CoreSwarm } from "./nemesis.js";
import { CoreViolation, mustBeEmpty, type CorePlayed } from "./played.js";
import { addressOf, Town, type Citizen, type Identity } from "./town.js";

export interface PlayMembershipOptions {
  readonly seed: string;
  readonly nodes: number;
  /** How long faults rage, or without faults: how long all of it takes; virtual milliseconds. */
  readonly forMs: number;
  /** @default true */
  readonly faults?: boolean;
}

/** What a world whose nodes have membership can be asked. */
export interface MembershipCluster {
  readonly world: Pick<
    CoreWorld<never, unknown>,
    "addNode" | "at" | "crash" | "nodes" | "now" | "note" | "random" | "restart" | "run" | "until"
  >;
  /** The membership of each node that is up. */
  up(): readonly MembershipNode[];
}

/** How many nodes are known to everybody from the start. */
const SEEDS = 3;
/** Without faults: so much of the time passes while nodes are started, one after the other, as in a rollout. */
const JOIN_SHARE = 1 / 6;
/** After a heal: backoffs, handshakes, and a round of healing on each side. */
const CONVERGE = "60s";
/** What was sent into the slowest network is there by then, and what it led to is refuted. */
const CALM_MS = 10_000;
const QUIET_MS = 15_000;
const RELEVANT_LINES = 40;

export function playMembership(options: PlayMembershipOptions): Promise<CorePlayed> {
  // Nothing in it waits; what it throws is still the promise's.
  return Promise.resolve(play(options));
}

function play({ seed, nodes, forMs, faults = true }: PlayMembershipOptions): CorePlayed {
  const swarm = drawCoreSwarm(seed);
  const town = new Town();
  const seeds = Array.from({ length: Math.min(SEEDS, nodes) }, (_, node) => addressOf(node));
  const world = createCoreWorld({
    seed,
    nodes: faults ? nodes : seeds.length,
    transport: "streams",
    ...(faults ? { conditions: swarm.conditions } : {}),
    create: (host: MembershipHost, [known]: readonly Identity[]) =>
      new MembershipNode(host, known, { town, seeds }),
  });
  const up = () => world.nodes.filter(({ state }) => state === "up").map(({ core }) => core);
  const cluster: MembershipCluster = { world, up };
  let violation: string | undefined;
  try {
    if (faults) {
      const nemesis = new CoreNemesis(world, swarm);
      nemesis.start();
      world.run(forMs);
      nemesis.stop();
      settle(world, swarm);
      mustAgree(cluster);
      mustRest(cluster);
      mustLearnOfDeaths(cluster);
    } else joinDieAndReturn(cluster, nodes, forMs);
  } catch (error) {
    if (!(error instanceof CoreViolation)) throw error;
    const lines = world.trace.lines({ last: RELEVANT_LINES });
    violation = [`${seed} at ${world.now} ms: ${error.message}`, ...lines].join("\n");
  }
  return {
    seed,
    hash: world.trace.hash,
    nodes,
    virtualMs: world.now,
    messages: world.delivered,
    violation,
  };
}

/** Ends all faults, the network's own spikes among them, and starts who is down. */
export function settle(
  world: Pick<CoreWorld<never, unknown>, "heal" | "nodes" | "restart">,
  { conditions }: CoreSwarm,
): void {
  world.heal({ ...conditions, spikeChance: 0 });
  for (const { node, state } of world.nodes) if (state === "down") world.restart(node);
}

/** Every node that is up lists exactly those, alive, within bounded time. */
export function mustAgree(cluster: MembershipCluster): void {
  const { world } = cluster;
  if (world.until(() => agrees(cluster), CONVERGE)) return mustBeAsTold(cluster);
  const views = cluster.up().map(({ citizen, core }) => {
    const members = core
      .members()
      .map(({ name, boot, status }) => `${name}/${boot.slice(12, 16)} ${status}`);
    return `${citizen.name}: ${members.join(", ")}`;
  });
  throw new CoreViolation(`the directories do not agree after ${CONVERGE}:\n${views.join("\n")}`);
}

/** Nothing is told to anybody any more: nobody who is well is suspected. */
export function mustRest(cluster: MembershipCluster): void {
  cluster.world.run(CALM_MS);
  const before = toldIn(cluster);
  cluster.world.run(QUIET_MS);
  const news = toldIn(cluster) - before;
  if (news > 0) throw new CoreViolation(`${news} events within ${QUIET_MS} ms without a fault`);
  mustBeAsTold(cluster);
}

/** A process and a host die: both are known dead in the stated times, and known again when they are back. */
export function mustLearnOfDeaths(cluster: MembershipCluster): void {
  const { world } = cluster;
  const before = cluster.up();
  if (before.length < 3) return;
  for (const kind of ["process", "power"] as const) {
    const { citizen } = pick(world.random, cluster.up());
    world.crash(citizen.node, { kind });
    const withinMs = kind === "process" ? 3_000 : silentDeathMs(before.length);
    mustBeForgotten(cluster, citizen, withinMs);
    world.restart(citizen.node);
    mustAgree(cluster);
  }
}

function joinDieAndReturn(cluster: MembershipCluster, nodes: number, forMs: number): void {
  const { world } = cluster;
  const end = world.now + forMs;
  const joinMs = forMs * JOIN_SHARE;
  for (let node = world.nodes.length; node < nodes; node += 1) {
    world.at((node / nodes) * joinMs, () => void world.addNode());
  }
  world.run(joinMs);
  const join = () => agrees(cluster);
  if (!world.until(join, forMs / 2)) {
    const counts = cluster.up().map(({ core }) => core.members().length);
    throw new CoreViolation(
      `after ${forMs / 2} ms nodes list from ${Math.min(...counts)} of ${nodes}`,
    );
  }
  world.note("joined", `${nodes} nodes`);
  const suspicions = toldIn(cluster, "node-suspect") + toldIn(cluster, "node-down");
  if (suspicions > 0) throw new CoreViolation(`${suspicions} false suspicions in the join`);
  const { citizen } = pick(world.random, cluster.up());
  world.crash(citizen.node, { kind: "power" });
  mustBeForgotten(cluster, citizen, silentDeathMs(nodes));
  world.restart(citizen.node);
  mustAgree(cluster);
  if (world.now < end) world.run(end - world.now);
  if (world.now > end + 1) throw new CoreViolation(`all of it took until ${world.now} ms`);
  mustBeAsTold(cluster);
}

/**
 * How long a host that falls silent may stay in a directory: a period until it is probed, the direct and the indirect
 * probe, the suspicion with the confirmations of its other watchers, and the wait for the end of its link; and a second
 * for what a round trip and a slower watcher add.
 */
function silentDeathMs(nodes: number): number {
  const probesMs = times.periodMs + times.probeTimeoutMinMs + times.indirectTimeoutMs;
  return probesMs + suspicionMs(2, nodes, nodes) + times.linkEndMaxMs + 1_000;
}

function mustBeForgotten(cluster: MembershipCluster, dead: Citizen, withinMs: number): void {
  const knows = (node: MembershipNode) => node.core.member(dead.id)?.boot === dead.boot;
  if (cluster.world.until(() => !cluster.up().some(knows), withinMs)) return;
  const names = cluster
    .up()
    .filter(knows)
    .map(({ citizen }) => citizen.name);
  throw new CoreViolation(
    `${dead.name} is dead and after ${withinMs} ms listed by ${names.join()}`,
  );
}

function mustBeAsTold({ up }: MembershipCluster): void {
  mustBeEmpty(up().flatMap((node) => node.audit()));
}

function agrees({ up }: MembershipCluster): boolean {
  const nodes = up();
  const boots = new Map(nodes.map(({ citizen }) => [citizen.id, citizen.boot]));
  return nodes.every(({ core }) => {
    const members = core.members();
    if (members.length !== boots.size) return false;
    return members.every(({ id, boot, status }) => status === "alive" && boots.get(id) === boot);
  });
}

function toldIn({ up }: MembershipCluster, type?: "node-suspect" | "node-down"): number {
  let count = 0;
  for (const { told } of up()) {
    for (const [each, times] of told) if (type === undefined || each === type) count += times;
  }
  return count;
}
