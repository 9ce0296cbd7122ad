/** The command as it is called: its exit codes, its last line, and that a seed plays the same wherever it is played. */
import { spawn } from "node:child_process";
import { tmpdir } from "node:os";
import { pathToFileURL } from "node:url";
import { join } from "node:path";
import { describe, expect, jest, test } from "@jest/globals";
import { mainFile, repositoryRoot } from "../../src/processes.js";
import type { Report } from "../../src/report.js";

const tsx = pathToFileURL(join(repositoryRoot, "node_modules/tsx/dist/loader.mjs")).href;
const execArgv = ["--conditions=@foundation/source", "--import", tsx];
/** A dozen processes that each load the whole stack: on a busy machine that takes its time. */
jest.setTimeout(240_000);

const small = ["--nodes", "3", "--for", "2s"] as const;

interface Call {
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
  /** More arguments for Node itself. */
  readonly node?: readonly string[];
  /** What to do when it writes to its standard output. */
  readonly onStdout?: (text: string, pid: number) => void;
}

interface Answer {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

function sim(args: readonly string[], { env, cwd, node = [], onStdout }: Call = {}) {
  const { SEED: _, ...own } = process.env;
  return new Promise<Answer>((resolve, reject) => {
    const child = spawn(process.execPath, [...execArgv, ...node, mainFile, ...args], {
      cwd: cwd ?? repositoryRoot,
      env: { ...own, ...env },
      stdio: ["ignore", "pipe", "pipe"],
    });
    const heard = { stdout: "", stderr: "" };
    child.stdout.setEncoding("utf8").on("data", (text: string) => {
      heard.stdout += text;
      onStdout?.(text, child.pid ?? 0);
    });
    child.stderr.setEncoding("utf8").on("data", (text: string) => (heard.stderr += text));
    child.once("error", reject);
    // Not "exit": its workers write to the same pipes, so these close when all of them are gone.
    child.once("close", (code) => resolve({ code, ...heard }));
  });
}

const lastLine = ({ stdout }: Answer) =>
  JSON.parse(stdout.trimEnd().split("\n").at(-1) ?? "") as Report;

describe("npm run sim", () => {
  test("plays seeds and exits 0, with nothing but JSON on the standard output when asked", async () => {
    const answer = await sim(["--seeds", "3", ...small, "--json"]);
    expect(answer).toMatchObject({ code: 0 });
    expect(answer.stdout.trimEnd().split("\n")).toHaveLength(1);
    const report = lastLine(answer);
    expect(report).toMatchObject({ ok: true, seeds: 3, failedSeeds: [] });
    expect(report.aims).toEqual([{ name: "violations", target: 0, value: 0, met: true }]);
    expect(report.virtualSeconds).toBeGreaterThan(6);
    expect(report.calls).toBeGreaterThan(0);
    expect(answer.stderr).toContain("3/3 seeds, 0 failed");
  });

  test("plays one seed again and says what it was", async () => {
    const answer = await sim([...small], { env: { SEED: "again-1" } });
    expect(answer.code).toBe(0);
    expect(answer.stdout).toMatch(/^seed again-1: 3 nodes, .* nothing wrong$/m);
    expect(lastLine(answer).hash).toMatch(/^[0-9a-f]{16}$/);
  });

  test("exits 1 when a seed fails, naming it and how to play it again", async () => {
    const answer = await sim([
      "--seeds",
      "1",
      "--prefix",
      "stuck",
      ...small,
      "--stuck-after",
      "1ms",
    ]);
    expect(answer.code).toBe(1);
    expect(answer.stdout).toContain("seed stuck-1: the worker process");
    expect(answer.stdout).toContain("replay: SEED=stuck-1 npm run sim -- --nodes 3..3 --for 2s");
    expect(lastLine(answer)).toMatchObject({ ok: false, failedSeeds: ["stuck-1"] });
  });

  test("stops at the first failure when asked", async () => {
    const args = ["--until-failure", "--jobs", "1", ...small, "--stuck-after", "1ms"];
    expect(lastLine(await sim(args))).toMatchObject({ ok: false, seeds: 1 });
  });

  test("exits 2 for arguments that are none, with a sentence and the usage", async () => {
    const { code, stderr, stdout } = await sim(["--nodes", "many"]);
    expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
    expect(stderr).toMatch(/^--nodes takes .*"many"\.\nUsage: npm run sim/);
  });

  test("prints the usage when asked", async () => {
    const { code, stdout } = await sim(["--help"]);
    expect({ code, isUsage: stdout.startsWith("Usage: ") }).toEqual({ code: 0, isUsage: true });
  });

  test("a Ctrl-C ends it with what was done so far", async () => {
    let isStopped = false;
    const onStdout = (_: string, pid: number) => {
      if (!isStopped) process.kill(pid, "SIGINT");
      isStopped = true;
    };
    const answer = await sim(["--seeds", "1000000", "--verbose", ...small], { onStdout });
    expect(answer.code).toBe(130);
    const report = lastLine(answer);
    expect(report).toMatchObject({ ok: false, interrupted: true, failedSeeds: [] });
    expect(report.seeds).toBeGreaterThan(0);
  });
});

describe("a seed", () => {
  const args = ["--hashes", "--seeds", "3", "--prefix", "same", ...small];

  test("plays the same in another time zone, language, folder, process and environment", async () => {
    const usual = await sim(args);
    expect(usual.stdout).toMatch(
      /^same-1 [0-9a-f]{16}\nsame-2 [0-9a-f]{16}\nsame-3 [0-9a-f]{16}\n$/,
    );
    const others = await Promise.all([
      sim(args, { env: { TZ: "Asia/Tokyo", LANG: "tr_TR.UTF-8", LC_ALL: "tr_TR.UTF-8" } }),
      sim([...args, "--jobs", "1"], {
        cwd: tmpdir(),
        node: ["--max-semi-space-size=1", "--no-opt"],
        env: {
          NODE_ENV: "production",
          HOSTNAME: "elsewhere",
          HOME: tmpdir(),
          FOUNDATION_CLUSTER_NAME: "other",
        },
      }),
    ]);
    for (const { code, stdout } of others) {
      expect({ code, stdout }).toEqual({ code: 0, stdout: usual.stdout });
    }
  });
});
