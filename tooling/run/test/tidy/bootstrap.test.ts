/** The bootstrap: one command on a machine with only Node and npm. */
import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import { spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { pathToFileURL } from "node:url";

const root = resolve(import.meta.dirname, "../../../..");
const module = (name: string): string => pathToFileURL(join(root, "tooling/run", name)).href;
let folder = "";

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "foundation-run-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

describe("the machine", () => {
  test("a Node that is too old is refused with what to do", async () => {
    const run = await node(`import { checkNode } from "${module("machine.mjs")}";
      checkNode("20.18.3");`);
    expect(run.code).toBe(1);
    expect(run.stdout).toBe("");
    expect(run.stderr).toContain("needs Node 20.19 or newer, and this is Node 20.18.3");
    expect(run.stderr).toContain("https://nodejs.org");
  });

  test.each(["20.19.0", "20.20.2", "22.0.0", "24.1.0"])("Node %s is accepted", async (version) => {
    const run = await node(`import { checkNode } from "${module("machine.mjs")}";
      checkNode("${version}");`);
    expect(run).toMatchObject({ code: 0, stderr: "" });
  });

  test("npm's own settings do not reach pnpm, everything else does", async () => {
    const run = await node(
      `import { environment } from "${module("machine.mjs")}";
      console.log(JSON.stringify(environment()));`,
      { npm_config_registry: "x", NPM_CONFIG_CACHE: "x", npm_package_name: "x", MINE: "kept" },
    );
    const names = Object.keys(JSON.parse(run.stdout) as object);
    expect(names.filter((name) => /^npm_(config|package)/i.test(name))).toEqual([]);
    expect(names).toEqual(expect.arrayContaining(["MINE", "TURBO_TELEMETRY_DISABLED", "PATH"]));
  });
});

describe("the lock", () => {
  const critical = (log: string): string => `
    import { appendFileSync } from "node:fs";
    import { setTimeout as sleep } from "node:timers/promises";
    import { withLock } from "${module("lock.mjs")}";
    await withLock("${join(folder, "locks/install")}", async () => {
      appendFileSync("${log}", "in ");
      await sleep(150);
      appendFileSync("${log}", "out ");
    });`;

  test("two runs at once enter one after the other", async () => {
    const log = join(folder, "log");
    await Promise.all([node(critical(log)), node(critical(log)), node(critical(log))]);
    expect(readFileSync(log, "utf8")).toBe("in out in out in out ");
  }, 30_000);

  test("of several that find the lock of a process that is gone, one takes it", async () => {
    const gone = spawn(process.execPath, ["-e", ""]);
    await new Promise((done) => gone.once("exit", done));
    mkdirSync(join(folder, "locks/install"), { recursive: true });
    writeFileSync(join(folder, "locks/install/pid"), String(gone.pid));
    const log = join(folder, "log");
    const all = Array.from({ length: 6 }, () => node(critical(log)));
    for (const { code } of await Promise.all(all)) expect(code).toBe(0);
    expect(readFileSync(log, "utf8")).toBe("in out ".repeat(6));
  }, 30_000);

  test("the lock of a process that is gone is taken over", async () => {
    const gone = spawn(process.execPath, ["-e", ""]);
    await new Promise((done) => gone.once("exit", done));
    mkdirSync(join(folder, "locks/install"), { recursive: true });
    writeFileSync(join(folder, "locks/install/pid"), String(gone.pid));
    const log = join(folder, "log");
    expect((await node(critical(log))).code).toBe(0);
    expect(readFileSync(log, "utf8")).toBe("in out ");
  }, 30_000);
});

describe("commands", () => {
  test("every root script goes through the bootstrap, to a command that exists", async () => {
    const { scripts } = JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as {
      scripts: Record<string, string>;
    };
    for (const [name, script] of Object.entries(scripts)) {
      expect(script).toBe(`node tooling/run/run.mjs ${name}`);
      const run = await node(`import { resolveCommand } from "${module("commands.mjs")}";
        console.log(resolveCommand("${name}", ["--flag"], { file: "pnpm" }).args.includes("--flag"));`);
      expect(run.stdout).toBe("true\n");
    }
  }, 30_000);

  test("an unknown command names the known ones", async () => {
    const run = await node(`import { resolveCommand } from "${module("commands.mjs")}";
      resolveCommand("tset", [], { file: "pnpm" });`);
    expect(run.code).toBe(1);
    expect(run.stderr).toMatch(/no command "tset".*start, test/);
  });

  test("the exit code of a command passes through, and stdout carries only what it wrote", async () => {
    const script = join(folder, "app.mjs");
    writeFileSync(script, "console.log(JSON.stringify(process.argv.slice(2))); process.exit(7);");
    const args = [
      join(root, "tooling/run/run.mjs"),
      "pnpm",
      "exec",
      "node",
      script,
      "a b",
      "--json",
    ];
    const run = await start(args);
    expect(run.code).toBe(7);
    expect(run.stdout).toBe('["a b","--json"]\n');
  }, 60_000);
});

interface Run {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

function node(code: string, env: NodeJS.ProcessEnv = {}): Promise<Run> {
  return start(["--input-type=module", "-e", code], env);
}

async function start(args: readonly string[], env: NodeJS.ProcessEnv = {}): Promise<Run> {
  const child = spawn(process.execPath, args, { env: { ...process.env, ...env } });
  let stdout = "";
  let stderr = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => (stdout += text));
  child.stderr.setEncoding("utf8").on("data", (text: string) => (stderr += text));
  const code = await new Promise<number | null>((done) => child.once("close", done));
  return { code, stdout, stderr };
}
