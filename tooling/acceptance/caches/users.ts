/**
 * Users: what is asked of the caches, drawn from the seed, and written into the book.
 *
 * Some keys are never deleted, some have an end soon, some are written with a tag, so that each promise has keys of its own.
 */
import type { Cache } from "@foundation/cache";
import type { Random } from "@foundation/core/ports";
import type { CacheBook, Op } from "./cache-book.js";
import { runOn } from "../support/run-on.js";
import type { CacheNode, Node, Sim } from "./cache-node.js";
import type { CachePlan } from "./cache-plan.js";

const PLAIN = ["p0", "p1", "p2"];
const KEPT = ["k0", "k1"];
const BRIEF = ["b0", "b1"];
const TAGS = ["red", "blue"];
/** The longest that a brief entry may be given, stale or not. */
export const BRIEF_MS_MAX = 4_000;
const COMPUTE_MS_MAX = 400;

/** One call: what it does with a cache, and what it tells the book. */
interface Call {
  readonly node: CacheNode;
  readonly cache: Cache<string>;
  readonly plan: CachePlan;
  readonly key: string;
}

export class Users {
  readonly #sim: Sim;
  readonly #random: Random;
  readonly #book: CacheBook;
  readonly #plans: readonly CachePlan[];
  /** Calls under way, by the start they run on. */
  readonly #open = new Map<string, number>();
  calls = 0;

  constructor(sim: Sim, random: Random, book: CacheBook, plans: readonly CachePlan[]) {
    this.#sim = sim;
    this.#random = random;
    this.#book = book;
    this.#plans = plans;
  }

  /** Calls that are not answered, on starts that are still up. */
  get underWay(): number {
    const starts = new Set(this.#sim.nodes.map(({ name, boots }) => `${name}#${boots}`));
    return [...this.#open].reduce((sum, [by, count]) => sum + (starts.has(by) ? count : 0), 0);
  }

  /** Nodes on which something can be asked. */
  ready(plan?: CachePlan): readonly Node[] {
    return this.#sim.nodes.filter(({ name, state, app }) => {
      return state === "up" && app !== undefined && plan?.on.includes(name) !== false;
    });
  }

  /** One call of whatever kind. */
  act(): void {
    const plan = this.#pick(this.#plans);
    const nodes = this.ready(plan);
    if (nodes.length === 0) return;
    const draw = this.#random.next();
    const key = this.#pick([...PLAIN, ...KEPT, ...BRIEF]);
    const call = this.#callOf(draw, key);
    void this.#on(this.#pick(nodes), plan, key, call);
  }

  /** Reads a key on a node, once; undefined where the call failed. */
  async read(node: Node, plan: CachePlan, key: string): Promise<Op | undefined> {
    let op: Op | undefined;
    await this.#on(node, plan, key, async (call) => {
      op = await this.#read(call, "get", () => call.cache.get(key));
    });
    return op?.endedAt === Infinity ? undefined : op;
  }

  /** Writes a new value for good. */
  async write(node: Node, plan: CachePlan, key: string): Promise<Op | undefined> {
    let op: Op | undefined;
    await this.#on(node, plan, key, async (call) => {
      op = await this.#set(call, {});
    });
    return op;
  }

  /** Computes a key for so long; `onRun` hears of each computation. */
  compute(
    node: Node,
    plan: CachePlan,
    key: string,
    forMs: number,
    onRun: () => void,
  ): Promise<Op | undefined> {
    let op: Op | undefined;
    return this.#on(node, plan, key, async (call) => {
      op = await this.#compute(call, forMs, {}, onRun);
    }).then(() => op);
  }

  #callOf(draw: number, key: string): (call: Call) => Promise<unknown> {
    const brief = { ttlMs: 300 + Math.floor(this.#random.next() * 2_000) };
    const life = BRIEF.includes(key) ? brief : {};
    const tagged = this.#random.next() < 0.4 ? { tag: this.#pick(TAGS) } : {};
    const tag = this.#pick(TAGS);
    const forMs = 5 + this.#random.next() * COMPUTE_MS_MAX;
    const mayDelete = !KEPT.includes(key);
    if (draw < 0.24) return (call) => this.#read(call, "get", () => call.cache.get(key));
    if (draw < 0.29) return (call) => this.#readMany(call);
    if (draw < 0.34) {
      return (call) => this.#read(call, "getNow", async () => call.cache.getNow(key));
    }
    if (draw < 0.38) {
      return (call) => this.#read(call, "entry", async () => (await call.cache.entry(key))?.value);
    }
    if (draw < 0.66) return (call) => this.#set(call, { ...life, ...tagged });
    if (draw < 0.75 && mayDelete) return (call) => this.#delete(call);
    if (draw < 0.84) return (call) => this.#update(call, { ...life, ...tagged });
    if (draw < 0.965) return (call) => this.#compute(call, forMs, { ...life, ...tagged }, () => {});
    if (draw < 0.98) return (call) => this.#touch(call);
    if (draw < 0.995) return (call) => this.#untag(call, tag);
    return (call) => this.#clear(call);
  }

  async #on(
    node: Node,
    plan: CachePlan,
    key: string,
    work: (call: Call) => Promise<unknown>,
  ): Promise<void> {
    const by = `${node.name}#${node.boots}`;
    this.calls += 1;
    this.#count(by, 1);
    try {
      await runOn(this.#sim, node, async (app) => {
        const cache = app.caches.get(plan.name);
        if (cache !== undefined) await work({ node: app, cache, plan, key });
      });
    } catch {
      // The node went down before the call began.
    } finally {
      this.#count(by, -1);
    }
  }

  #count(by: string, step: number): void {
    this.#open.set(by, (this.#open.get(by) ?? 0) + step);
  }

  #asked({ node, plan, key }: Call) {
    return { cache: plan.name, key, by: node.start };
  }

  async #read(call: Call, name: string, ask: () => Promise<string | undefined>): Promise<Op> {
    const op = this.#book.begin({ ...this.#asked(call), type: "read", call: name });
    await this.#noting(op, async () => this.#book.done(op, await ask()));
    return op;
  }

  async #readMany(call: Call): Promise<void> {
    const keys = [...PLAIN, ...KEPT];
    const ops = keys.map((key) => {
      return this.#book.begin({ ...this.#asked({ ...call, key }), type: "read", call: "getMany" });
    });
    const [first] = ops as [Op];
    await this.#noting(first, async () => {
      const found = await call.cache.getMany(keys);
      for (const op of ops) this.#book.done(op, found.get(op.key));
    });
  }

  async #set(call: Call, { ttlMs, tag }: { ttlMs?: number; tag?: string }): Promise<Op> {
    const { cache, plan, key } = call;
    const value = this.#book.newValue(plan.name, key);
    const op = this.#book.begin({
      ...{ ...this.#asked(call), type: "write", call: "set", value, tag },
      ttlMs: ttlMs ?? Infinity,
    });
    const options = { ttl: ttlMs, tags: tag === undefined ? undefined : [tag] };
    await this.#noting(op, async () => {
      await cache.set(key, value, options);
      this.#book.done(op);
    });
    return op;
  }

  async #update(call: Call, { ttlMs, tag }: { ttlMs?: number; tag?: string }): Promise<void> {
    const { cache, plan, key } = call;
    const value = this.#book.newValue(plan.name, key);
    const op = this.#book.begin({
      ...{ ...this.#asked(call), type: "write", call: "update", value, tag },
      ttlMs: ttlMs ?? Infinity,
    });
    const change = (current: string | undefined) => {
      op.seen = current;
      return value;
    };
    const options = { ttl: ttlMs, tags: tag === undefined ? undefined : [tag] };
    await this.#noting(op, async () => {
      await cache.update(key, change, options);
      this.#book.done(op);
    });
  }

  /** A write that begins when the computation does, if it does, and a read otherwise. */
  async #compute(
    call: Call,
    forMs: number,
    { ttlMs, tag }: { ttlMs?: number; tag?: string },
    onRun: () => void,
  ): Promise<Op> {
    const { cache, plan, key, node } = call;
    const read = this.#book.begin({ ...this.#asked(call), type: "read", call: "getOrCompute" });
    const staleForMs = ttlMs === undefined ? 0 : BRIEF_MS_MAX - ttlMs;
    let written: Op | undefined;
    const compute = async () => {
      onRun();
      const value = this.#book.newValue(plan.name, key);
      written = this.#book.begin({
        ...{ ...this.#asked(call), type: "write", call: "compute", value, tag, isComputed: true },
        ...{ ttlMs: ttlMs ?? Infinity, staleForMs },
      });
      await node.sleep(forMs);
      return value;
    };
    const tags = tag === undefined ? undefined : [tag];
    const options = { ttl: ttlMs, tags, staleFor: staleForMs };
    await this.#noting(read, async () => {
      const value = await cache.getOrCompute(key, compute, options);
      if (written !== undefined) this.#book.done(written);
      read.isOwn = written?.value === value;
      this.#book.done(read, value);
    });
    return read;
  }

  async #delete(call: Call): Promise<void> {
    const op = this.#book.begin({ ...this.#asked(call), type: "delete", call: "delete" });
    await this.#noting(op, async () => {
      await call.cache.delete(call.key);
      this.#book.done(op);
    });
  }

  async #touch(call: Call): Promise<void> {
    const op = this.#book.begin({ ...this.#asked(call), type: "touch", call: "touch" });
    const ttl = BRIEF.includes(call.key) ? 1_000 : undefined;
    await this.#noting(op, async () => {
      await call.cache.touch(call.key, ttl);
      this.#book.done(op);
    });
  }

  async #untag(call: Call, tag: string): Promise<void> {
    const asked = {
      ...this.#asked({ ...call, key: "" }),
      type: "untag",
      call: "invalidateTag",
    } as const;
    const op = this.#book.begin({ ...asked, tag });
    await this.#noting(op, async () => {
      await call.cache.invalidateTag(tag);
      this.#book.done(op);
    });
  }

  async #clear(call: Call): Promise<void> {
    const asked = { ...this.#asked({ ...call, key: "" }), type: "delete", call: "clear" } as const;
    const op = this.#book.begin(asked);
    await this.#noting(op, async () => {
      await call.cache.clear();
      this.#book.done(op);
    });
  }

  async #noting(op: Op, work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (error) {
      this.#book.failed(op, error);
    }
  }

  #pick<T>(from: readonly T[]): T {
    return from[Math.floor(this.#random.next() * from.length)] as T;
  }
}
