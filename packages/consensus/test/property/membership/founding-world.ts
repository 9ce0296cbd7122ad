/**
 * FoundingWorld: a few named nodes that found a group, as one immutable value: every order of events can be tried.
 *
 * Questions that ask for a token, tokens and offers stay in the world once they are sent: delivering one again is a
 * repetition, never delivering it a loss, and one of a dead start may come at any time. What a disk has to say can be heard
 * by anybody at any time (`hear`), so questions that only want to know that are left out; the last words of a disk
 * that was wiped stay. A crash forgets what was not written; a wipe puts another disk under the name.
 */
import type { NodeId } from "@foundation/core";
import { answerOf, found } from "../../../src/membership/protocol/founding.js";
import {
  foundingOf,
  type FoundingInput,
  type FoundingSource,
  type FoundingState,
  type Verdict,
} from "../../../src/membership/protocol/founding-state.js";
import {
  parseFoundingMessage,
  type FoundingMessage,
} from "../../../src/membership/protocol/founding-messages.js";
import {
  isFormed,
  parseMembershipRecord,
  type MembershipRecord,
} from "../../../src/membership/protocol/membership-record.js";

export interface Post {
  readonly from: NodeId;
  readonly to: NodeId;
  readonly message: FoundingMessage;
}

export interface FoundingNode {
  readonly name: string;
  /** Which disk is under the name: 0, 1, …; its id follows from name and disk. */
  readonly disk: number;
  readonly boots: number;
  readonly state: FoundingState;
}

/** How much may happen in a world. */
export interface Bounds {
  readonly ticks: number;
  readonly crashes: number;
  readonly wipes: number;
  /** Tokens of one start of a node. */
  readonly tokens: number;
}

export interface World {
  /** What decides: the real core, or one with a bug. */
  readonly core: typeof found;
  readonly sources: readonly FoundingSource[];
  readonly nodes: readonly FoundingNode[];
  readonly posts: ReadonlyMap<string, Post>;
  /** What the arbiter holds, if there is one. */
  readonly arbiter: Verdict | undefined;
  /** Consultations under way, by node. */
  readonly consulting: readonly (Verdict | undefined)[];
  /** Of every disk there ever was: the groups it accepted as a first voter. */
  readonly accepted: Readonly<Record<string, readonly string[]>>;
  /** Every group that some first voter's disk ever took for formed, with its first voters. */
  readonly formed: Readonly<Record<string, readonly NodeId[]>>;
  readonly ticks: number;
  readonly crashes: number;
  readonly wipes: number;
}

export function idOf(node: number, disk: number): NodeId {
  return `${node}${disk}`.padStart(32, "0") as NodeId;
}

export function worldOf(
  names: readonly string[],
  sources: readonly FoundingSource[],
  core = found,
): World {
  const nodes = names.map((name, i) => started(name, i, 0, 0, sources[i], undefined));
  const world: World = {
    core,
    sources,
    nodes,
    posts: new Map(),
    arbiter: undefined,
    consulting: names.map(() => undefined),
    accepted: {},
    formed: {},
    ticks: 0,
    crashes: 0,
    wipes: 0,
  };
  return nodes.reduce((met, _, node) => meet(met, node), world);
}

/** The node learns which nodes there are now. */
function meet(world: World, node: number): World {
  const peers = world.nodes.map(({ state }) => state.setup.self.id).filter((_, i) => i !== node);
  return give(world, node, { type: "peers", peers });
}

function started(
  name: string,
  node: number,
  disk: number,
  boots: number,
  source: FoundingSource | undefined,
  record: MembershipRecord | undefined,
): FoundingNode {
  const self = { name, id: idOf(node, disk) };
  const boot = `${node}.${disk}.${boots}`;
  const setup = {
    name: "orders",
    self,
    boot,
    source: source ?? { type: "others" as const },
    // Fresh for each start; but what was not written left no trace, so one for each disk will do.
    group: `group-${node}.${disk}`,
  };
  return { name, disk, boots, state: foundingOf(setup, record) };
}

/** One input to one node. */
export function give(world: World, node: number, input: FoundingInput): World {
  const before = at(world, node);
  const { state, sends, consult } = world.core(before.state, input);
  let { posts } = world;
  const from = state.setup.self.id;
  for (const { to, message } of sends) {
    if (message.type === "ask" ? !message.offers : isHeard(message)) continue;
    const post = { from, to, message };
    const key = `${post.from}>${to} ${JSON.stringify(message)}`;
    if (posts.has(key)) continue;
    const sent = parseFoundingMessage(structuredClone(message));
    if (!sent) throw new Error(`a message is malformed: ${key}`);
    posts = new Map(posts).set(key, { ...post, message: sent });
  }
  if (state === before.state && posts === world.posts && !consult) return world;
  const consulting = consult ? replaced(world.consulting, node, consult) : world.consulting;
  return { ...world, posts, consulting, nodes: replaced(world.nodes, node, { ...before, state }) };
}

export function tick(world: World, node: number): World {
  const next = give(meet(world, node), node, { type: "tick" });
  const isNothing = keyOf(next) === keyOf(world);
  return isNothing ? world : { ...next, ticks: world.ticks + 1 };
}

export function deliver(world: World, { from, to, message }: Post): World {
  const node = world.nodes.findIndex(({ state }) => state.setup.self.id === to);
  return node < 0 ? world : give(world, node, { type: "message", from, message });
}

/** What is on the disk of `other` comes to `node`. */
export function hear(world: World, node: number, other: number): World {
  const { record, setup, accepted } = at(world, other).state;
  if (!record) return world;
  const { knowledge, token } = at(world, node).state.answers[setup.self.id] ?? {};
  const isSame = knowledge?.phase === record.phase && knowledge.group === record.group;
  if (isSame && !token && knowledge.accepted.length === accepted.length) return world;
  const message = answerOf(at(world, other).state);
  return give(world, node, { type: "message", from: setup.self.id, message });
}

function isHeard(message: FoundingMessage): boolean {
  return message.type === "answer" && !message.token;
}

/** What is being written becomes durable. */
export function write(world: World, node: number): World {
  const { writing, record, setup } = at(world, node).state;
  if (!writing) return world;
  if (!parseMembershipRecord(structuredClone(writing))) throw new Error("a record is malformed");
  const { id } = setup.self;
  const { group, phase } = writing;
  let { accepted, formed } = world;
  const isNew = phase === "accepted" && record?.group !== group;
  if (isNew) accepted = { ...accepted, [id]: [...(accepted[id] ?? []), group] };
  const isVoter = writing.voters.some((voter) => voter.id === id);
  if (isVoter && isFormed(writing)) {
    formed = { ...formed, [group]: writing.voters.map((voter) => voter.id) };
  }
  return give({ ...world, accepted, formed }, node, { type: "persisted" });
}

export function restart(world: World, node: number): World {
  const { name, disk, boots, state } = at(world, node);
  const source = world.sources[node];
  const next = started(name, node, disk, boots + 1, source, state.record);
  const nodes = replaced(world.nodes, node, next);
  const consulting = replaced(world.consulting, node, undefined);
  return meet({ ...world, nodes, consulting, crashes: world.crashes + 1 }, node);
}

export function wipe(world: World, node: number): World {
  const { name, disk, state } = at(world, node);
  const next = started(name, node, disk + 1, 0, world.sources[node], undefined);
  const nodes = replaced(world.nodes, node, next);
  const consulting = replaced(world.consulting, node, undefined);
  const posts = new Map(world.posts);
  const from = state.setup.self.id;
  for (const { state: other } of state.record ? nodes : []) {
    const to = other.setup.self.id;
    posts.set(`${from}>${to} last words`, { from, to, message: answerOf(state) });
  }
  return meet({ ...world, nodes, posts, consulting, wipes: world.wipes + 1 }, node);
}

/** The arbiter's compare-and-set, and its answer, which may be lost by a crash in between. */
export function arbitrate(world: World, node: number): World {
  const wanted = world.consulting[node];
  if (!wanted) return world;
  const arbiter = world.arbiter ?? wanted;
  return { ...world, arbiter, consulting: replaced(world.consulting, node, undefined) };
}

export function judge(world: World, node: number): World {
  const { arbiter } = world;
  return arbiter ? give(world, node, { type: "verdict", winner: arbiter }) : world;
}

/** Everybody stays up and hears everything, until nothing happens any more. */
export function settled(world: World): World {
  let now = world;
  for (let round = 0; round < 10; round += 1) {
    now.nodes.forEach((_, node) => {
      now = give(meet(now, node), node, { type: "tick" });
    });
    const known = new Set(round === 0 ? [] : now.posts.keys());
    for (let pass = 0; pass < 3; pass += 1) {
      for (const post of now.posts.values()) {
        if (pass === 0 || post.message.type !== "ask") now = deliver(now, post);
      }
      now.nodes.forEach((_, node) => {
        now = write(now, node);
        if (now.consulting[node]) now = judge(arbitrate(now, node), node);
        now = give(now, node, { type: "begun" });
        now.nodes.forEach((_, other) => {
          if (other !== node) now = hear(now, node, other);
        });
      });
    }
    if (known.size === now.posts.size && isDone(now)) break;
  }
  return now;
}

function isDone({ nodes }: World): boolean {
  return nodes.every(({ state }) => state.record?.phase === "begun" && !state.writing);
}

/** Equal keys: the same world, whatever led there. */
export function keyOf(world: World): string {
  const nodes = world.nodes.map(keyOfNode).join("|");
  const posts = keyOfPosts(world.posts);
  const { arbiter, consulting, ticks, crashes, wipes } = world;
  const rest = [arbiter?.group, consulting.map((verdict) => verdict?.group), ticks, crashes, wipes];
  // What was accepted and formed stands in the records, but for those of disks that are gone.
  const past = wipes > 0 ? JSON.stringify([world.accepted, world.formed]) : "";
  return `${nodes}#${posts}#${rest.join()}#${past}`;
}

const nodeKeys = new WeakMap<FoundingNode, string>();
const postKeys = new WeakMap<World["posts"], string>();
const names = new Map<string, number>();

function keyOfNode(node: FoundingNode): string {
  const kept = nodeKeys.get(node);
  if (kept !== undefined) return kept;
  const { disk, boots, state } = node;
  const { record, writing, given, tokens, peers, answers, accepted, rounds, refused } = state;
  // Who accepted, as another has it, is merged when it is heard, and can be heard again.
  let known = "";
  for (const id of peers) {
    const { name, token, knowledge } = answers[id] ?? {};
    known += `${name}:`;
    known += `${id.slice(-2)}${token?.boot}/${token?.count}/${knowledge?.group}${knowledge?.phase},`;
  }
  // Answers of nodes that are gone may still be there.
  const strays = Object.keys(answers).filter((id) => !peers.includes(id as NodeId));
  if (strays.length > 0) known += JSON.stringify(strays.sort().map((id) => answers[id as NodeId]));
  const asked = state.setup.source.type === "arbiter" ? Math.min(rounds, 3) : 0;
  const who = `${node.name}${disk}.${boots}.${tokens}.${given?.to.slice(-2)}.${given?.count}`;
  const met = `${peers.map((id) => id.slice(-2)).join()};${accepted.map((id) => id.slice(-2)).join()}`;
  const rest = `${asked};${refused};${state.names?.join()}`;
  const key = short(`${who};${textOf(record)};${textOf(writing)};${known};${met};${rest}`);
  nodeKeys.set(node, key);
  return key;
}

function textOf(record: MembershipRecord | undefined): string {
  if (!record) return "-";
  const { phase, by, group, voters, past } = record;
  return `${phase}${by}${group}${voters.map(({ id }) => id.slice(-2)).join()}${past.join()}`;
}

function keyOfPosts(posts: World["posts"]): string {
  const kept = postKeys.get(posts);
  if (kept !== undefined) return kept;
  const key = [...posts.keys()].map(short).sort().join();
  postKeys.set(posts, key);
  return key;
}

/** A number for each text: keys stay short. */
function short(text: string): string {
  const kept = names.get(text) ?? names.size;
  names.set(text, kept);
  return kept.toString(36);
}

function at(world: World, node: number): FoundingNode {
  return world.nodes[node] as FoundingNode;
}

function replaced<T>(list: readonly T[], index: number, item: T): readonly T[] {
  return list.map((old, i) => (i === index ? item : old));
}
