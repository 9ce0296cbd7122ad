/**
 * playMembership: the pure membership core on many nodes, without anything else.
 *
 * With faults: they rage for the time that was asked for, then everything heals, and the directories must agree, stay
 * at rest, and learn of a death and of a return within the times the protocol states. Without: all nodes join through
 * a few seeds, and when everybody lists everybody and the mesh is whole, the time that was asked for begins: a host falls
 * silent, all know it in the stated time, it comes back, all know that, and nobody else is ever suspected.
 */
import { createCoreWorld, type CoreWorld } from "@foundation/testkit";
import { membershipTimes as times } from "../../../packages/overlay/src/protocol/membership/limits.js";
import { suspicionMs } from "../../../packages/overlay/src/protocol/membership/suspicion.js";
import { MembershipNode, type MembershipHost } from "./membership-node.js";
import { CoreNemesis, drawCoreSwarm, pick, type CoreSwarm } from "./nemesis.js";
import { CoreViolation, mustBeEmpty, playedOf, type CorePlayed } from "./played.js";
import { addressOf, Town, type Citizen, type Identity } from "./town.js";

export interface PlayMembershipOptions {
  readonly seed: string;
  readonly nodes: number;
  /** How long faults rage, or without faults: how long all have joined before it ends; virtual milliseconds. */
  readonly forMs: number;
  /** @default true */
  readonly faults?: boolean;
  /** Without faults: called when all have joined, so that the caller may time what was and what follows. */
  readonly onJoined?: (joined: MembershipJoined) => void;
}

/** How the join went. */
export interface MembershipJoined {
  /** From the first start until everybody lists everybody and has a link to everybody. */
  readonly virtualMs: number;
  readonly messages: number;
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
/** Without faults: so much time is between the starts of two nodes, as in a quick rollout. */
const START_EVERY_MS = 10;
/** … and so long after the last start it may take until the mesh is whole. */
const JOIN_WITHIN_MS = 30_000;
/** After a heal: backoffs, handshakes, and a round of healing on each side. */
const CONVERGE = "60s";
/** What was sent into the slowest network is there by then, and what it led to is refuted. */
const CALM_MS = 10_000;
const QUIET_MS = 15_000;

export function playMembership(options: PlayMembershipOptions): Promise<CorePlayed> {
  // Nothing in it waits; what it throws is still the promise's.
  return Promise.resolve(play(options));
}

function play(options: PlayMembershipOptions): CorePlayed {
  const { seed, nodes, forMs, faults = true } = options;
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
  const told: { falseSuspicions?: number } = {};
  const played = playedOf(world, options, () => {
    if (faults) {
      const nemesis = new CoreNemesis(world, swarm);
      nemesis.start();
      world.run(forMs);
      nemesis.stop();
      settle(world, swarm);
      mustAgree(cluster);
      mustRest(cluster);
      mustLearnOfDeaths(cluster);
    } else {
      join(cluster, nodes);
      options.onJoined?.({ virtualMs: world.now, messages: world.delivered });
      const dead = dieAndReturn(cluster, forMs);
      const wrong = falselySuspected(cluster, dead);
      told.falseSuspicions = wrong.length;
      mustBeEmpty(wrong);
    }
  });
  return { ...played, ...told };
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
  if (world.until(agreement(cluster), CONVERGE)) return mustBeAsTold(cluster);
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

/** All start, one after the other. */
function join(cluster: MembershipCluster, nodes: number): void {
  const { world } = cluster;
  const first = world.nodes.length;
  for (let node = first; node < nodes; node += 1) {
    world.at((node - first) * START_EVERY_MS, () => void world.addNode());
  }
  world.run((nodes - first) * START_EVERY_MS);
  const isWhole = agreement(cluster, ({ linkCount }) => linkCount === nodes - 1);
  if (!world.until(isWhole, JOIN_WITHIN_MS)) {
    const lists = cluster.up().map(({ core }) => core.members().length);
    const links = cluster.up().map(({ linkCount }) => linkCount);
    throw new CoreViolation(
      `${JOIN_WITHIN_MS} ms after the last start nodes list from ${Math.min(...lists)} of ` +
        `${nodes} and have from ${Math.min(...links)} links`,
    );
  }
  world.note("joined", `${nodes} nodes`);
  mustBeAsTold(cluster);
  mustBeEmpty(falselySuspected(cluster));
}

/** A host falls silent and comes back, within the time that was asked for; then it is quiet. Gives who was dead. */
function dieAndReturn(cluster: MembershipCluster, forMs: number): Citizen {
  const { world } = cluster;
  const end = world.now + forMs;
  const { citizen } = pick(world.random, cluster.up());
  world.crash(citizen.node, { kind: "power" });
  mustBeForgotten(cluster, citizen, silentDeathMs(world.nodes.length));
  world.restart(citizen.node);
  mustAgree(cluster);
  if (world.now > end) throw new CoreViolation(`all of it took until ${world.now} ms`);
  world.run(end - world.now);
  mustBeAsTold(cluster);
  return citizen;
}

/** Whom anybody was told to be suspected or down who was not, ever, and by whom. */
function falselySuspected({ up }: MembershipCluster, dead?: Citizen): readonly string[] {
  return up().flatMap(({ citizen, suspected }) => {
    const falsely = [...suspected].filter(([boot]) => boot !== dead?.boot);
    return falsely.map(([, name]) => `${name} was falsely suspected by ${citizen.name}`);
  });
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
  // Who still listed it when last looked at probably does: asked first.
  let last: MembershipNode | undefined;
  const isForgotten = () => {
    if (last !== undefined && cluster.up().includes(last) && knows(last)) return false;
    last = cluster.up().find(knows);
    return last === undefined;
  };
  if (cluster.world.until(isForgotten, withinMs)) return;
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

/**
 * The condition that every node that is up lists exactly those, alive. To be asked often: who differed when last looked
 * at is asked first, and a list that is as long as it must be only then walked through.
 */
function agreement(
  { up }: MembershipCluster,
  isReady: (node: MembershipNode) => boolean = () => true,
): () => boolean {
  let last: MembershipNode | undefined;
  return () => {
    const nodes = up();
    const boots = new Map(nodes.map(({ citizen }) => [citizen.id, citizen.boot]));
    const differs = (node: MembershipNode) => {
      if (node.listedCount + 1 !== boots.size || !isReady(node)) return true;
      const members = node.core.members();
      if (members.length !== boots.size) return true;
      return !members.every(({ id, boot, status }) => {
        return status === "alive" && boots.get(id) === boot;
      });
    };
    if (last !== undefined && nodes.includes(last) && differs(last)) return false;
    last = nodes.find(differs);
    return last === undefined;
  };
}

function toldIn({ up }: MembershipCluster): number {
  let count = 0;
  for (const { told } of up()) for (const times of told.values()) count += times;
  return count;
}
