import { describe, expect, test } from "@jest/globals";
import { createBoot, isFoundationError, type NodeId } from "@foundation/core";
import { memoryMeter, seededRandom, virtualClock } from "@foundation/core/testing";
import { routingTimes } from "../../../../src/protocol/routing/limits.js";
import type { RoutingMessage } from "../../../../src/protocol/routing/messages.js";
import { NeighborMap } from "../../../../src/protocol/routing/neighbor-map.js";
import { RouteFinder } from "../../../../src/protocol/routing/route-finder.js";
import { Routes } from "../../../../src/runtime/relay/routes.js";
import { idOf, RelayNodes } from "./relay-nodes.js";

function routesOf() {
  const clock = virtualClock();
  const meter = memoryMeter();
  const random = seededRandom("routes");
  const map = new NeighborMap({ self: idOf("a"), boot: createBoot(1, random), random });
  const sent: { readonly to: NodeId; readonly message: RoutingMessage }[] = [];
  const send = (to: NodeId, message: RoutingMessage) => void sent.push({ to, message });
  const routes = new Routes({ clock, meter, finder: new RouteFinder({ map }), send });
  const told: boolean[] = [];
  const want = (name: string) => routes.want(idOf(name), (isFound) => told.push(isFound));
  routes.handle({ type: "link-up", id: idOf("b") });
  return { clock, meter, map, sent, routes, told, want };
}

const listOf = (name: string, ...neighbors: string[]) => ({
  id: idOf(name),
  boot: createBoot(1, seededRandom(name)),
  version: 1,
  neighbors: neighbors.map(idOf),
});

describe("the routes of a node", () => {
  test("are told at once where they are known, and once a neighbour has answered where not", () => {
    const { sent, routes, told, want, map } = routesOf();
    want("b");
    expect([told, sent]).toEqual([[true], []]);
    want("c");
    want("c");
    expect(sent).toEqual([
      { to: idOf("b"), message: { type: "neighbors-request", seq: 1, about: [idOf("c")] } },
    ]);
    routes.receive(idOf("b"), { type: "neighbors-reply", seq: 1, lists: [listOf("b", "a", "c")] });
    expect(told).toEqual([true, true, true]);
    expect(map.routeTo(idOf("c"))).toEqual(["a", "b", "c"].map(idOf));
  });

  test("are given up when nobody answers, and no timer is left", async () => {
    const { clock, told, want } = routesOf();
    want("c");
    await clock.advance(routingTimes.answerMs + 1);
    expect([told, clock.pendingTimers]).toEqual([[false], 0]);
  });

  test("are not searched for any more when the node has closed", async () => {
    const { clock, sent, routes, told, want } = routesOf();
    want("c");
    routes.close();
    routes.close();
    want("d");
    routes.handle({ type: "link-up", id: idOf("e") });
    await clock.advance(5_000);
    expect([told, sent.length, clock.pendingTimers]).toEqual([[false, false], 1, 0]);
  });

  test("are not disturbed by what is no message", () => {
    const { meter, routes, sent } = routesOf();
    routes.receive(idOf("b"), { type: "neighbors-request", seq: "x" });
    expect(sent).toEqual([]);
    expect(meter.value('overlay_routing_total{sign="message-malformed"}')).toBe(1);
  });
});

describe("a dial to a node to which no route is known", () => {
  const dial = (nodes: RelayNodes, signal = new AbortController().signal) =>
    nodes.node("a").relay.dial(idOf("c"), { signal });

  test("goes on when one was found", async () => {
    const nodes = new RelayNodes();
    let found: ((isFound: boolean) => void) | undefined;
    const findRoute = (_: NodeId, done: (isFound: boolean) => void) => {
      found = done;
    };
    for (const name of ["a", "b", "c"]) nodes.add(name, name === "a" ? { findRoute } : {});
    nodes.link("a", "b");
    nodes.link("b", "c");
    const dialling = dial(nodes);
    nodes.learnAll();
    found?.(true);
    await nodes.clock.run(dialling);
    expect(nodes.node("c").accepted).toHaveLength(1);
  });

  test("fails when none was found, and when it is aborted meanwhile", async () => {
    const nodes = new RelayNodes();
    const searches: ((isFound: boolean) => void)[] = [];
    nodes.add("a", { findRoute: (_, done) => void searches.push(done) });
    const abort = new AbortController();
    const reasonOf = (error: unknown) =>
      isFoundationError(error, "ERR_DIAL_FAILED") ? error.details["reason"] : error;
    const failing = dial(nodes).catch(reasonOf);
    const aborted = dial(nodes, abort.signal).catch(reasonOf);
    abort.abort();
    for (const done of searches) done(false);
    expect(await failing).toBe("no route is known");
    expect(await aborted).toBe("the dial was aborted");
    expect(searches).toHaveLength(2);
  });
});
