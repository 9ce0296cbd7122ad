/**
 * Hosts: network namespaces on one bridge, each as a machine of its own, and what is done to the network between them.
 *
 * The bridge has a namespace of its own, so nothing of the machine's network is touched. Hosts have addresses of
 * 127.77.0.0/24, and the kernel is told to send those over the wire (route_localnet): the stack accepts only loopback while
 * its links are not encrypted, and this way it runs unchanged, with real packets between real network stacks.
 *
 * Partitions are nft rules that drop on arrival, one direction each; half-open and reset connections are made by closing
 * sockets in the kernel (`ss -K`) with or without letting the reset through; bandwidth is tc's tbf, a class for each peer.
 * Latency is not to be had from these kernels (no netem): the proxy does it.
 *
 * Names carry the number of the process that owns them; whatever a killed run left is removed by the next.
 */
import { execFile } from "node:child_process";
import { promisify } from "node:util";

const run = promisify(execFile);

/** `ip`'s own name for what it makes; the owner's process number follows. */
const prefix = "fworld";
const network = "127.77.0";
const gigabit = 1_000_000_000;
const table = `table inet ${prefix}`;

let count = 0;

/** True where namespaces with everything in them can be made and filtered. */
export async function canMakeHosts(): Promise<boolean> {
  const hosts = await Hosts.create(["probe"]);
  try {
    await hosts.partition("probe", "probe");
    return true;
  } finally {
    await hosts.close();
  }
}

export class Hosts {
  readonly #names: readonly string[];
  readonly #id: string;
  /** Peers that each host's traffic is shaped for; the first shaping makes the root. */
  readonly #shaped = new Map<string, Set<string>>();

  private constructor(id: string, names: readonly string[]) {
    this.#id = id;
    this.#names = names;
  }

  /** Makes a bridge and a host for each name. Removes first what runs that are gone have left. */
  static async create(names: readonly string[]): Promise<Hosts> {
    await sweep();
    count += 1;
    const hosts = new Hosts(`${prefix}-${process.pid}-${count}`, names);
    try {
      await hosts.#make();
    } catch (error) {
      await hosts.close();
      throw error;
    }
    return hosts;
  }

  namespaceOf(name: string): string {
    return `${this.#id}-${name}`;
  }

  addressOf(name: string): string {
    const index = this.#names.indexOf(name);
    if (index < 0) throw new Error(`there is no host ${name}; there are ${this.#names.join(", ")}`);
    return `${network}.${index + 1}`;
  }

  /** Names of the hosts by address. */
  get names(): Readonly<Record<string, string>> {
    return Object.fromEntries(this.#names.map((name) => [this.addressOf(name), name]));
  }

  /** Packets from the one no longer arrive at the other. */
  async partition(from: string, to: string): Promise<void> {
    await this.#nft(to, `add rule inet ${prefix} arriving ip saddr ${this.addressOf(from)} drop`);
  }

  /** So many of a hundred packets from the one do not arrive at the other. */
  async lose(from: string, to: string, percent: number): Promise<void> {
    const source = `ip saddr ${this.addressOf(from)}`;
    const rule = `${source} numgen random mod 100 < ${percent} drop`;
    await this.#nft(to, `add rule inet ${prefix} arriving ${rule}`);
  }

  /** Ends partitions, losses, black holes and limits of bandwidth. */
  async heal(): Promise<void> {
    const flush = `flush chain inet ${prefix} arriving; flush chain inet ${prefix} departing`;
    await Promise.all(this.#names.map((name) => this.#nft(name, flush)));
    for (const name of this.#shaped.keys()) {
      await this.#in(name, "tc", "qdisc", "del", "dev", "eth0", "root");
    }
    this.#shaped.clear();
  }

  /** Closes every connection between two hosts in the kernel of `at`; its resets reach the other one. */
  async reset(at: string, other: string): Promise<void> {
    await this.#in(at, "ss", "-K", "-t", "dst", this.addressOf(other));
  }

  /** The same, but nothing of it is let through: the other host goes on believing. */
  async halfOpen(at: string, other: string): Promise<void> {
    const rule = `ip daddr ${this.addressOf(other)} tcp flags & rst == rst drop`;
    await this.#nft(at, `add rule inet ${prefix} departing ${rule}`);
    await this.reset(at, other);
    await this.#nft(at, `flush chain inet ${prefix} departing`);
  }

  /** Packets of the present connections between two hosts vanish; those of new ones do not. */
  async blackHole(a: string, b: string): Promise<void> {
    const { stdout } = await this.#in(a, "ss", "-tnH", "dst", this.addressOf(b));
    const ports = stdout
      .split("\n")
      .filter(Boolean)
      .map((line) => line.trim().split(/\s+/))
      .map(([, , , local = "", remote = ""]) => [portOf(local), portOf(remote)] as const);
    for (const [own, theirs] of ports) {
      const arrivesAtA = `ip saddr ${this.addressOf(b)} tcp sport ${theirs} tcp dport ${own} drop`;
      const arrivesAtB = `ip saddr ${this.addressOf(a)} tcp sport ${own} tcp dport ${theirs} drop`;
      await this.#nft(a, `add rule inet ${prefix} arriving ${arrivesAtA}`);
      await this.#nft(b, `add rule inet ${prefix} arriving ${arrivesAtB}`);
    }
  }

  /** What leaves the one for the other has this bandwidth. */
  async limit(from: string, to: string, bytesPerSecond: number): Promise<void> {
    const peers = this.#shaped.get(from) ?? new Set<string>();
    const tc = (...args: readonly string[]) => this.#in(from, "tc", ...args);
    if (peers.size === 0) {
      await tc("qdisc", "add", "dev", "eth0", "root", "handle", "1:", "htb", "default", "1");
      await this.#class(from, "1:1", gigabit);
    }
    this.#shaped.set(from, peers.add(to));
    const id = `1:${10 + this.#names.indexOf(to)}`;
    const bits = Math.round(bytesPerSecond * 8);
    await this.#class(from, id, gigabit);
    const leaf = ["tbf", "rate", `${bits}bit`, "burst", "16kb", "latency", "400ms"];
    await tc("qdisc", "add", "dev", "eth0", "parent", id, ...leaf);
    const match = ["u32", "match", "ip", "dst", `${this.addressOf(to)}/32`, "flowid", id];
    await tc(
      "filter",
      "add",
      "dev",
      "eth0",
      "parent",
      "1:",
      "protocol",
      "ip",
      "prio",
      "1",
      ...match,
    );
  }

  /** Ends what still runs in the hosts and removes them. Idempotent. */
  async close(): Promise<void> {
    const { stdout } = await run("ip", ["netns", "list"]);
    await remove(namespacesIn(stdout).filter((name) => name.startsWith(`${this.#id}-`)));
  }

  async #make(): Promise<void> {
    const bridge = this.namespaceOf("bridge");
    await run("ip", ["netns", "add", bridge]);
    await batch(bridge, ["link add br0 type bridge", "link set br0 up"]);
    await Promise.all(this.#names.map((name) => this.#addHost(name, bridge)));
  }

  async #addHost(name: string, bridge: string): Promise<void> {
    const own = this.namespaceOf(name);
    await run("ip", ["netns", "add", own]);
    const port = `p-${name}`;
    await batch(bridge, [
      `link add ${port} type veth peer name eth0 netns ${own}`,
      `link set ${port} master br0 up`,
    ]);
    // Only 127.0.0.1 stays on this side of the wire.
    await batch(own, [
      "link set lo up",
      "addr del 127.0.0.1/8 dev lo",
      "addr add 127.0.0.1/32 dev lo",
      "link set eth0 up",
      `addr add ${this.addressOf(name)}/24 dev eth0`,
    ]);
    const allow = ["all", "eth0"].map(
      (dev) => `echo 1 > /proc/sys/net/ipv4/conf/${dev}/route_localnet`,
    );
    await this.#in(name, "sh", "-ec", allow.join("\n"));
    const chain = (chainName: string, hook: string) =>
      `chain ${chainName} { type filter hook ${hook} priority 0; policy accept; }`;
    const chains = [chain("arriving", "input"), chain("departing", "output")];
    await this.#nft(name, `${table} {\n${chains.join("\n")}\n}`);
  }

  #class(host: string, id: string, bitsPerSecond: number) {
    const args = ["class", "add", "dev", "eth0", "parent", "1:", "classid", id, "htb"];
    return this.#in(host, "tc", ...args, "rate", `${bitsPerSecond}bit`, "quantum", "1514");
  }

  #nft(host: string, command: string) {
    return this.#in(host, "nft", command);
  }

  #in(host: string, ...command: readonly string[]) {
    return run("ip", ["netns", "exec", this.namespaceOf(host), ...command]);
  }
}

/** Removes the hosts of processes that are gone. */
async function sweep(): Promise<void> {
  const { stdout } = await run("ip", ["netns", "list"]);
  const stale = namespacesIn(stdout).filter((name) => {
    const [, owner] = name.split("-");
    return name.startsWith(`${prefix}-`) && !isAlive(Number(owner));
  });
  await remove(stale);
}

/** Two runs may sweep at once: what the other one has removed already is as good. */
async function remove(namespaces: readonly string[]): Promise<void> {
  for (const name of namespaces) {
    try {
      const { stdout } = await run("ip", ["netns", "pids", name]);
      for (const pid of stdout.split("\n").filter(Boolean)) kill(Number(pid));
      await run("ip", ["netns", "del", name]);
    } catch (error) {
      const { stdout } = await run("ip", ["netns", "list"]);
      if (namespacesIn(stdout).includes(name)) throw error;
    }
  }
}

async function batch(namespace: string, lines: readonly string[]): Promise<void> {
  const child = run("ip", ["-n", namespace, "-batch", "-"]);
  child.child.stdin?.end(`${lines.join("\n")}\n`);
  await child;
}

function namespacesIn(list: string): readonly string[] {
  return list
    .split("\n")
    .map((line) => line.split(" ")[0] ?? "")
    .filter(Boolean);
}

function portOf(endpoint: string): string {
  return endpoint.slice(endpoint.lastIndexOf(":") + 1);
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}

function kill(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch {
    // It has ended in the meantime.
  }
}
