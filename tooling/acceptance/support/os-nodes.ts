/** Node processes of a test: started, watched, killed and cleared away. */
import { fork, type ChildProcess } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, expect } from "@jest/globals";
import type { StartOptions } from "@foundation/foundation";
import { balance, type Books } from "../../../apps/quickstart/src/books.js";
import { uniqueName } from "./clusters.js";
import type { FromOsNode, ToOsNode } from "./os-messages.js";
import { eventually } from "./undisturbed.js";

const file = fileURLToPath(new URL("os-node.ts", import.meta.url));
const nodes: OsNode[] = [];

/** The folder of one test: its run-time folder, and whatever else it writes. */
export const place = { folder: "", name: "" };

type Heard<Type> = Extract<FromOsNode, { type: Type }>;

export class OsNode {
  readonly child: ChildProcess;
  readonly heard: FromOsNode[] = [];
  /** Standard output and error together. */
  output = "";
  ended: { readonly code: number | null; readonly signal: NodeJS.Signals | null } | undefined;

  constructor(options: StartOptions = {}, env: Readonly<Record<string, string>> = {}) {
    const config = { name: place.name, ...options };
    this.child = fork(file, [JSON.stringify(config)], {
      cwd: place.folder,
      env: { ...process.env, XDG_RUNTIME_DIR: place.folder, ...env },
      execArgv: ["--conditions=@foundation/source", "--import", tsx],
      stdio: ["ignore", "pipe", "pipe", "ipc"],
    });
    for (const stream of [this.child.stdout, this.child.stderr]) {
      stream?.setEncoding("utf8").on("data", (text: string) => (this.output += text));
    }
    this.child.on("message", (message) => this.heard.push(message as FromOsNode));
    // Not "exit": what it wrote last has been read only when its pipes have closed.
    this.child.on("close", (code, signal) => (this.ended = { code, signal }));
    nodes.push(this);
  }

  all<Type extends FromOsNode["type"]>(type: Type): readonly Heard<Type>[] {
    return this.heard.filter((message): message is Heard<Type> => message.type === type);
  }

  first<Type extends FromOsNode["type"]>(type: Type): Heard<Type> | undefined {
    return this.all(type)[0];
  }

  /** Members it listed last. */
  get members(): number {
    return this.all("event").at(-1)?.nodes ?? 0;
  }

  saw(event: string, name: string): boolean {
    return this.all("event").some((each) => each.event === event && each.node === name);
  }

  get ok(): number {
    return this.all("called").filter(({ outcome }) => outcome === "ok").length;
  }

  tell(message: ToOsNode): void {
    if (this.child.connected) this.child.send(message);
  }

  /** Waits until something it tells holds; says what its process printed when it does not. */
  async until(what: string, holds: () => boolean, withinMs = 15_000): Promise<void> {
    const orEnded = () => holds() || this.ended !== undefined;
    await eventually(`${what}; it printed: ${this.output}`, orEnded, withinMs);
    if (!holds()) {
      throw new Error(`it ended (${JSON.stringify(this.ended)}) before: ${what}\n${this.output}`);
    }
  }

  async exited(withinMs = 15_000): Promise<typeof this.ended> {
    await eventually(`the end of ${this.child.pid}`, () => this.ended !== undefined, withinMs);
    return this.ended;
  }
}

const tsx = import.meta.resolve?.("tsx") ?? "tsx";

/** Starts nodes called `node-1` and so on, and waits until each lists all of them. */
export async function osCluster(size: number, options: StartOptions = {}): Promise<OsNode[]> {
  const start = (_: unknown, i: number) =>
    new OsNode({ node: { name: `node-${i + 1}` }, ...options });
  const made = Array.from({ length: size }, start);
  for (const node of made) await node.until("a full list", () => node.members === size, 30_000);
  return made;
}

/**
 * Starts a node with one data directory so many times, beside a running one, and ends it by SIGKILL and SIGTERM in turns.
 * The id must stay, and each boot must be newer.
 *
 * @param seesItGo whether the running node is given the time to see that it is gone, by the number of the start from 0
 */
export async function restarted(
  beside: OsNode,
  times: number,
  seesItGo: (start: number) => boolean,
): Promise<void> {
  const boots: string[] = [];
  const ids = new Set<string>();
  for (let i = 0; i < times; i += 1) {
    const node = new OsNode({ node: { name: "again" }, dataDir: join(place.folder, "data") });
    for (const one of [node, beside]) await one.until("a pair", () => one.members === 2);
    boots.push(node.first("up")?.boot ?? "");
    ids.add(node.first("up")?.id ?? "");
    node.child.kill(i % 2 === 0 ? "SIGKILL" : "SIGTERM");
    await node.exited();
    if (seesItGo(i)) await beside.until("alone", () => beside.members === 1);
  }
  expect(ids.size).toBe(1);
  expect(new Set(boots).size).toBe(times);
  expect(boots).toEqual(boots.toSorted());
}

/** Starts the order process, has every node call it, and gives what stops and balances the books. */
export async function underOrders(
  members: readonly OsNode[],
): Promise<{ host(): OsNode; journal: string; books(): Promise<Books> }> {
  const journal = join(place.folder, "orders.journal");
  const [first] = members as [OsNode];
  first.tell({ type: "start", journal });
  await first.until("orders started", () => first.first("done") !== undefined);
  for (const node of members) node.tell({ type: "work" });
  for (const node of members) await node.until("20 orders", () => node.ok >= 20);
  const calls = () => members.flatMap((node) => node.all("called"));
  const host = () => {
    const pid = first.all("called").findLast(({ outcome }) => outcome === "ok")?.pid;
    return members.find(({ child }) => child.pid === pid) as OsNode;
  };
  const books = async () => {
    const alive = members.filter(({ ended }) => ended === undefined);
    for (const node of alive) node.tell({ type: "rest" });
    const rested = (node: OsNode) => node.all("done").some(({ of }) => of === "rest");
    for (const node of alive) await node.until("rest", () => rested(node));
    return balance(calls(), readFileSync(journal, "utf8"));
  };
  return { host, journal, books };
}

beforeEach(() => {
  place.folder = mkdtempSync(join(tmpdir(), "foundation-os-"));
  place.name = uniqueName();
});

afterEach(async () => {
  const left = nodes.splice(0);
  for (const { child, ended } of left) if (ended === undefined) child.kill("SIGKILL");
  await Promise.all(left.map((node) => node.exited()));
  rmSync(place.folder, { recursive: true, force: true });
});
