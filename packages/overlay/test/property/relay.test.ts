/**
 * Relayed connections under random schedules, against a model: what was sent arrives in order, once,
 * and whole, or the connection ends as lost at both ends; and bytes of any kind crash nobody.
 */
import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import type { Connection, ConnectionEnd } from "@foundation/core";
import { seededRandom } from "@foundation/core/testing";
import {
  acceptFrame,
  breakFrame,
  closeFrame,
  creditFrame,
  openFrame,
  writeDataHead,
  writePartHead,
} from "../../src/protocol/relay/frames.js";
import { mutated } from "../support/mutated-bytes.js";
import { frameOf, idOf, numberIn, RelayNodes } from "../unit/runtime/relay/relay-nodes.js";

const LIMITS = {
  windowBytes: 4_000,
  frameBytesMax: 2_000,
  pieceBytesMax: 500,
  closeTimeoutMs: 200,
};
const NAMES = ["a", "b", "c", "d", "e"];
/** A ring with a chord, so that there are several routes between any two. */
const LINKS = [
  ["a", "b"],
  ["b", "c"],
  ["c", "d"],
  ["d", "e"],
  ["e", "a"],
  ["b", "d"],
] as const;
const ROUTES = [
  ["a", "b", "c", "d"],
  ["a", "e", "d"],
  ["c", "b", "a", "e"],
  ["e", "d", "b"],
  ["d", "e", "a", "b"],
] as const;

type Step =
  | { readonly do: "send"; readonly pair: number; readonly side: 0 | 1; readonly bytes: number }
  | { readonly do: "pause" | "resume" | "close"; readonly pair: number; readonly side: 0 | 1 }
  | { readonly do: "stop" | "go" | "cut"; readonly link: number; readonly side: 0 | 1 }
  | { readonly do: "pass"; readonly ms: number };

const pair = fc.nat({ max: ROUTES.length - 1 });
const side = fc.constantFrom(0 as const, 1 as const);
const link = fc.nat({ max: LINKS.length - 1 });
const bytes = fc.oneof(fc.integer({ min: 4, max: 40 }), fc.integer({ min: 4, max: 2_000 }));
const steps = (mayBreak: boolean): fc.Arbitrary<Step[]> =>
  fc.array(
    fc.oneof(
      { weight: 20, arbitrary: fc.record({ do: fc.constant("send" as const), pair, side, bytes }) },
      {
        weight: 6,
        arbitrary: fc.record({ do: fc.constant("pass" as const), ms: fc.nat({ max: 8 }) }),
      },
      {
        weight: 5,
        arbitrary: fc.record({
          do: fc.constantFrom("pause" as const, "resume" as const),
          pair,
          side,
        }),
      },
      {
        weight: 4,
        arbitrary: fc.record({ do: fc.constantFrom("stop" as const, "go" as const), link, side }),
      },
      {
        weight: mayBreak ? 1 : 0,
        arbitrary: fc.record({ do: fc.constant("cut" as const), link, side }),
      },
      {
        weight: mayBreak ? 1 : 0,
        arbitrary: fc.record({ do: fc.constant("close" as const), pair, side }),
      },
    ),
    { minLength: 20, maxLength: 150 },
  );

/** One end of a connection: what it was given to send, what it got, and how it ended. */
class End {
  readonly sent: Uint8Array[] = [];
  readonly received: Uint8Array[] = [];
  readonly resumes: (() => void)[] = [];
  released = 0;
  hasClosed = false;
  end: ConnectionEnd | undefined;

  constructor(readonly connection: Connection) {
    connection.onFrame((frame) => {
      expect(this.end).toBeUndefined();
      this.received.push(frame);
    });
    void connection.closed.then((end) => {
      this.end = end;
    });
  }

  send(sizeBytes: number): void {
    const frame = frameOf(this.sent.length, sizeBytes);
    if (!this.hasClosed && this.end === undefined) this.sent.push(frame);
    this.connection.send(frame, () => (this.released += 1));
  }

  close(): void {
    this.hasClosed = true;
    this.connection.close();
  }
}

async function worldOf(): Promise<{ nodes: RelayNodes; pairs: (readonly [End, End])[] }> {
  const nodes = new RelayNodes();
  for (const name of NAMES) nodes.add(name, { limits: LIMITS });
  for (const [a, b] of LINKS) nodes.link(a, b);
  const pairs: (readonly [End, End])[] = [];
  for (const route of ROUTES) {
    const [dialer, acceptor] = await nodes.connect(...route);
    pairs.push([new End(dialer), new End(acceptor)]);
  }
  return { nodes, pairs };
}

function perform(nodes: RelayNodes, pairs: readonly (readonly [End, End])[], step: Step): void {
  if (step.do === "pass") return;
  if ("link" in step) {
    const [a, b] = LINKS[step.link] as readonly [string, string];
    const [from, to] = step.side === 0 ? [a, b] : [b, a];
    if (!nodes.node(from).map.isLinked(nodes.node(to).id)) return;
    if (step.do === "cut") nodes.cut(from, to);
    else if (step.do === "stop") nodes.stop(from, to);
    else nodes.goOn(from, to);
    return;
  }
  const end = pairs[step.pair]?.[step.side] as End;
  if (step.do === "send") end.send(step.bytes);
  else if (step.do === "pause") end.resumes.push(end.connection.pause());
  else if (step.do === "resume") end.resumes.pop()?.();
  else end.close();
}

/** Everything goes on, and time passes until nothing is left to do. */
async function finish(nodes: RelayNodes, pairs: readonly (readonly [End, End])[]): Promise<void> {
  for (const [a, b] of LINKS) {
    if (!nodes.node(a).map.isLinked(nodes.node(b).id)) continue;
    nodes.goOn(a, b);
    nodes.goOn(b, a);
  }
  for (const ends of pairs)
    for (const { resumes } of ends) for (const resume of resumes.splice(0)) resume();
  await nodes.clock.advance(2_000);
}

function expectPrefix(received: readonly Uint8Array[], sent: readonly Uint8Array[]): void {
  expect(received.length).toBeLessThanOrEqual(sent.length);
  for (const [i, frame] of received.entries())
    expect(Buffer.compare(frame, sent[i] as Uint8Array)).toBe(0);
}

describe("relayed connections", () => {
  test("deliver all in order, once, whatever is slow, and keep no more than a window", async () => {
    const property = fc.asyncProperty(steps(false), async (schedule) => {
      const { nodes, pairs } = await worldOf();
      for (const step of schedule) {
        perform(nodes, pairs, step);
        if (step.do === "pass") await nodes.clock.advance(step.ms);
        for (const { relay } of nodes.all) {
          const { ends, undeliveredBytes } = relay.stats();
          expect(undeliveredBytes).toBeLessThanOrEqual(ends * LIMITS.windowBytes);
        }
      }
      await finish(nodes, pairs);
      for (const [a, b] of pairs) {
        expect([a.end, b.end]).toEqual([undefined, undefined]);
        for (const [from, to] of [
          [a, b],
          [b, a],
        ] as const) {
          expect(to.received.map(numberIn)).toEqual(from.sent.map(numberIn));
          expectPrefix(to.received, from.sent);
          expect([from.released, from.connection.bufferedBytes]).toEqual([from.sent.length, 0]);
        }
      }
      // Each way carries at most a window of each connection, and small frames beside it.
      const mostBytes = ROUTES.length * (LIMITS.windowBytes + 500);
      for (const [a, b] of LINKS)
        for (const way of [nodes.way(a, b), nodes.way(b, a)])
          expect(way.queuedBytesPeak).toBeLessThanOrEqual(mostBytes);
    });
    await fc.assert(property, { numRuns: 40 });
  });

  test("that break or close end at both ends, and what came before came in order", async () => {
    const property = fc.asyncProperty(steps(true), async (schedule) => {
      const { nodes, pairs } = await worldOf();
      for (const step of schedule) {
        perform(nodes, pairs, step);
        if (step.do === "pass") await nodes.clock.advance(step.ms);
      }
      await finish(nodes, pairs);
      for (const [a, b] of pairs) {
        expect(a.end === undefined).toBe(b.end === undefined);
        for (const [from, to] of [
          [a, b],
          [b, a],
        ] as const) {
          expectPrefix(to.received, from.sent);
          if (from.end === undefined) expect(to.received).toHaveLength(from.sent.length);
          else expect(["closed", "lost"]).toContain(from.end.reason);
          expect(from.connection.bufferedBytes).toBe(0);
        }
      }
      const living = pairs.filter(([a]) => a.end === undefined).length;
      let [ends, hops] = [0, 0];
      for (const { relay } of nodes.all) {
        ends += relay.stats().ends;
        hops += relay.stats().hops;
      }
      expect(ends).toBe(2 * living);
      expect(hops).toBe(
        pairs.reduce(
          (sum, [a], i) => sum + (a.end === undefined ? (ROUTES[i]?.length ?? 0) - 2 : 0),
          0,
        ),
      );
    });
    await fc.assert(property, { numRuns: 40 });
  });
});

describe("relay frames that a member made up", () => {
  test("end at most connections over that member, and crash nobody", async () => {
    const property = fc.asyncProperty(fc.integer(), async (seed) => {
      const nodes = new RelayNodes();
      for (const name of ["a", "b", "c", "m", "x"]) nodes.add(name, { limits: LIMITS });
      for (const [from, to] of [
        ["a", "b"],
        ["b", "c"],
        ["m", "b"],
        ["x", "m"],
      ] as const)
        nodes.link(from, to);
      const [honest, honestEnd] = await nodes.connect("a", "b", "c");
      const [over] = await nodes.connect("a", "b", "m", "x");
      const [to] = await nodes.connect("m", "b");
      const numbers = [honest, over, to].map(({ remote }) =>
        Number.parseInt(remote.split(":")[1] ?? "", 16),
      );
      const random = seededRandom(`garbage ${seed}`);
      const specimens = numbers.flatMap((number) => specimensOf(number));
      for (let i = 0; i < 60; i += 1) {
        const at = () => random.uint32() % specimens.length;
        const frame = mutated(specimens[at()] as Uint8Array, random, specimens[at()] as Uint8Array);
        nodes.forge("m", "b", frame);
        if (i % 10 === 0) await nodes.clock.advance(2);
      }
      const received: Uint8Array[] = [];
      honestEnd.onFrame((frame) => received.push(frame));
      honest.send(frameOf(1, 1_500));
      await nodes.clock.advance(100);
      expect(received.map(numberIn)).toEqual([1]);
    });
    await fc.assert(property, { numRuns: 40 });
  });
});

/** A frame of every type, of one connection. */
function specimensOf(number: number): Uint8Array[] {
  const data = new Uint8Array(60);
  writeDataHead(data, number);
  const part = new Uint8Array(60);
  writePartHead(part, number, 1_000);
  const route = (...names: string[]) => names.map(idOf);
  return [
    data,
    part,
    acceptFrame(number, 3_000),
    creditFrame(number, 5_000),
    closeFrame(number, "closed", new TextEncoder().encode("gone")),
    breakFrame(number, { reason: "lost", refusal: "overloaded", index: 1 }),
    openFrame({ connection: number + 1, windowBytes: 4_000, route: route("m", "b", "c") }),
    openFrame({ connection: number + 2, windowBytes: 4_000, route: route("m", "b") }),
    openFrame({ connection: number + 3, windowBytes: 4_000, route: route("x", "m", "b", "a") }),
  ];
}
