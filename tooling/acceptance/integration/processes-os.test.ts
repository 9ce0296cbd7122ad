/**
 * Nodes as operating-system processes, and what operators and machines do to them: kill, stop,
 * continue, restart, start at once, delete files under their feet.
 */
import { readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "@jest/globals";
import { OsNode, osCluster, place, restarted, underOrders } from "../support/os-nodes.js";
import { eventually } from "../support/undisturbed.js";

const balanced = { lost: 0, duplicated: 0, misreported: 0 };
const others = (nodes: readonly OsNode[], one: OsNode) => nodes.filter((node) => node !== one);
const nameOf = (node: OsNode) => node.first("up")?.name ?? "?";

describe("a node of three, under calls from all of them", () => {
  test("killed with -9 is replaced, and the books balance", async () => {
    const nodes = await osCluster(3);
    const orders = await underOrders(nodes);
    const host = orders.host();
    host.child.kill("SIGKILL");
    await host.exited();
    const survivors = others(nodes, host);
    for (const node of survivors) {
      await node.until("it is down", () => node.saw("node-down", nameOf(host)));
      const before = node.ok;
      await node.until("orders again", () => node.ok >= before + 20);
    }
    expect(await orders.books()).toMatchObject(balanced);
  }, 60_000);

  test("told SIGTERM leaves in good order: node-left, no node-down, exit code 0, books balanced", async () => {
    const nodes = await osCluster(3);
    const orders = await underOrders(nodes);
    const host = orders.host();
    host.child.kill("SIGTERM");
    expect(await host.exited()).toEqual({ code: 0, signal: null });
    for (const node of others(nodes, host)) {
      await node.until("it has left", () => node.saw("node-left", nameOf(host)));
      const before = node.ok;
      await node.until("orders again", () => node.ok >= before + 20);
      expect(node.saw("node-down", nameOf(host))).toBe(false);
    }
    expect(await orders.books()).toMatchObject(balanced);
  }, 60_000);

  test("stopped for 3 s with SIGSTOP is not declared dead, and its calls go on afterwards", async () => {
    const nodes = await osCluster(3);
    const orders = await underOrders(nodes);
    const paused = others(nodes, orders.host())[0] as OsNode;
    paused.child.kill("SIGSTOP");
    const stoppedAt = performance.now();
    await eventually("the pause is over", () => performance.now() - stoppedAt >= 3_000);
    paused.child.kill("SIGCONT");
    const before = paused.ok;
    await paused.until("its orders again", () => paused.ok >= before + 20);
    for (const node of nodes) {
      await node.until("three again", () => node.members === 3);
      expect(node.all("event").filter(({ event }) => event === "node-down")).toEqual([]);
    }
    expect(await orders.books()).toMatchObject(balanced);
  }, 60_000);
});

describe("signals", () => {
  test("SIGINT leaves with exit code 130, and the other node sees it leave", async () => {
    const [a, b] = (await osCluster(2)) as [OsNode, OsNode];
    b.child.kill("SIGINT");
    expect(await b.exited()).toEqual({ code: 130, signal: null });
    await a.until("it has left", () => a.saw("node-left", "node-2"));
  }, 30_000);

  test("a second SIGINT ends at once a node whose processes will not end", async () => {
    const [a] = (await osCluster(1)) as [OsNode];
    a.tell({ type: "cling" });
    await a.until("it clings", () => a.first("done") !== undefined);
    a.child.kill("SIGINT");
    const askedAt = performance.now();
    await eventually("it is leaving", () => performance.now() - askedAt > 500);
    expect(a.ended).toBeUndefined();
    a.child.kill("SIGINT");
    expect(await a.exited(1_000)).toEqual({ code: 130, signal: null });
  }, 30_000);

  test("SIGTERM ends a node whose processes will not end, within its shutdown time", async () => {
    const [a] = (await osCluster(1, { shutdown: { timeout: "2s" } })) as [OsNode];
    a.tell({ type: "cling" });
    await a.until("it clings", () => a.first("done") !== undefined);
    a.child.kill("SIGTERM");
    const askedAt = performance.now();
    expect(await a.exited(9_000)).toEqual({ code: 0, signal: null });
    expect(performance.now() - askedAt).toBeLessThan(3_500);
  }, 30_000);

  test("leave() alone lets the process end: nothing keeps it running", async () => {
    const [a] = (await osCluster(2)) as [OsNode];
    a.tell({ type: "leave" });
    expect(await a.exited(5_000)).toEqual({ code: 0, signal: null });
    expect(a.output).toBe("");
  }, 30_000);
});

describe("starting", () => {
  test("at exactly the same time, three times, two nodes always find each other", async () => {
    for (let i = 0; i < 3; i += 1) {
      place.name = `${place.name}-${i}`;
      const pair = await osCluster(2);
      for (const { child } of pair) child.kill("SIGKILL");
    }
  }, 60_000);

  test("and being killed in the middle of it, at any moment, harms nobody", async () => {
    const [a] = (await osCluster(1)) as [OsNode];
    const doomed = Array.from(
      { length: 4 },
      (_, i) => new OsNode({ node: { name: `doomed-${i}` } }),
    );
    for (const [i, node] of doomed.entries()) {
      const startedAt = performance.now();
      const shot = () => node.heard.length > 0 || performance.now() - startedAt > 150 * i;
      await eventually("its moment", shot);
      node.child.kill("SIGKILL");
      await node.exited();
    }
    const b = new OsNode({ node: { name: "node-2" } });
    for (const node of [a, b]) await node.until("the two of them", () => node.members === 2);
    expect(a.ended).toBeUndefined();
  }, 60_000);

  test("three times with one data directory keeps the id, and each boot is newer", async () => {
    const [a] = (await osCluster(1)) as [OsNode];
    await restarted(a, 3, () => true);
  }, 60_000);
});

describe("the folder in which nodes meet, deleted while they run", () => {
  test("is made again: a new node finds them, and nobody was lost", async () => {
    const nodes = await osCluster(2);
    const run = join(place.folder, "foundation");
    const meeting = readdirSync(run).filter((entry) => entry.startsWith(place.name));
    expect(meeting).toHaveLength(1);
    for (const entry of meeting) rmSync(join(run, entry), { recursive: true });
    const third = new OsNode({ node: { name: "node-3" } });
    await third.until("three", () => third.members === 3);
    for (const node of nodes) {
      await node.until("three", () => node.members === 3);
      expect(node.all("event").filter(({ event }) => event !== "node-up")).toEqual([]);
    }
  }, 40_000);
});
