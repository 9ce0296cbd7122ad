import { execFile, spawn, type ChildProcess } from "node:child_process";
import {
  mkdtemp,
  readdir,
  readFile,
  rename,
  rm,
  unlink,
  utimes,
  writeFile,
} from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { promisify } from "node:util";
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "@jest/globals";
import { nodeClock } from "@foundation/core";
import { folderName } from "../../src/filesystem/meeting-folder.js";

const clock = nodeClock();
const here = import.meta.dirname;
let bundle = "";
let directory = "";
let folder = "";
let nodes: Node[] = [];

/** A process that discovers, and what it said. */
interface Node {
  readonly child: ChildProcess;
  readonly address: string;
  peers: readonly string[];
  secret: string | undefined;
  readonly ended: Promise<number | NodeJS.Signals | null>;
}

beforeAll(async () => {
  bundle = await mkdtemp(join(tmpdir(), "foundation-bundle-"));
  const args = [join(here, "bundle.mjs"), join(here, "node.ts"), bundle];
  await promisify(execFile)(process.execPath, args);
}, 60_000);
afterAll(() => rm(bundle, { recursive: true, force: true }));

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "foundation-processes-"));
  folder = join(directory, folderName("integration"));
  nodes = [];
});
afterEach(async () => {
  for (const { child } of nodes) child.kill("SIGKILL");
  await Promise.all(nodes.map(({ ended }) => ended));
  await rm(directory, { recursive: true, force: true });
});

function startNode(): Node {
  const port = 10_000 + nodes.length;
  const args = [join(bundle, "node.cjs"), directory, String(port)];
  const child = spawn(process.execPath, args, { stdio: ["pipe", "pipe", "inherit"] });
  const node: Node = {
    child,
    address: `ws://127.0.0.1:${port}`,
    peers: [],
    secret: undefined,
    ended: new Promise((resolve) => {
      child.once("exit", (code, signal) => resolve(code ?? signal));
    }),
  };
  createInterface({ input: child.stdout! }).on("line", (line) => {
    Object.assign(node, JSON.parse(line) as Partial<Node>);
  });
  nodes.push(node);
  return node;
}

const files = async () =>
  (await readdir(folder).catch(() => [])).filter((name) => !name.endsWith("tmp"));

async function fileOf(node: Node): Promise<string | undefined> {
  for (const name of await files()) {
    const text = await readFile(join(folder, name), "utf8").catch(() => "");
    if (text.includes(node.address)) return join(folder, name);
  }
  return undefined;
}

async function eventually(what: string, holds: () => boolean | Promise<boolean>): Promise<void> {
  const untilMs = clock.now() + 30_000;
  while (!(await holds())) {
    if (clock.now() > untilMs) throw new Error(`not within 30 s: ${what}`);
    await clock.sleep(20);
  }
}

const othersOf = (node: Node) =>
  nodes
    .filter((each) => each !== node)
    .map(({ address }) => address)
    .sort();
const knowsAll = (node: Node) => JSON.stringify(node.peers) === JSON.stringify(othersOf(node));

test("fifty processes that start at once all find each other and share one secret", async () => {
  for (let i = 0; i < 50; i += 1) startNode();
  await eventually("everybody knows everybody", () => nodes.every(knowsAll));
  await eventually("everybody has a secret", () => nodes.every(({ secret }) => secret));
  expect(new Set(nodes.map(({ secret }) => secret)).size).toBe(1);
  expect(await files()).toHaveLength(50);
}, 60_000);

test("the file of a process that was killed is removed by the others, and only that", async () => {
  const [survivor, victim] = [startNode(), startNode()];
  await eventually("they meet", () => nodes.every(knowsAll));
  victim.child.kill("SIGKILL");
  await victim.ended;
  await eventually("the file is gone", async () => (await fileOf(victim)) === undefined);
  expect(await fileOf(survivor)).toBeDefined();
}, 60_000);

test("a killed process that nobody collects is seen to be gone", async () => {
  startNode();
  await eventually("it has announced itself", async () => (await files()).length === 1);
  // A shell that becomes a program which never waits leaves its child behind as a zombie.
  const nested = `"${process.execPath}" "${join(bundle, "node.cjs")}" "${directory}" 9999 <&3 & exec sleep 60`;
  const parent = spawn("/bin/sh", ["-c", nested], {
    stdio: ["ignore", "ignore", "ignore", "pipe"],
  });
  const zombie = { address: "ws://127.0.0.1:9999" } as Node;
  try {
    await eventually(
      "the second announces itself",
      async () => (await fileOf(zombie)) !== undefined,
    );
    const text = await readFile((await fileOf(zombie))!, "utf8");
    const { pid } = (JSON.parse(text) as { process: { pid: number } }).process;
    process.kill(pid, "SIGKILL");
    await eventually("its file is gone", async () => (await fileOf(zombie)) === undefined);
    // It is still in the process table: only its state tells.
    expect(() => process.kill(pid, 0)).not.toThrow();
  } finally {
    parent.kill("SIGKILL");
  }
}, 60_000);

test("a process that ends in order takes its file along, the last one the folder too", async () => {
  const [first, second] = [startNode(), startNode()];
  await eventually("they meet", () => nodes.every(knowsAll));
  await eventually("both are ready", () => nodes.every(({ secret }) => secret));
  first.child.kill("SIGTERM");
  expect(await first.ended).toBe(0);
  expect(await fileOf(first)).toBeUndefined();
  second.child.kill("SIGTERM");
  expect(await second.ended).toBe(0);
  expect((await readdir(directory)).sort()).toEqual(["secret"]);
}, 60_000);

test("a file or a folder that somebody removed is put back", async () => {
  const [first] = [startNode(), startNode()];
  await eventually("they meet", () => nodes.every(knowsAll));
  await unlink((await fileOf(first))!);
  await eventually("the file is back", async () => (await fileOf(first)) !== undefined);
  await rename(folder, `${folder}-gone`);
  await eventually("both files are back", async () => (await files()).length === 2);
  startNode();
  await eventually("a third one is found in the new folder", () => nodes.every(knowsAll));
}, 60_000);

test("garbage in the folder is skipped and kept, a draft left by a crash is swept away", async () => {
  startNode();
  await eventually("it has announced itself", async () => (await files()).length === 1);
  const garbage = ["note.json", `${"a".repeat(32)}.${"b".repeat(16)}.json`];
  for (const name of garbage) await writeFile(join(folder, name), "{garbage");
  const draft = join(folder, "left-behind.json.tmp");
  await writeFile(draft, "");
  await utimes(draft, 1, 1);
  startNode();
  await eventually("they meet all the same", () => nodes.every(knowsAll));
  await eventually(
    "the draft is gone",
    async () => !(await readdir(folder)).some((name) => /left/.test(name)),
  );
  expect(await files()).toEqual(expect.arrayContaining(garbage));
}, 60_000);
