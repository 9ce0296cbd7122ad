/**
 * AtRest: what must hold of the caches once nothing is wrong any more: everybody reads the same, each entry is on as many
 * nodes as it should be, and what is left is what the book allows.
 */
import { isFoundationError } from "@foundation/core";
import type { CacheBook, Op } from "./cache-book.js";
import { tell } from "./cache-book.js";
import { runOn } from "../support/run-on.js";
import type { Node, Sim } from "./cache-node.js";
import type { CachePlan } from "./cache-plan.js";

const FORM_WITHIN = "120s";
const AGREE_WITHIN_MS = 90_000;
const LOOK_EVERY_MS = 1_500;
const READ_MS = 8_000;

/** Resolves when every node is up and lists all others alive. @throws when they never do */
export async function untilFormed(sim: Sim): Promise<void> {
  const all = sim.nodes.length;
  const isComplete = (node: Node) => {
    if (node.state !== "up" || node.app === undefined) return false;
    const members = node.within((app) => app.nodes());
    return members.length === all && members.every(({ status }) => status === "alive");
  };
  if (await sim.until(() => sim.nodes.every(isComplete), FORM_WITHIN)) return;
  const views = sim.nodes.map(({ name, app }) => {
    const seen = app?.nodes().map((member) => `${member.name} ${member.status}`);
    return `${name}: ${seen?.join(", ") ?? "has not started"}`;
  });
  throw new Error(`the nodes do not agree who is there:\n${views.join("\n")}`);
}

/** What every node reads of each key of a cache. @throws when they do not agree in time, or no longer read */
export async function untilAgreed(
  sim: Sim,
  book: CacheBook,
  plan: CachePlan,
): Promise<ReadonlyMap<string, string>> {
  const untilMs = sim.clock.now() + AGREE_WITHIN_MS;
  for (;;) {
    await sim.run(LOOK_EVERY_MS);
    const views = await viewsOf(sim, plan, book.keys(plan.name));
    const problem = differenceOf(views) ?? (await wrongCount(sim, plan, views[0]?.values));
    if (problem === undefined) return views[0]?.values as ReadonlyMap<string, string>;
    if (sim.clock.now() > untilMs)
      throw new Error(`the cache "${plan.name}" does not settle: ${problem}`);
  }
}

/** Of what is left after a storm: nothing that something later replaced, nothing lost. */
export function wrongAfter(
  book: CacheBook,
  plan: CachePlan,
  left: ReadonlyMap<string, string>,
  { keepsMemory, keepsTime }: { readonly keepsMemory: boolean; readonly keepsTime: boolean },
): string[] {
  const wrong: string[] = [];
  if (!keepsMemory) return wrong;
  for (const key of book.keys(plan.name)) {
    const ops = [...book.of(plan.name, key)].filter(({ isRefused }) => !isRefused);
    const value = left.get(key);
    const writer = value === undefined ? undefined : book.writerOf(value);
    const done = ops.filter(({ endedAt, isComputed }) => endedAt !== Infinity && !isComputed);
    if (writer !== undefined && keepsTime) {
      const newer = done.find((op) => isLater(op, writer));
      if (newer !== undefined) wrong.push(`left: ${tell(writer)}, in spite of ${tell(newer)}`);
    }
    if (value !== undefined || plan.mayForget) continue;
    const kept = done.filter(({ type, ttlMs }) => type === "write" && ttlMs === Infinity);
    const lost = kept.find((write) => !ops.some((op) => mayEnd(op, write, keepsTime)));
    if (lost !== undefined) wrong.push(`gone: ${tell(lost)}`);
  }
  return wrong;
}

interface View {
  readonly node: string;
  readonly values: ReadonlyMap<string, string>;
  readonly failure: string | undefined;
}

async function viewsOf(
  sim: Sim,
  plan: CachePlan,
  keys: readonly string[],
): Promise<readonly View[]> {
  const views: View[] = [];
  const nodes = sim.nodes.filter(({ name }) => plan.on.includes(name));
  for (const node of nodes) {
    void runOn(sim, node, async ({ caches }) => caches.get(plan.name)?.getMany(keys)).then(
      (values) => views.push({ node: node.name, values: values ?? new Map(), failure: undefined }),
      (error: unknown) => {
        const failure = isFoundationError(error) ? error.code : String(error);
        views.push({ node: node.name, values: new Map(), failure });
      },
    );
  }
  if (!(await sim.until(() => views.length === nodes.length, READ_MS))) {
    views.push({ node: "one", values: new Map(), failure: "no answer" });
  }
  return views;
}

function differenceOf(views: readonly View[]): string | undefined {
  const failed = views.find(({ failure }) => failure !== undefined);
  if (failed !== undefined) return `${failed.node} fails with ${failed.failure}`;
  const texts = views.map(({ node, values }) => `${node}: ${JSON.stringify([...values].sort())}`);
  const isSame = texts.every(
    (text) => text.slice(text.indexOf(":")) === texts[0]?.slice(texts[0].indexOf(":")),
  );
  return isSame ? undefined : `nodes read differently\n${texts.join("\n")}`;
}

/** Each entry is on as many nodes as keep one; undefined where it is, or where that cannot be told. */
async function wrongCount(
  sim: Sim,
  plan: CachePlan,
  values: ReadonlyMap<string, string> | undefined,
): Promise<string | undefined> {
  if (plan.isQuorum || plan.isNear || plan.mayForget || values === undefined) return undefined;
  const owners = Math.min(plan.replicas, plan.on.length);
  const held = sim.nodes.map(({ app }) => app?.caches.get(plan.name)?.stats().entries ?? 0);
  const sum = held.reduce((total, count) => total + count, 0);
  const expected = values.size * owners;
  if (sum === expected) return undefined;
  return `${values.size} entries with ${owners} owners each are ${sum} copies (${held.join(" + ")})`;
}

function isLater(op: Op, writer: Op): boolean {
  const isOver = (writer.isComputed ? writer.startedAt : writer.endedAt) < op.startedAt;
  if (!isOver || op === writer) return false;
  if (op.type === "untag") return op.tag === writer.tag;
  return op.type === "write" || op.type === "delete";
}

/** Whether what was written may be gone by this operation. */
function mayEnd(op: Op, write: Op, keepsTime: boolean): boolean {
  const isEnd = op.type === "delete" || op.type === "untag" || op.ttlMs !== Infinity;
  return isEnd && (!keepsTime || op.endedAt > write.startedAt);
}
