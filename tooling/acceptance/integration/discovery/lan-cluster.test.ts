/** Machines on one wire that were told one word and a secret, and nothing of each other. */
import { spawn, type ChildProcess } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect } from "@jest/globals";
import { requires } from "@foundation-tooling/jest";
import { eventually } from "@foundation/testkit";
import { canMakeLan, LanSegment } from "../../../../packages/discovery/test/support/lan-segment.js";
import { bundleProgram, type Bundle } from "../../worlds/namespaces/bundle.js";
import type { LanClusterLine } from "./lan-cluster-node.js";

const lan = await requires(
  "network namespaces with a bridge, and nft (Linux, as root)",
  canMakeLan,
);
const SECRET = "a secret that both of these machines were given";

interface LanNode {
  readonly child: ChildProcess;
  readonly lines: LanClusterLine[];
  readonly ended: Promise<unknown>;
  first(holds: (line: LanClusterLine) => boolean): LanClusterLine | undefined;
}

describe("a cluster on a LAN", () => {
  let program: Bundle;
  let segment: LanSegment;
  let folder: string;
  const nodes: LanNode[] = [];

  beforeAll(() => {
    program = bundleProgram(fileURLToPath(new URL("lan-cluster-node.ts", import.meta.url)));
  });
  afterAll(() => program.remove());
  beforeEach(async () => {
    if (!lan.met) return;
    // One application on both machines: the same package at the same place.
    folder = mkdtempSync(join(tmpdir(), "foundation-lan-app-"));
    writeFileSync(join(folder, "package.json"), '{ "name": "shop" }');
    segment = await LanSegment.create(3);
  });
  afterEach(async () => {
    if (!lan.met) return;
    for (const { child } of nodes) child.kill("SIGKILL");
    await Promise.all(nodes.splice(0).map(({ ended }) => ended));
    await segment.close();
    rmSync(folder, { recursive: true, force: true });
  });

  function start(host: number, env: Readonly<Record<string, string>>): LanNode {
    const order = ["netns", "exec", segment.namespace(host), process.execPath, program.file];
    // Machines have folders of their own for the processes of a user.
    const runtime = join(folder, `run-${host}`);
    const child = spawn("ip", order, {
      cwd: folder,
      env: { PATH: process.env["PATH"], HOME: folder, XDG_RUNTIME_DIR: runtime, ...env },
      stdio: ["ignore", "pipe", "inherit"],
    });
    const lines: LanClusterLine[] = [];
    createInterface({ input: child.stdout! }).on("line", (line) => {
      lines.push(JSON.parse(line) as LanClusterLine);
    });
    const ended = new Promise((resolve) => child.once("close", resolve));
    const node: LanNode = { child, lines, ended, first: (holds) => lines.find(holds) };
    nodes.push(node);
    return node;
  }

  const listsTwo = (line: LanClusterLine) => line.type === "members" && line.members === 2;

  for (const word of ["mdns", "gossip"]) {
    lan.test(
      `two machines meet by the word ${word} and a secret, and part`,
      async () => {
        const env = { FOUNDATION_CLUSTER: word, FOUNDATION_SECRET: SECRET };
        const both = [start(1, env), start(2, env)];
        await eventually(() => both.every((node) => node.first(listsTwo) !== undefined), {
          within: 20_000,
        });
        const begins = both.map((node) => node.first(({ type }) => type === "begins")!.atMs);
        const formed = both.map((node) => node.first(listsTwo)!.atMs);
        // Ten times what it takes on a quiet machine: other tests run beside this one.
        expect(Math.max(...formed) - Math.max(...begins)).toBeLessThan(10_000);
        expect(both[0]!.first(listsTwo)!.address).toContain(`wss://${segment.address(1)}:`);
        both[1]!.child.kill("SIGTERM");
        await eventually(() => both[0]!.lines.at(-1)?.members === 1, { within: 20_000 });
      },
      60_000,
    );

    lan.test(
      `by ${word} with two secrets they see each other, refuse, and say what to set`,
      async () => {
        const both = [
          start(1, { FOUNDATION_CLUSTER: word, FOUNDATION_SECRET: SECRET }),
          start(2, { FOUNDATION_CLUSTER: word, FOUNDATION_SECRET: `${SECRET}, not` }),
        ];
        const isTold = (line: LanClusterLine) =>
          line.message?.includes("FOUNDATION_SECRET") === true;
        await eventually(() => both.every((node) => node.first(isTold) !== undefined), {
          within: 20_000,
        });
        expect(both.some((node) => node.first(listsTwo) !== undefined)).toBe(false);
      },
      60_000,
    );
  }
});
