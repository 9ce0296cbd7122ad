/**
 * The handle at the ends of its life: a start that is given up, a leave in the middle of work, and
 * everything a user may still try afterwards. Nothing hangs, and every error is typed.
 */
import { describe, expect, test } from "@jest/globals";
import { startNode, startNodes, uniqueName, type TestNode } from "../support/clusters.js";
import { counter, placed } from "../support/definitions.js";
import { refusalOf } from "../support/undisturbed.js";

describe("leaving", () => {
  test("in the middle of a call loop ends each call with a value or a typed error, none hangs", async () => {
    const [a, b] = await startNodes(2);
    const on = b!.cluster.self.id;
    const ref = await a!.cluster.startProcess(
      counter,
      { from: 0 },
      { name: "x", on, wait: "visible" },
    );
    const calls = Array.from({ length: 500 }, () => ref.call("add", 1, { timeout: "2s" }));
    const ends = calls.map((call) =>
      call.then(
        () => "ok",
        (error: { code?: string }) => error.code ?? String(error),
      ),
    );
    await a!.cluster.leave();
    const allowed = [
      "ok",
      "ERR_OUTCOME_UNKNOWN",
      "ERR_NODE_UNREACHABLE",
      "ERR_NO_PROCESS",
      "ERR_CLOSED",
      "ERR_ABORTED",
    ];
    for (const end of new Set(await Promise.all(ends))) expect(allowed).toContain(end);
    expect(b!.cluster.nodes()).toHaveLength(1);
  });

  test("twice, at once and one after the other, is one leaving", async () => {
    const { cluster } = await startNode({ name: uniqueName() });
    await Promise.all([
      cluster.leave(),
      cluster.drain(),
      cluster.leave(),
      cluster[Symbol.asyncDispose](),
    ]);
    await cluster.leave();
    await cluster.drain();
  });

  test("makes everything that follows a typed error that comes at once", async () => {
    const [{ cluster }, { cluster: other }] = (await startNodes(2)) as [TestNode, TestNode];
    const on = other.self.id;
    const local = await cluster.startProcess(counter, { from: 0 }, { name: "local" });
    const remote = await cluster.startProcess(
      counter,
      { from: 0 },
      { name: "remote", on, wait: "visible" },
    );
    const subscription = cluster.pubsub.subscribe(placed);
    const waiting = refusalOf(() => cluster.ready({ nodes: 3 }));
    await cluster.leave();
    expect(await waiting).toMatchObject({ code: "ERR_CLOSED" });
    const attempts: [string, () => unknown][] = [
      ["start", () => cluster.startProcess(counter, { from: 0 })],
      ["start named", () => cluster.startProcess(counter, { from: 0 }, { name: "late" })],
      ["start distributed", () => cluster.startProcess(counter, { from: 0 }, { distribute: true })],
      ["start there", () => cluster.startProcess(counter, { from: 0 }, { on })],
      ["call local", () => local.call("add", 1)],
      ["call remote", () => remote.call("add", 1)],
      ["call by name", () => cluster.process(counter, "remote").call("total")],
      ["stop", () => remote.stop()],
      ["register", () => cluster.registry.register("late", remote)],
      ["unregister", () => cluster.registry.unregister("remote")],
      ["cast", () => remote.cast("reset")],
      ["send", () => cluster.send("remote", 1)],
      ["publish", () => cluster.pubsub.publish(placed, { id: "late" })],
      ["subscribe", () => cluster.pubsub.subscribe(placed)],
      ["subscription ready", () => subscription.ready()],
      ["watch names", () => cluster.registry.watch().next()],
      ["ready", () => cluster.ready({ nodes: 2 })],
    ];
    const began = performance.now();
    const codes: Record<string, string> = {};
    for (const [what, attempt] of attempts) {
      codes[what] = (
        await refusalOf(attempt).catch((error: Error) => ({ code: error.message }))
      ).code;
    }
    expect(performance.now() - began).toBeLessThan(2_000);
    expect(Object.entries(codes).filter(([, code]) => code !== "ERR_CLOSED")).toEqual([]);
    // What only reads never throws.
    expect(cluster.info().name).toBe(cluster.name);
    await cluster.health();
    expect(Array.isArray(cluster.nodes())).toBe(true);
    for await (const event of cluster.watch()) expect(event.type).toBe("node-up");
    for await (const _ of subscription) throw new Error("nothing can arrive any more");
  });
});

describe("starting", () => {
  test("with a signal that has fired, or fires meanwhile, is ERR_ABORTED and leaves nothing behind", async () => {
    const name = uniqueName();
    const fired = () => startNode({ name, signal: AbortSignal.abort() });
    expect(await refusalOf(fired)).toMatchObject({ code: "ERR_ABORTED" });
    const abort = new AbortController();
    const starting = refusalOf(() => startNode({ name, signal: abort.signal }));
    abort.abort();
    expect(await starting).toMatchObject({ code: "ERR_ABORTED" });
    const { cluster } = await startNode({ name });
    await expect(cluster.ready({ timeout: "100ms" })).rejects.toMatchObject({
      code: "ERR_NOT_READY",
    });
  });
});
