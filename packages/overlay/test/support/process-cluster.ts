/** Overlays in operating-system processes of their own, on loopback: they can be killed and paused for real. */
import { fork, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import type { TopologyMode } from "../../src/index.js";
import type { ProcessReport } from "./membership-process.js";

const child = fileURLToPath(new URL("membership-process.ts", import.meta.url));

/** One of them, and what it has reported. */
export class ProcessNode {
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

  saw(event: string, about: ProcessNode): boolean {
    return this.reports.some((report) => report.event === event && report.about === about.id);
  }

  async end(): Promise<void> {
    const { process: running } = this;
    if (running.exitCode !== null || running.signalCode !== null) return;
    const ended = once(running, "exit");
    running.kill("SIGKILL");
    await ended;
  }
}

/** So many processes that list each other. Whoever started them ends them. */
export async function processCluster(
  count: number,
  topology: TopologyMode,
  started: (nodes: readonly ProcessNode[]) => void,
): Promise<readonly ProcessNode[]> {
  const nodes = Array.from({ length: count }, () => new ProcessNode(topology));
  started(nodes);
  await eventually("all listen", () => nodes.every((node) => node.address !== ""), 90_000);
  for (const node of nodes.slice(1)) node.process.send([nodes[0]?.address]);
  const isWhole = () => nodes.every((node) => node.memberCount === count);
  await eventually("all list all", isWhole, 30_000);
  return nodes;
}

/** Polls until the condition holds; gives the milliseconds it took. */
export async function eventually(
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

/** Lets real time pass. */
export function pass(ms: number): Promise<unknown> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
