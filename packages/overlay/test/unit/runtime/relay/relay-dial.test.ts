import { describe, expect, test } from "@jest/globals";
import { isFoundationError, type Connection, type NodeId } from "@foundation/core";
import { relayLimits } from "../../../../src/protocol/relay/limits.js";
import { collect, frameOf, idOf, RelayNodes, type NodeChoice } from "./relay-nodes.js";

/** Two ends with as many nodes between them as there are names, side by side. */
function diamond(between: readonly string[], choices: Record<string, NodeChoice> = {}): RelayNodes {
  const nodes = new RelayNodes();
  for (const name of ["a", ...between, "b"]) nodes.add(name, choices[name]);
  for (const name of between) {
    nodes.link("a", name);
    nodes.link(name, "b");
  }
  nodes.learnAll();
  return nodes;
}

type Dialled = { readonly connection: Connection } | { readonly reason: unknown };

async function dialled(
  nodes: RelayNodes,
  target: NodeId = nodes.node("b").id,
  signal: AbortSignal = new AbortController().signal,
): Promise<Dialled> {
  const dialling = nodes
    .node("a")
    .relay.dial(target, { signal })
    .then(
      (connection) => ({ connection }),
      (error: unknown) =>
        isFoundationError(error, "ERR_DIAL_FAILED")
          ? { reason: error.details["reason"] }
          : { reason: error },
    );
  return nodes.clock.run(dialling);
}

/** How often nodes have refused for this reason. */
function refused(nodes: RelayNodes, reason: string): number {
  const key = `overlay_relay_opens_total{outcome="${reason}"}`;
  return nodes.all.reduce((sum, { meter }) => sum + (meter.snapshot().get(key) ?? 0), 0);
}

describe("a dial over other nodes", () => {
  test("takes the next route where a node refuses", async () => {
    const nodes = diamond(["r", "s", "t"], { r: { passesOn: false }, s: { passesOn: false } });
    const outcome = await dialled(nodes);
    expect("connection" in outcome).toBe(true);
    expect(nodes.node("t").relay.stats().hops).toBe(1);
    expect(refused(nodes, "not-accepting")).toBeGreaterThan(0);
  });

  test("takes the next route where a list was wrong", async () => {
    const nodes = diamond(["r", "s"]);
    nodes.cutUntold("s", "b");
    nodes.node("s").map.linkDown(nodes.node("b").id);
    const outcome = await dialled(nodes);
    expect("connection" in outcome).toBe(true);
    expect(nodes.node("r").relay.stats().hops).toBe(1);
    expect(refused(nodes, "no-link")).toBe(1);
  });

  test("takes the next route where nobody answers in time", async () => {
    const nodes = diamond(["r", "s"]);
    nodes.stop("a", "s");
    const outcome = await dialled(nodes);
    expect("connection" in outcome).toBe(true);
    expect(nodes.clock.now()).toBeGreaterThan(relayLimits.openTimeoutMs);
    expect(nodes.clock.now()).toBeLessThan(relayLimits.openTimeoutMs + 100);
  });

  test("carries frames once it is there, also those that came before anybody listened", async () => {
    const nodes = diamond(["r"]);
    nodes.node("b").onAccepted = (connection) => connection.send(frameOf(5));
    const outcome = await dialled(nodes);
    if (!("connection" in outcome)) throw new Error("it failed");
    const { connection } = outcome;
    await nodes.clock.advance(20);
    const received = collect(connection);
    expect(received).toEqual([frameOf(5)]);
  });

  test("fails with a reason: no route, a target that refuses, too many routes", async () => {
    const lonely = diamond(["r"]);
    expect(await dialled(lonely, idOf("nobody"))).toEqual({ reason: "no route is known" });

    const full = diamond(["r", "s"], { b: { limits: { connectionsMax: 1 } } });
    await full.connect("b", "r");
    const { reason } = (await dialled(full)) as { reason: string };
    expect(reason).toContain("too-many-connections");
    expect(reason).toContain(full.node("b").id);
    // Another route would lead to the same answer.
    expect(reason).toContain("on route 1");

    const closed = { passesOn: false };
    const names = ["r", "s", "t", "u", "v"];
    const choices = Object.fromEntries(names.map((name) => [name, closed]));
    const stubborn = (await dialled(diamond(names, choices))) as { reason: string };
    expect(stubborn.reason).toContain(`on route ${relayLimits.routesMax}`);
  });

  test("that is aborted fails at once and leaves nothing behind", async () => {
    const nodes = diamond(["r"]);
    expect(await dialled(nodes, undefined, AbortSignal.abort())).toEqual({
      reason: "the dial was aborted",
    });
    const abort = new AbortController();
    const dialling = dialled(nodes, undefined, abort.signal);
    abort.abort();
    expect(await dialling).toEqual({ reason: "the dial was aborted" });
    await nodes.clock.advance(20);
    for (const { relay } of nodes.all) expect(relay.stats()).toMatchObject({ ends: 0, hops: 0 });
  });

  test("of a node that has closed fails", async () => {
    const nodes = diamond(["r"]);
    nodes.node("a").relay.close();
    const { reason } = (await dialled(nodes)) as { reason: string };
    expect(reason).toContain("not-accepting");
  });

  test("whose first link breaks while it opens goes another way", async () => {
    const nodes = diamond(["r", "s"]);
    let isCut = false;
    nodes.node("r").relay.receive = () => {
      isCut = true;
      nodes.cut("a", "r");
    };
    // The route is drawn: over s there is nothing to be shown.
    for (let tries = 0; !isCut && tries < 20; tries += 1) await dialled(nodes);
    expect(isCut).toBe(true);
    expect(nodes.node("s").relay.stats().hops).toBeGreaterThan(0);
  });
});
