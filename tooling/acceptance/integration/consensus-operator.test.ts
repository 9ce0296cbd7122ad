/**
 * A group that an operator founds, over processes of the operating system: one word, voters that die for good, candidates
 * that take their place, and a disk that was wiped.
 */
import { execFile } from "node:child_process";
import { statSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { expect, test } from "@jest/globals";
import { run } from "@foundation/cli";
import type { StartOptions } from "@foundation/foundation";
import { eventually } from "@foundation/testkit";
import { OsNode, place } from "../support/os-nodes.js";

interface Status {
  readonly ok: boolean;
  readonly node: { readonly id: string; readonly name: string };
  readonly standing?: string;
  readonly group?: string;
  readonly firstVoters?: readonly string[];
  readonly candidates: readonly { readonly name: string }[];
  readonly member?: { readonly voters: readonly string[]; readonly leader?: string };
}

const main = fileURLToPath(new URL("../../../packages/cli/src/main.ts", import.meta.url));
const disk = (name: string, generation = 0) => join(place.folder, `${name}-${generation}`);

function start(name: string, generation = 0): OsNode {
  const options: StartOptions = {
    node: { name },
    dataDir: disk(name, generation),
    consensus: { voters: "operator", keep: { voters: 3, replaceAfter: "2s" } },
  };
  return new OsNode(options);
}

async function command(...args: string[]) {
  const out: string[] = [];
  const err: string[] = [];
  const screen = { out: (line: string) => out.push(line), err: (line: string) => err.push(line) };
  const code = await run(["consensus", ...args], screen);
  return { code, out: out.join("\n"), err: err.join("\n") };
}

async function status(name: string, generation = 0): Promise<Status | undefined> {
  const { code, out } = await command("status", "--data-dir", disk(name, generation), "--json");
  return code === 0 ? (JSON.parse(out) as Status) : undefined;
}

/** The command as an operator runs it. */
async function shell(...args: string[]): Promise<Status> {
  const flags = ["--conditions=@foundation/source", "--import", import.meta.resolve("tsx"), main];
  const { stdout } = await promisify(execFile)(process.execPath, [
    ...flags,
    ...["consensus", ...args, "--json"],
  ]);
  return JSON.parse(stdout) as Status;
}

async function agreed(node: OsNode, message: Parameters<OsNode["tell"]>[0]) {
  const before = node.all("agreed").length;
  node.tell(message);
  await node.until("an answer of the store", () => node.all("agreed").length > before, 40_000);
  return node.all("agreed").at(-1);
}

async function kill(node: OsNode): Promise<void> {
  node.child.kill("SIGKILL");
  await node.exited();
}

/** Until the group, as this node sees it, has exactly these voters. */
async function voters(seenBy: string, ids: readonly string[]): Promise<void> {
  const look = async () => {
    const seen = (await status(seenBy))?.member?.voters ?? [];
    expect([...seen].sort()).toEqual([...ids].sort());
  };
  await eventually(look, { within: "60s", every: "200ms" });
}

/** The id of the node that runs on this disk, once it can be asked. */
async function idOf(name: string, generation = 0): Promise<string> {
  const found = await eventually(async () => (await status(name, generation)) ?? false, {
    within: "30s",
    every: "100ms",
  });
  return found === false ? "" : found.node.id;
}

test("an operator founds it with one word; voters that die are replaced, and a wiped one is a newcomer", async () => {
  const names = ["node-0", "node-1", "node-2", "node-3"] as const;
  const nodes = new Map<string, OsNode>(names.map((name) => [name, start(name)]));
  for (const node of nodes.values()) {
    await node.until("a full list", () => node.members === names.length, 30_000);
  }
  const ids: string[] = [];
  for (const name of names) ids.push(await idOf(name));
  const [i0, i1, i2, i3] = ids as [string, string, string, string];
  // Nobody founds anything by itself, and nobody but the node's user may speak to it.
  expect(await status("node-3")).toMatchObject({ ok: true, standing: "waiting" });
  expect(statSync(join(disk("node-3"), "control")).mode & 0o777).toBe(0o700);
  expect(statSync(join(disk("node-3"), "control", "socket")).mode & 0o777).toBe(0o600);
  const asked = await command("bootstrap", "--data-dir", disk("node-3"));
  expect(asked).toMatchObject({ code: 3 });
  expect(asked.out).toContain(names.join(", "));

  // Two operators at once, at two nodes.
  const list = ["--voters", "node-0,node-1,node-2"];
  const [one, other] = await Promise.all([
    shell("bootstrap", "--data-dir", disk("node-0"), ...list),
    shell("bootstrap", "--data-dir", disk("node-3"), ...list),
  ]);
  expect(one).toMatchObject({ ok: true, firstVoters: ["node-0", "node-1", "node-2"] });
  expect(other).toMatchObject({ ok: true, group: one.group });
  const third = await command("bootstrap", "--data-dir", disk("node-3"), "--voters", "node-3");
  expect(third).toMatchObject({ code: 1, out: "" });
  expect(third.err).toContain(one.group);

  const [n0, n1, n2, n3] = names.map((name) => nodes.get(name) as OsNode) as [
    OsNode,
    OsNode,
    OsNode,
    OsNode,
  ];
  await voters("node-0", [i0, i1, i2]);
  expect(await agreed(n3, { type: "put", key: "k", value: "first" })).toMatchObject({
    value: "first",
  });

  // A voter dies for good: the candidate takes its place, and the group survives one more.
  await kill(n0);
  await voters("node-3", [i1, i2, i3]);
  await kill(n1);
  expect(await agreed(n3, { type: "get", key: "k" })).toMatchObject({ value: "first" });
  expect(await agreed(n2, { type: "put", key: "k", value: "second" })).toMatchObject({
    value: "second",
  });

  // The second one comes back with an empty disk: another node of the same name, which learns the log.
  const again = start("node-1", 1);
  await again.until("a list of three", () => again.members === 3, 30_000);
  const i4 = await idOf("node-1", 1);
  expect(i4).not.toBe(i1);
  await voters("node-3", [i2, i3, i4]);
  await kill(n2);
  expect(await agreed(again, { type: "get", key: "k" })).toMatchObject({ value: "second" });
}, 180_000);
