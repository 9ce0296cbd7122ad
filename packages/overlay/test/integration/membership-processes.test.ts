/** Membership among operating-system processes on loopback: real kills, real pauses. */
import { afterEach, describe, expect, test } from "@jest/globals";
import { fork, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import type { TopologyMode } from "../../src/index.js";
import { topologyNames } from "../../src/protocol/switching/topologies.js";
import type { ProcessReport } from "../support/membership-process.js";

const child = fileURLToPath(new URL("../support/membership-process.ts", import.meta.url));

class Node {
  readonly reports: ProcessReport[] = [];
  readonly process: ChildProcess;

  constructor(topology: TopologyMode) {
    this.process = fork(child, [topology], {
      execArgv: ["--conditions=@foundation/source", "--import", "tsx"],
      stdio: ["ignore", "ignore", "inherit", "ipc"],
    });
    this.process.on("message", (report) => this.reports.push(report as ProcessReport));
  }

  get id(): string {
    return this.reports[0]?.about ?? "";
  }

  get address(): string {
    return this.reports[0]?.address ?? "";
  }

  get memberCount(): number {
    return this.reports.at(-1)?.members.length ?? 0;
  }

  saw(event: string, about: Node): boolean {
    return this.reports.some((report) => report.event === event && report.about === about.id);
  }
}

let nodes: Node[] = [];

/** Polls until the condition holds; gives the milliseconds it took. */
async function eventually(
  what: string,
  condition: () => boolean,
  withinMs: number,
): Promise<number> {
  const start = performance.now();
  while (!condition()) {
    if (performance.now() - start > withinMs) throw new Error(`not within ${withinMs} ms: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  return performance.now() - start;
}

async function cluster(count: number, topology: TopologyMode = "auto"): Promise<readonly Node[]> {
  nodes = Array.from({ length: count }, () => new Node(topology));
  await eventually("all listen", () => nodes.every((node) => node.address !== ""), 20_000);
  for (const node of nodes.slice(1)) node.process.send([nodes[0]?.address]);
  await eventually("all list all", () => nodes.every((node) => node.memberCount === count), 10_000);
  return nodes;
}

afterEach(async () => {
  for (const { process: running } of nodes) {
    if (running.exitCode !== null || running.signalCode !== null) continue;
    const ended = once(running, "exit");
    running.kill("SIGKILL");
    await ended;
  }
  nodes = [];
});

describe("processes", () => {
  test("killed with -9 are known to be down by all others within a second", async () => {
    const [first, second, third, fourth] = (await cluster(4)) as [Node, Node, Node, Node];
    third.process.kill("SIGKILL");
    const others = [first, second, fourth];
    const allKnow = () => others.every((node) => node.saw("node-down", third));
    expect(await eventually("all know", allKnow, 5_000)).toBeLessThan(1_000);
    expect(others.map((node) => node.memberCount)).toEqual([3, 3, 3]);
  }, 40_000);

  test.each(topologyNames)(
    "paused for 3 s are never declared dead, and on waking accuse nobody (%s)",
    async (topology) => {
      const [first, second, third] = (await cluster(3, topology)) as [Node, Node, Node];
      third.process.kill("SIGSTOP");
      const stoppedAt = performance.now();
      await eventually("the pause is over", () => performance.now() - stoppedAt >= 3_000, 4_000);
      third.process.kill("SIGCONT");
      const well = () => first.reports.at(-1)?.event === "node-up" && second.memberCount === 3;
      await eventually("it is well again", well, 5_000);
      const downs = [first, second, third]
        .flatMap((node) => node.reports)
        .filter((report) => report.event === "node-down");
      expect(downs).toEqual([]);
    },
    40_000,
  );

  test("paused for long are declared down within 8 s and come back with the same boot", async () => {
    const [first, second, third] = (await cluster(3)) as [Node, Node, Node];
    third.process.kill("SIGSTOP");
    const down = () => first.saw("node-down", third) && second.saw("node-down", third);
    expect(await eventually("it is down", down, 15_000)).toBeLessThan(8_000);
    third.process.kill("SIGCONT");
    const back = () => [first, second].every((node) => node.memberCount === 3);
    await eventually("it is back", back, 15_000);
    expect(third.saw("node-down", first) || third.saw("node-down", second)).toBe(false);
  }, 60_000);
});
