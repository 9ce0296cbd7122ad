/**
 * playCores: membership, names, a map and supervised children on the same links, with traffic, without anything else.
 *
 * Faults rage; then everything heals, the directories must agree, and after two rounds of anti-entropy every node must
 * read the same: each owner's claims as the owner made them, no write lost of a writer that is still there, no deletion
 * undone, one holder of each name, one instance of each child. Then one node dies for good, and the same must hold of
 * those that are left: its claims are gone, and its children run elsewhere.
 */
import { createCoreWorld } from "@foundation/testkit";
import { TOMBSTONE_MS } from "../../../packages/crdt/src/limits.js";
import type { ClaimValue } from "../../../packages/registry/src/protocol/name-resolution.js";
import { CoresNode, type CoresInput, type CoresMessage } from "./cores-node.js";
import { CoresTraffic, identities } from "./cores-traffic.js";
import { CoreNemesis, drawCoreSwarm, pick } from "./nemesis.js";
import { mustAgree, settle } from "./play-membership.js";
import { mustBeEmpty, playedOf, type CorePlayed } from "./played.js";
import { addressOf, Town, type Identity } from "./town.js";
import { textOf } from "./owned-replica.js";
import type { CoreHost } from "@foundation/testkit";

export interface PlayCoresOptions {
  readonly seed: string;
  readonly nodes: number;
  /** How long faults rage, in virtual milliseconds. */
  readonly forMs: number;
}

/** Actions a node takes in a virtual second. */
const ACTIONS_PER_SECOND = 10;
/** After a heal: anti-entropy meets a random member every ten seconds. */
const CONVERGE_MS = 90_000;
const LOOK_MS = 500;

export function playCores(options: PlayCoresOptions): Promise<CorePlayed> {
  // Nothing in it waits; what it throws is still the promise's.
  return Promise.resolve(new Run(options).play());
}

class Run {
  readonly #options: PlayCoresOptions;
  readonly #swarm;
  readonly #world;
  readonly #traffic: CoresTraffic;
  #isBusy = true;

  constructor(options: PlayCoresOptions) {
    const { seed, nodes } = options;
    const town = new Town();
    const seeds = Array.from({ length: Math.min(3, nodes) }, (_, node) => addressOf(node));
    this.#options = options;
    this.#swarm = drawCoreSwarm(seed);
    const choice = { town, seeds, tombstoneMs: TOMBSTONE_MS };
    this.#world = createCoreWorld({
      seed,
      nodes,
      transport: "streams",
      conditions: this.#swarm.conditions,
      wallStartMs: 1_700_000_000_000,
      create: (host: CoreHost<CoresInput, CoresMessage, Identity>, [known]: readonly Identity[]) =>
        new CoresNode(host, known, choice),
    });
    this.#traffic = new CoresTraffic(this.#world.random);
  }

  play(): CorePlayed {
    return playedOf(this.#world, this.#options, () => this.#run());
  }

  #run(): void {
    const world = this.#world;
    const nemesis = new CoreNemesis(world, this.#swarm);
    nemesis.start();
    this.#work();
    world.run(this.#options.forMs);
    nemesis.stop();
    this.#isBusy = false;
    settle(world, this.#swarm);
    this.#mustConverge();
    const { node } = pick(world.random, world.nodes);
    world.crash(node, { kind: world.random.next() < 0.5 ? "process" : "power" });
    this.#mustConverge();
  }

  /** The directories agree, and everything that stands on them. */
  #mustConverge(): void {
    const world = this.#world;
    mustAgree({ world, up: () => this.#up().map(({ membership }) => membership) });
    const end = world.now + CONVERGE_MS;
    while (world.now < end && this.#problems().length > 0) world.run(LOOK_MS);
    mustBeEmpty(this.#problems());
    mustBeEmpty(this.#audits());
  }

  /** The next action of the traffic, and all that follow. */
  #work(): void {
    const world = this.#world;
    const everyMs = 1_000 / ACTIONS_PER_SECOND / this.#options.nodes;
    world.at(world.random.next() * 2 * everyMs, () => {
      if (!this.#isBusy) return;
      const up = this.#up();
      if (up.length > 0) this.#traffic.act(pick(world.random, up));
      this.#work();
    });
  }

  #up(): readonly CoresNode[] {
    return this.#world.nodes.filter(({ state }) => state === "up").map(({ core }) => core);
  }

  /** What is not yet, or not any more, as it must be. */
  #problems(): readonly string[] {
    const up = this.#up();
    const [first] = up;
    if (!first) return ["nobody is up"];
    const views = (of: (node: CoresNode) => string, what: string): readonly string[] => {
      const texts = up.map((node) => `${node.membership.citizen.name}:\n${of(node)}`);
      const isSame = up.every((node) => of(node) === of(first));
      return isSame ? [] : [`${what} differ:\n${texts.join("\n")}`];
    };
    const differing = [
      ...views(({ names }) => names.view(), "names"),
      ...views(({ items }) => items.view(), "items"),
      ...views(({ specs }) => specs.view(), "specs"),
    ];
    if (differing.length > 0) return differing;
    return [
      ...this.#claims(first, up),
      ...this.#traffic.lostWrites(first, new Set(up), false),
      ...instances(first, up),
    ];
  }

  /** The claims everybody reads are those their owners made. */
  #claims(reader: CoresNode, up: readonly CoresNode[]): readonly string[] {
    const made = up.flatMap(({ membership: { citizen }, names }) =>
      [...names.claimed].map(
        ([name, value]) => `${name} ${textOf(citizen.id, citizen.boot, value)}`,
      ),
    );
    const { claims } = reader.names.state;
    const read = [...claims.keys()].flatMap((name) =>
      claims
        .get(name)
        .map(({ owner, boot, value }) => `${name} ${textOf(owner, boot, value as ClaimValue)}`),
    );
    const isSame = made.sort().join("\n") === read.sort().join("\n");
    return isSame ? [] : [`claimed was:\n${made.join("\n")}\nand read is:\n${read.join("\n")}`];
  }

  #audits(): readonly string[] {
    return this.#up().flatMap(({ membership, names, items, specs }) => {
      const said = [...names.audit(), ...items.audit(), ...specs.audit()];
      return [...membership.audit(), ...said.map((what) => `${membership.citizen.name}: ${what}`)];
    });
  }
}

/** Each child runs once, where its spec says, or nowhere when there is no spec. */
function instances(reader: CoresNode, up: readonly CoresNode[]): readonly string[] {
  const wrong: string[] = [];
  for (const identity of identities) {
    const spec = reader.specs.state.get(identity)?.value;
    const where = up.filter(({ supervisor }) => supervisor.running.has(identity));
    const names = where.map(({ membership }) => membership.citizen.name).join() || "nowhere";
    const owner = up.find(({ membership: { citizen } }) => {
      return citizen.id === spec?.owner.node && citizen.boot === spec.owner.boot;
    });
    const isRight = spec ? where.length === 1 && where[0] === owner : where.length === 0;
    if (!isRight) {
      const should = spec ? (owner?.membership.citizen.name ?? "on a dead owner") : "nowhere";
      wrong.push(`${identity} runs ${names} and must run ${should}`);
    }
  }
  return wrong;
}
