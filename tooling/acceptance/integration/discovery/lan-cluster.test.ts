/**
 * Level 1 of the public face on a network: `startCluster({ cluster: "mdns" })` on two machines with nothing configured but a
 * shared secret, and what is said where it is not shared.
 */
import { execFile, spawn, type ChildProcess } from "node:child_process";
import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { promisify } from "node:util";
import { afterAll, afterEach, beforeAll, beforeEach, expect } from "@jest/globals";
import { requires } from "@foundation-tooling/jest";
import { eventually } from "@foundation/testkit";
import { canMakeLan, LanSegment } from "../../../../packages/discovery/test/support/lan-segment.js";
import type { LanClusterLine } from "./lan-cluster.js";

const lan = await requires(
  "network namespaces with a bridge, and nft (Linux, as root)",
  canMakeLan,
);
const here = import.meta.dirname;
/** Repeats of a noisy reading. */
const TRIES = 3;
const FORMED_MS = 2_000;

interface Running {
  readonly child: ChildProcess;
  readonly lines: LanClusterLine[];
  readonly ended: Promise<void>;
}

lan.describe("a cluster on a network", () => {
  let folder = "";
  let segment: LanSegment;
  let running: Running[] = [];

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "foundation-lan-cluster-"));
    const bundler = join(here, "../../../../packages/discovery/test/integration/bundle.mjs");
    const args = [bundler, join(here, "lan-cluster.ts"), folder];
    await promisify(execFile)(process.execPath, args);
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));
  beforeEach(async () => {
    segment = await LanSegment.create(2);
    running = [];
  });
  afterEach(async () => {
    await stopAll();
    await segment.close();
  });

  /** Starts a node as a user of its own: no machine knows another one's files. */
  async function start(host: number, word: string, secret?: string): Promise<Running> {
    const home = join(folder, `user-${host}`);
    await mkdir(home, { recursive: true, mode: 0o700 });
    const env: NodeJS.ProcessEnv = { ...process.env, XDG_RUNTIME_DIR: home };
    if (secret !== undefined) env["FOUNDATION_SECRET"] = secret;
    const node = [process.execPath, join(folder, "lan-cluster.cjs"), word];
    const child = spawn("ip", ["netns", "exec", segment.namespace(host), ...node], {
      stdio: ["ignore", "pipe", "inherit"],
      env,
    });
    const lines: LanClusterLine[] = [];
    createInterface({ input: child.stdout }).on("line", (line) => {
      lines.push(JSON.parse(line) as LanClusterLine);
    });
    const ended = new Promise<void>((resolve) => child.once("exit", () => resolve()));
    running.push({ child, lines, ended });
    return running.at(-1) as Running;
  }

  async function stopAll(): Promise<void> {
    for (const { child } of running) child.kill("SIGKILL");
    await Promise.all(running.map(({ ended }) => ended));
    running = [];
  }

  /** From the instant at which both programs run until both know both, in milliseconds. */
  async function formation(word: string): Promise<number> {
    const secret = "a secret that both machines were given, and nobody else";
    const nodes = [await start(1, word, secret), await start(2, word, secret)];
    const both = ({ lines }: Running) => lines.find((line) => line.nodes === 2)?.atMs;
    await eventually(() => expect(nodes.map(both)).not.toContain(undefined), { within: "30s" });
    const begun = Math.max(...nodes.map(({ lines }) => lines[0]?.atMs ?? 0));
    const tookMs = Math.max(...nodes.map((node) => both(node) ?? 0)) - begun;
    await stopAll();
    return tookMs;
  }

  for (const word of ["mdns", "gossip"]) {
    lan.test(`two machines with one secret form one by ${word} within two seconds`, async () => {
      const readings: number[] = [];
      while (readings.length < TRIES && !readings.some((each) => each < FORMED_MS)) {
        readings.push(await formation(word));
      }
      expect(Math.min(...readings)).toBeLessThan(FORMED_MS);
    });
  }

  lan.test(
    "machines that do not share a secret see each other, refuse, and say what to set",
    async () => {
      const nodes = [await start(1, "mdns"), await start(2, "mdns")];
      for (const { lines } of nodes) {
        const warnings = () =>
          lines.flatMap(({ warning }) => (warning ? [warning] : [])).join("\n");
        await eventually(() => expect(warnings()).toMatch(/FOUNDATION_SECRET/), { within: "30s" });
      }
      expect(nodes.flatMap(({ lines }) => lines.map((line) => line.nodes ?? 0))).not.toContain(2);
    },
  );
});
