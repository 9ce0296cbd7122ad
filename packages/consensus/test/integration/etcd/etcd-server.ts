/** Real etcd servers on loopback, each with a data directory of its own that goes with it. */
import { spawn, spawnSync, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer, type AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { eventually } from "@foundation/testkit";

/** Whether the machine has etcd at all. */
export function hasEtcd(): boolean {
  return spawnSync("etcd", ["--version"]).status === 0;
}

export interface EtcdServer {
  /** `host:port` for clients. */
  readonly address: string;
  /** Starts it where it stopped, and returns when it serves. */
  start(): Promise<void>;
  /** At once, as by a power cut of the process: nothing is flushed. */
  kill(): Promise<void>;
  /** Stops it in the middle of whatever it does, and lets it go on. */
  freeze(): void;
  thaw(): void;
}

export interface EtcdCluster extends AsyncDisposable {
  readonly servers: readonly EtcdServer[];
  readonly endpoints: readonly string[];
}

export interface EtcdClusterOptions {
  /** @default 1 */
  readonly size?: number;
  /** More of etcd's flags. */
  readonly flags?: readonly string[];
  /** @default "http" */
  readonly scheme?: "http" | "https";
}

/** Starts servers and waits until all of them serve. */
export async function startEtcd(options: EtcdClusterOptions = {}): Promise<EtcdCluster> {
  try {
    return await tryStart(options);
  } catch {
    // Another program may have taken a port since it was free; twice it is something else.
    return await tryStart(options);
  }
}

async function tryStart(options: EtcdClusterOptions): Promise<EtcdCluster> {
  const { size = 1, flags = [], scheme = "http" } = options;
  const directory = await mkdtemp(join(tmpdir(), "foundation-etcd-"));
  const places = await Promise.all(Array.from({ length: size }, () => freePorts()));
  const members = places.map(([, peer], i) => `m${i}=http://127.0.0.1:${peer}`).join(",");
  const servers = places.map(([client, peer], i) => {
    const clientUrl = `${scheme}://127.0.0.1:${client}`;
    const peerUrl = `http://127.0.0.1:${peer}`;
    return serverOf(`127.0.0.1:${client}`, [
      ...["--name", `m${i}`, "--data-dir", join(directory, `m${i}`), "--log-level", "error"],
      ...["--listen-client-urls", clientUrl, "--advertise-client-urls", clientUrl],
      ...["--listen-peer-urls", peerUrl, "--initial-advertise-peer-urls", peerUrl],
      ...["--initial-cluster", members, "--initial-cluster-state", "new"],
      ...flags,
    ]);
  });
  const dispose = async (): Promise<void> => {
    await Promise.all(servers.map((server) => server.kill()));
    await rm(directory, { recursive: true, force: true });
  };
  try {
    await Promise.all(servers.map((server) => server.start()));
  } catch (error) {
    await dispose();
    throw error;
  }
  return {
    servers,
    endpoints: servers.map(({ address }) => `${scheme}://${address}`),
    [Symbol.asyncDispose]: dispose,
  };
}

function serverOf(address: string, args: readonly string[]): EtcdServer {
  let child: ChildProcess | undefined;
  return {
    address,
    start: async () => {
      const started = spawn("etcd", args, { stdio: ["ignore", "pipe", "pipe"] });
      child = started;
      let said = "";
      for (const stream of [started.stdout, started.stderr]) {
        stream.on("data", (chunk: Buffer) => {
          said = (said + chunk.toString()).slice(-4_000);
        });
      }
      const [host, port] = address.split(":");
      await eventually(
        async () => {
          if (started.exitCode !== null) return;
          await connects(host as string, Number(port));
        },
        { within: "60s", every: "20ms" },
      );
      if (started.exitCode !== null) throw new Error(`etcd ended: ${said}`);
    },
    kill: async () => {
      const killed = child;
      child = undefined;
      if (killed === undefined || killed.exitCode !== null) return;
      const closed = once(killed, "close");
      killed.kill("SIGKILL");
      await closed;
    },
    freeze: () => void child?.kill("SIGSTOP"),
    thaw: () => void child?.kill("SIGCONT"),
  };
}

async function connects(host: string, port: number): Promise<void> {
  const { connect } = await import("node:net");
  const socket = connect(port, host);
  try {
    await once(socket, "connect");
  } finally {
    socket.destroy();
  }
}

/** Two ports that were free a moment ago. */
async function freePorts(): Promise<[number, number]> {
  const servers = [createServer(), createServer()];
  for (const server of servers) {
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
  }
  const ports = servers.map((server) => (server.address() as AddressInfo).port);
  for (const server of servers) {
    server.close();
    await once(server, "close");
  }
  return ports as [number, number];
}
