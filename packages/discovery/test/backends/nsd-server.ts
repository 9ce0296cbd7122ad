/** A real name server (nsd) on loopback, with a zone that the test rewrites. */
import { spawn, spawnSync, type ChildProcess } from "node:child_process";
import { createSocket } from "node:dgram";
import { Resolver } from "node:dns/promises";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { eventually } from "@foundation/testkit";

/** Debian puts it where only root's PATH looks. */
const PROGRAM = existsSync("/usr/sbin/nsd") ? "/usr/sbin/nsd" : "nsd";

/** Whether the machine has nsd at all. */
export function hasNsd(): boolean {
  return spawnSync(PROGRAM, ["-v"]).status === 0;
}

export interface NsdServer extends AsyncDisposable {
  /** `127.0.0.1:port`. */
  readonly server: string;
  /** Replaces the zone `nodes.test` and resolves when the server answers with it. */
  publish(records: readonly string[]): Promise<void>;
  /** Writes the zone for the next start. */
  write(records: readonly string[]): Promise<void>;
  /** Stops and starts the process. */
  stop(): Promise<void>;
  start(): Promise<void>;
}

/** Starts one with an empty zone. */
export async function startNsd(): Promise<NsdServer> {
  const directory = await mkdtemp(join(tmpdir(), "foundation-nsd-"));
  const port = await freePort();
  const nsd = new RunningNsd(directory, port);
  await writeFile(join(directory, "nsd.conf"), configuration(directory, port));
  await nsd.write([]);
  await nsd.start();
  return nsd;
}

class RunningNsd implements NsdServer {
  readonly server: string;
  #serial = 0;
  #child: ChildProcess | undefined;

  constructor(
    readonly directory: string,
    port: number,
  ) {
    this.server = `127.0.0.1:${port}`;
  }

  async publish(records: readonly string[]): Promise<void> {
    await this.write(records);
    this.#child?.kill("SIGHUP");
    await this.#serves();
  }

  async write(records: readonly string[]): Promise<void> {
    this.#serial += 1;
    const lines = [
      "$ORIGIN nodes.test.",
      "$TTL 1",
      `@ IN SOA ns admin ${this.#serial} 3600 600 86400 1`,
      "@ IN NS ns",
      "ns IN A 127.0.0.1",
      ...records,
    ];
    await writeFile(join(this.directory, "nodes.zone"), `${lines.join("\n")}\n`);
  }

  async start(): Promise<void> {
    const args = ["-d", "-c", join(this.directory, "nsd.conf")];
    this.#child = spawn(PROGRAM, args, { stdio: "ignore" });
    await this.#serves();
  }

  async stop(): Promise<void> {
    const child = this.#child;
    this.#child = undefined;
    if (child === undefined || child.exitCode !== null) return;
    const closed = once(child, "close");
    child.kill("SIGTERM");
    await closed;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
    await rm(this.directory, { recursive: true, force: true });
  }

  /** Waits until the zone's serial is the newest. */
  async #serves(): Promise<void> {
    await eventually(
      async () => {
        const resolver = new Resolver({ timeout: 500, tries: 1 });
        resolver.setServers([this.server]);
        const { serial } = await resolver.resolveSoa("nodes.test");
        if (serial !== this.#serial) throw new Error(`the zone's serial is ${serial}`);
      },
      { within: "30s", every: "20ms" },
    );
  }
}

function configuration(directory: string, port: number): string {
  return `server:
  ip-address: 127.0.0.1@${port}
  zonesdir: "${directory}"
  database: ""
  pidfile: ""
  username: ""
  xfrdfile: ""
  xfrdir: "${directory}"
  zonelistfile: "${directory}/zones.list"
  server-count: 1
remote-control:
  control-enable: no
zone:
  name: "nodes.test"
  zonefile: "nodes.zone"
`;
}

/** A UDP port that was free a moment ago. */
async function freePort(): Promise<number> {
  const socket = createSocket("udp4");
  socket.bind(0, "127.0.0.1");
  await once(socket, "listening");
  const { port } = socket.address();
  socket.close();
  await once(socket, "close");
  return port;
}
