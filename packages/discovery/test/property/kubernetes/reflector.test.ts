import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import { readEvent, readPage } from "../../../src/protocol/kubernetes/answers.js";
import type { EndpointRules } from "../../../src/protocol/kubernetes/endpoint-rules.js";
import { EndpointTable } from "../../../src/protocol/kubernetes/endpoint-table.js";
import { kubernetesLimits } from "../../../src/protocol/kubernetes/limits.js";
import { Reflector, type ReflectorEffect } from "../../../src/protocol/kubernetes/reflector.js";
import { endpointSlice, type FakePod } from "../../kubernetes/fake-objects.js";
import { FakeStore, type Change } from "../../kubernetes/fake-store.js";

const RULES: EndpointRules = {
  mode: "ip",
  port: undefined,
  ownPort: 4100,
  scheme: "ws",
  clusterDomain: "cluster.local",
  service: undefined,
  includeNotReady: false,
};
const SELF = "10.0.0.0:4100";

/** One pod as a slice says it: its number decides name and addresses. */
type Said = { readonly pod: number; readonly ready: boolean; readonly terminating: boolean };

type Move =
  | { readonly type: "write"; readonly slice: number; readonly v6: boolean; readonly pods: Said[] }
  | { readonly type: "erase"; readonly slice: number; readonly v6: boolean }
  | { readonly type: "compact" | "step" | "bookmark" | "end" | "fail" | "malformed" | "error-410" };

const said: fc.Arbitrary<Said> = fc.record({
  pod: fc.nat(6),
  ready: fc.boolean(),
  terminating: fc.boolean(),
});
const move: fc.Arbitrary<Move> = fc.oneof(
  { weight: 4, arbitrary: fc.constant<Move>({ type: "step" }) },
  {
    weight: 4,
    arbitrary: fc.record({
      type: fc.constant("write" as const),
      slice: fc.nat(3),
      v6: fc.boolean(),
      pods: fc.array(said, { maxLength: 4 }),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      type: fc.constant("erase" as const),
      slice: fc.nat(3),
      v6: fc.boolean(),
    }),
  },
  {
    weight: 2,
    arbitrary: fc
      .constantFrom("compact", "bookmark", "end", "fail", "malformed", "error-410")
      .map((type): Move => ({ type }) as Move),
  },
);

function sliceOf(slice: number, v6: boolean, pods: readonly Said[]) {
  const list = pods.map(
    ({ pod, ready, terminating }): FakePod => ({
      name: `p${pod}`,
      ips: [v6 ? `fd00::${pod}` : `10.0.0.${pod}`],
      ready: ready && !terminating,
      serving: ready,
      terminating,
    }),
  );
  const name = `shop-${v6 ? "six" : "four"}-${slice}`;
  return endpointSlice({ service: "shop", name, addressType: v6 ? "IPv6" : "IPv4" }, list);
}

/** What the peers must be, from the objects alone: written down once more, the simple way. */
function truth(store: FakeStore): string[] {
  const pods = new Map<string, { v4: boolean; v6: boolean; draining: boolean; self: boolean }>();
  for (const object of store.list() ?? []) {
    const v6 = object["addressType"] === "IPv6";
    for (const each of object["endpoints"] as readonly Record<string, unknown>[]) {
      const { ready, serving, terminating } = each["conditions"] as Record<string, boolean>;
      if (!ready && !(terminating && serving)) continue;
      const name = (each["targetRef"] as { name: string }).name;
      const pod = pods.get(name) ?? { v4: false, v6: false, draining: true, self: false };
      pod[v6 ? "v6" : "v4"] = true;
      if (!terminating) pod.draining = false;
      if (!v6 && name === "p0") pod.self = true;
      pods.set(name, pod);
    }
  }
  return [...pods]
    .filter(([, { self }]) => !self)
    .map(([name, { v4, draining }]) => {
      const host = v4 ? `10.0.0.${name.slice(1)}` : `[fd00::${name.slice(1)}]`;
      return `ws://${host}:4100${draining ? " draining" : ""}`;
    })
    .sort();
}

/** A server with its history, a reflector and its table, driven one step at a time. */
class World {
  readonly store = new FakeStore();
  readonly table = new EndpointTable("IPv4", SELF);
  readonly #reflector = new Reflector();
  #nowMs = 0;
  #todo: ReflectorEffect;
  /** How far the open watch has told; undefined: none is open. */
  #told: number | undefined;
  /** The version of the list whose pages are being read. */
  #listing: { readonly version: number; readonly from: number } | undefined;

  constructor() {
    this.#todo = this.#take(this.#reflector.handle({ type: "start" }, 0));
  }

  get peers(): string[] {
    return this.table
      .peers()
      .map(({ address, draining }) => (draining ? `${address} draining` : address))
      .sort();
  }

  play(move: Move): void {
    this.#nowMs += 700;
    switch (move.type) {
      case "write":
        this.store.put(sliceOf(move.slice, move.v6, move.pods));
        return;
      case "erase":
        this.store.delete(sliceOf(move.slice, move.v6, []));
        return;
      case "compact":
        this.store.compact();
        return;
      case "step":
        this.step();
        return;
      case "bookmark":
        this.#bookmark();
        return;
      case "end":
        if (this.#told !== undefined) this.#next({ type: "ended" });
        return;
      case "fail":
        this.#fail("failed");
        return;
      case "malformed":
        this.#fail("lost");
        return;
      case "error-410":
        this.#fail("gone");
        return;
      default:
        move satisfies never;
    }
  }

  /** Lets everything settle: no more faults, until the watch has told all. */
  settle(): void {
    for (let i = 0; i < 100; i += 1) {
      this.#nowMs += 60_000;
      this.step();
      if (this.#told === this.store.version) return;
    }
    throw new Error(`it never settles: ${JSON.stringify(this.#todo)}`);
  }

  step(): void {
    const todo = this.#todo;
    switch (todo.type) {
      case "pause":
        this.#next({ type: "rested" });
        return;
      case "list":
        this.#list(todo);
        return;
      case "watch":
        this.#told = Number(todo.resourceVersion);
        this.#todo = this.#take(this.#reflector.handle({ type: "watching" }, this.#nowMs));
        return;
      case "stay":
        this.#tell();
        return;
      default:
        throw new Error(`${todo.type} is nothing to do`);
    }
  }

  #list({ next, limit }: Extract<ReflectorEffect, { type: "list" }>): void {
    const { version, from } =
      next === undefined ? { version: this.store.version, from: 0 } : this.#listing!;
    const all = this.store.list(version);
    if (all === undefined) return this.#fail("gone");
    // Two objects a page, whatever is asked for, unless it is asked for in one piece.
    const until = limit === undefined ? all.length : from + 2;
    const items = all.slice(from, until);
    this.#listing = { version, from: until };
    const more = until < all.length ? { continue: "next" } : {};
    const page = readPage(
      "endpoints",
      {
        kind: "EndpointSliceList",
        apiVersion: "discovery.k8s.io/v1",
        metadata: { resourceVersion: String(version), ...more },
        items,
      },
      RULES,
    );
    if (this.#reflector.objection(page) !== undefined) return this.#fail("lost");
    this.#next({ type: "page", page });
  }

  /** The next change of the watch, or its end where the history does not reach that far back. */
  #tell(): void {
    const changes: readonly Change[] | undefined = this.store.since(this.#told!);
    if (changes === undefined) return this.#fail("gone");
    const [change] = changes;
    if (change === undefined) return;
    const { before, after, version } = change;
    const type = after === undefined ? "DELETED" : before === undefined ? "ADDED" : "MODIFIED";
    const metadata = { ...before?.metadata, resourceVersion: String(version) };
    const json = { type, object: after ?? { ...before, metadata } };
    const event = readEvent("endpoints", json, RULES);
    this.#told = version;
    this.#todo = this.#take(this.#reflector.handle({ type: "event", event }, this.#nowMs));
  }

  #bookmark(): void {
    // A bookmark says that all until then has been told.
    if (this.#told === undefined || this.store.since(this.#told)?.length !== 0) return;
    const metadata = { resourceVersion: String(this.store.version) };
    const json = { type: "BOOKMARK", object: { kind: "EndpointSlice", metadata } };
    const event = readEvent("endpoints", json, RULES);
    this.#todo = this.#take(this.#reflector.handle({ type: "event", event }, this.#nowMs));
  }

  #fail(because: "gone" | "lost" | "failed"): void {
    if (this.#todo.type === "pause") return;
    const before = this.peers;
    this.#next({ type: "failed", because });
    expect(this.peers).toEqual(before);
  }

  #next(input: Parameters<Reflector["handle"]>[0]): void {
    if (input.type !== "page") this.#told = undefined;
    this.#todo = this.#take(this.#reflector.handle(input, this.#nowMs));
  }

  #take(effects: readonly ReflectorEffect[]): ReflectorEffect {
    const todo: ReflectorEffect[] = [];
    for (const effect of effects) {
      if (effect.type === "put") this.table.put(effect.object);
      else if (effect.type === "remove") this.table.remove(effect.key);
      else if (effect.type !== "listed") todo.push(effect);
      if (effect.type === "pause")
        expect(effect.ms).toBeLessThanOrEqual(kubernetesLimits.pauseMaxMs);
    }
    expect(todo).toHaveLength(1);
    return todo[0]!;
  }
}

describe("following a list of Kubernetes", () => {
  test("whatever lists, watches, bookmarks, faults and 410s do, it ends with what the server has", () => {
    fc.assert(
      fc.property(fc.array(move, { maxLength: 60 }), (moves) => {
        const world = new World();
        for (const each of moves) world.play(each);
        world.settle();
        expect(world.peers).toEqual(truth(world.store));
        expect(world.table.objects).toBe(world.store.list()?.length);
      }),
      { numRuns: Number(process.env["FOUNDATION_PROPERTY_RUNS"] ?? 600) },
    );
  });

  test("a table does not depend on the order in which objects came", () => {
    const writes = fc.array(
      fc.record({ slice: fc.nat(3), v6: fc.boolean(), pods: fc.array(said, { maxLength: 4 }) }),
      { maxLength: 6 },
    );
    fc.assert(
      fc.property(writes, fc.infiniteStream(fc.nat()), (all, chances) => {
        const store = new FakeStore();
        for (const { slice, v6, pods } of all) store.put(sliceOf(slice, v6, pods));
        const objects = (store.list() ?? []).map((json) =>
          readEvent("endpoints", { type: "ADDED", object: json }, RULES),
        );
        const peersOf = (events: typeof objects) => {
          const table = new EndpointTable("IPv4", SELF);
          for (const event of events) if (event.type === "put") table.put(event.object);
          return table
            .peers()
            .map((peer) => JSON.stringify(peer))
            .sort();
        };
        const chance = chances[Symbol.iterator]();
        const shuffled = objects
          .map((event) => ({ event, at: chance.next().value as number }))
          .sort((a, b) => a.at - b.at)
          .map(({ event }) => event);
        expect(peersOf(shuffled)).toEqual(peersOf(objects));
      }),
      { numRuns: 200 },
    );
  });
});
