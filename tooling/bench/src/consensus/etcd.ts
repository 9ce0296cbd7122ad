/** Three etcd servers on loopback, each with a data directory on the disk that is measured. */
import { spawn, type ChildProcess } from "node:child_process";
import { join } from "node:path";
import { Unavailable } from "../suite.js";
import { isOver, longestSilence, type Written } from "./gap.js";
import { end, freePorts, requireProgram, scratchFolder } from "../processes/programs.js";

const READY_MS_MAX = 20_000;
const ASK_MS_MAX = 5_000;
const PROBES_FIRST_MS = 300;
const PROBE_EVERY_MS = 20;
const FSYNCS = ["etcd_disk_wal_fsync_duration_seconds_count"];

interface Server {
  readonly name: string;
  readonly client: string;
  readonly args: readonly string[];
  child: ChildProcess;
}

export class EtcdEnsemble implements AsyncDisposable {
  readonly #servers: readonly Server[];
  readonly #folder: AsyncDisposable;

  private constructor(servers: readonly Server[], folder: AsyncDisposable) {
    this.#servers = servers;
    this.#folder = folder;
  }

  /** @throws {Unavailable} without etcd */
  static async start(voters: number): Promise<EtcdEnsemble> {
    requireProgram("etcd", "etcd-server");
    const folder = await scratchFolder();
    const ports = await freePorts(2 * voters);
    const names = Array.from({ length: voters }, (_, i) => `e${i}`);
    const peer = (i: number) => `http://127.0.0.1:${ports[2 * i]}`;
    const initial = names.map((name, i) => `${name}=${peer(i)}`).join(",");
    const servers = names.map((name, i): Server => {
      const client = `http://127.0.0.1:${ports[2 * i + 1]}`;
      const args = [
        ...["--name", name, "--data-dir", join(folder.path, name)],
        ...["--listen-client-urls", client, "--advertise-client-urls", client],
        ...["--listen-peer-urls", peer(i), "--initial-advertise-peer-urls", peer(i)],
        ...["--initial-cluster", initial, "--initial-cluster-state", "new", "--log-level", "error"],
      ];
      return { name, client, args, child: start(args) };
    });
    const ensemble = new EtcdEnsemble(servers, folder);
    try {
      await ensemble.leader();
      return ensemble;
    } catch (error) {
      await ensemble[Symbol.asyncDispose]();
      throw error;
    }
  }

  /** Where the leader answers, once there is one that all agree on. */
  async leader(): Promise<string> {
    const untilMs = performance.now() + READY_MS_MAX;
    for (;;) {
      const told = await Promise.all(this.#servers.map(({ client }) => statusOf(client)));
      const [first] = told;
      const agreed = first !== undefined && told.every((each) => each?.leader === first.leader);
      const at = told.findIndex((each) => each !== undefined && each.leader === each.id);
      const server = this.#servers[at];
      if (agreed && server !== undefined && first.leader !== "0") return server.client;
      if (performance.now() > untilMs) throw new Unavailable("etcd elected no leader in time");
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }

  /** Kills the leader while two clients write by the others, and gives how long none of them could. */
  async gapMs(): Promise<number> {
    const leader = await this.leader();
    const writes: Written[] = [];
    const over = { killedMs: Number.POSITIVE_INFINITY };
    const probes = this.#servers
      .filter(({ client }) => client !== leader)
      .map(({ client, name }) => probe(client, name, over, writes));
    await new Promise((resolve) => setTimeout(resolve, PROBES_FIRST_MS));
    over.killedMs = performance.now();
    const server = this.#at(leader);
    server.child.kill("SIGKILL");
    await Promise.all(probes);
    await end(server.child);
    server.child = start(server.args);
    await this.leader();
    return longestSilence(writes, over.killedMs);
  }

  /** Of all servers together. */
  async fsyncs(): Promise<number> {
    const pages = await Promise.all(
      this.#servers.map(async ({ client }) => (await fetch(`${client}/metrics`)).text()),
    );
    const lines = pages.flatMap((page) => page.split("\n"));
    return lines.reduce((sum, line) => {
      const [name = "", count = "0"] = line.split(" ");
      return FSYNCS.includes(name) ? sum + Number(count) : sum;
    }, 0);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#servers.map(({ child }) => end(child)));
    await this.#folder[Symbol.asyncDispose]();
  }

  #at(client: string): Server {
    const server = this.#servers.find((each) => each.client === client);
    if (server === undefined) throw new Error(`No etcd answers at ${client}`);
    return server;
  }
}

function start(args: readonly string[]): ChildProcess {
  return spawn("etcd", args, { stdio: "ignore" });
}

async function statusOf(
  client: string,
): Promise<{ readonly id: string; readonly leader: string } | undefined> {
  try {
    const { header, leader = "0" } = (await post(`${client}/v3/maintenance/status`, {})) as {
      readonly header: { readonly member_id: string };
      readonly leader?: string;
    };
    return { id: header.member_id, leader };
  } catch {
    return undefined;
  }
}

/**
 * Writes now and then, whether the writes before are answered or not, until one that was asked for after the kill
 * has ended well: a server that has lost its leader may hold a request for seconds and serve a later one.
 */
async function probe(
  client: string,
  name: string,
  over: { readonly killedMs: number },
  writes: Written[],
): Promise<void> {
  const own: Written[] = [];
  const giveUp = new AbortController();
  while (!isOver(own, over.killedMs)) {
    const askedMs = performance.now();
    const noted = () => {
      const written = { askedMs, atMs: performance.now() };
      own.push(written);
      writes.push(written);
    };
    // Nobody leads yet: the next one is asked anyway.
    put(client, `probe/${name}`, "v", giveUp.signal).then(noted, () => undefined);
    await new Promise((resolve) => setTimeout(resolve, PROBE_EVERY_MS));
  }
  giveUp.abort();
}

/** Writes once. @throws when it is not acknowledged in time */
async function put(client: string, key: string, value: string, giveUp: AbortSignal): Promise<void> {
  await post(`${client}/v3/kv/put`, { key: btoa(key), value: btoa(value) }, giveUp);
}

async function post(url: string, body: object, giveUp?: AbortSignal): Promise<unknown> {
  const late = AbortSignal.timeout(ASK_MS_MAX);
  const signal = giveUp === undefined ? late : AbortSignal.any([late, giveUp]);
  const response = await fetch(url, { method: "POST", body: JSON.stringify(body), signal });
  if (!response.ok) throw new Error(`${url} answered ${response.status}`);
  return await response.json();
}
