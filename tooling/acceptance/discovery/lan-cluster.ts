/** LanCluster: processes of one application on machines of one wire, told one word and a secret, and nothing of each other. */
import { spawn, type ChildProcess } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { LanSegment } from "../../../packages/discovery/test/support/lan-segment.js";
import { eventually } from "../../../packages/testkit/src/eventually.js";
import { bundleProgram, type Bundle } from "../worlds/namespaces/bundle.js";
import type { LanClusterLine } from "./lan-cluster-node.js";

export { canMakeLan } from "../../../packages/discovery/test/support/lan-segment.js";

/** Started once for all clusters of a run. */
export function bundleLanNode(): Bundle {
  return bundleProgram(fileURLToPath(new URL("lan-cluster-node.ts", import.meta.url)));
}

export interface LanClusterNode {
  readonly child: ChildProcess;
  readonly lines: LanClusterLine[];
  readonly ended: Promise<unknown>;
  first(holds: (line: LanClusterLine) => boolean): LanClusterLine | undefined;
}

export class LanCluster {
  readonly #program: Bundle;
  readonly #folder: string;
  readonly #nodes: LanClusterNode[] = [];

  private constructor(
    program: Bundle,
    readonly segment: LanSegment,
  ) {
    this.#program = program;
    // One application on all machines: the same package at the same place.
    this.#folder = mkdtempSync(join(tmpdir(), "foundation-lan-app-"));
    writeFileSync(join(this.#folder, "package.json"), '{ "name": "shop" }');
  }

  static async create(program: Bundle, machines: number): Promise<LanCluster> {
    return new LanCluster(program, await LanSegment.create(machines));
  }

  start(host: number, word: string, secret: string): LanClusterNode {
    const order = ["netns", "exec", this.segment.namespace(host), process.execPath];
    // Machines have folders of their own for the processes of a user.
    const runtime = join(this.#folder, `run-${host}`);
    const child = spawn("ip", [...order, this.#program.file], {
      cwd: this.#folder,
      env: {
        PATH: process.env["PATH"],
        HOME: this.#folder,
        XDG_RUNTIME_DIR: runtime,
        FOUNDATION_CLUSTER: word,
        FOUNDATION_SECRET: secret,
      },
      stdio: ["ignore", "pipe", "inherit"],
    });
    const lines: LanClusterLine[] = [];
    createInterface({ input: child.stdout! }).on("line", (line) => {
      lines.push(JSON.parse(line) as LanClusterLine);
    });
    const ended = new Promise((resolve) => child.once("close", resolve));
    const node: LanClusterNode = { child, lines, ended, first: (holds) => lines.find(holds) };
    this.#nodes.push(node);
    return node;
  }

  async close(): Promise<void> {
    for (const { child } of this.#nodes) child.kill("SIGKILL");
    await Promise.all(this.#nodes.map(({ ended }) => ended));
    await this.segment.close();
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

export const listsTwo = ({ type, members }: LanClusterLine): boolean =>
  type === "members" && members === 2;

/** Milliseconds from the later `startCluster()` until both list both; waits 20 s at most. */
export async function formedMs(both: readonly LanClusterNode[]): Promise<number> {
  const haveMet = () => both.every((node) => node.first(listsTwo) !== undefined);
  await eventually(haveMet, { within: 20_000 });
  const begins = both.map((node) => node.first(({ type }) => type === "begins")?.atMs ?? 0);
  const formed = both.map((node) => node.first(listsTwo)?.atMs ?? 0);
  return Math.max(...formed) - Math.max(...begins);
}
