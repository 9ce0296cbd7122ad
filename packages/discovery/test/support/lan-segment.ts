/**
 * LanSegment: machines on one wire. Network namespaces with a bridge between them, IPv4 and IPv6, multicast and all; takes
 * root and Linux, and touches nothing of the machine's own network.
 */
import { execFile } from "node:child_process";
import { promisify } from "node:util";

const run = promisify(execFile);
const PREFIX = "flan";
let count = 0;

/** Set aside for tests of network devices (RFC 2544), and unique local ones (RFC 4193): nobody's addresses. */
const four = (host: number, net = 78) => `198.18.${net}.${host}`;
const six = (host: number) => `fd46:6f75::${host}`;

export class LanSegment {
  readonly #id: string;
  readonly #size: number;

  private constructor(id: string, size: number) {
    this.#id = id;
    this.#size = size;
  }

  /** Machines 1 to `size`, each with eth0 on the bridge. */
  static async create(size: number): Promise<LanSegment> {
    await sweep();
    count += 1;
    const segment = new LanSegment(`${PREFIX}-${process.pid}-${count}`, size);
    try {
      await segment.#make();
    } catch (error) {
      await segment.close();
      throw error;
    }
    return segment;
  }

  namespace(host: number): string {
    return `${this.#id}-${host}`;
  }

  address(host: number, net = 78): string {
    return four(host, net);
  }

  address6(host: number): string {
    return six(host);
  }

  /** Runs a command on a machine. */
  async in(host: number, ...command: readonly string[]): Promise<string> {
    const { stdout } = await run("ip", ["netns", "exec", this.namespace(host), ...command]);
    return stdout;
  }

  /** So many of a hundred datagrams do not arrive at this machine. */
  async lose(host: number, percent: number): Promise<void> {
    const chain = "chain arriving { type filter hook input priority 0; policy accept; }";
    await this.in(host, "nft", `table inet ${PREFIX} {\n${chain}\n}`);
    const rule = `add rule inet ${PREFIX} arriving meta l4proto udp numgen random mod 100 < ${percent} drop`;
    await this.in(host, "nft", rule);
  }

  /** The machine gets another address, as a laptop in another network. */
  async readdress(host: number, net: number): Promise<void> {
    await this.in(host, "ip", "-4", "addr", "flush", "dev", "eth0");
    await this.in(host, "ip", "addr", "add", `${four(host, net)}/16`, "dev", "eth0");
  }

  /** A second interface, on another wire, with an address of another network. */
  async addInterface(host: number, name: string, net: number): Promise<void> {
    const bridge = `link add br-${name} type bridge mcast_snooping 0`;
    // Machines on that wire before this one have made it.
    await batch(this.namespace(0), [bridge, `link set br-${name} up`]).catch(() => undefined);
    await this.#plug(host, name, `${four(host, net)}/24`);
  }

  async close(): Promise<void> {
    await removeAll((name) => name.startsWith(`${this.#id}-`));
  }

  async #make(): Promise<void> {
    const bridge = this.namespace(0);
    await run("ip", ["netns", "add", bridge]);
    await batch(bridge, ["link add br-eth0 type bridge mcast_snooping 0", "link set br-eth0 up"]);
    for (let host = 1; host <= this.#size; host += 1) {
      await run("ip", ["netns", "add", this.namespace(host)]);
      await batch(this.namespace(host), ["link set lo up"]);
      // No second of waiting for somebody who has the same IPv6 address.
      await this.in(host, "sh", "-c", "echo 0 > /proc/sys/net/ipv6/conf/default/accept_dad");
      await this.#plug(host, "eth0", `${four(host)}/16`);
      await batch(this.namespace(host), [`addr add ${six(host)}/64 dev eth0 nodad`]);
    }
  }

  async #plug(host: number, name: string, address: string): Promise<void> {
    const own = this.namespace(host);
    const port = `p${host}-${name}`;
    await batch(this.namespace(0), [
      `link add ${port} type veth peer name ${name} netns ${own}`,
      `link set ${port} master br-${name} up`,
    ]);
    await batch(own, [`addr add ${address} dev ${name}`, `link set ${name} up`]);
  }
}

/** True where such machines can be made. */
export async function canMakeLan(): Promise<boolean> {
  const segment = await LanSegment.create(1);
  try {
    await segment.lose(1, 0);
    return true;
  } finally {
    await segment.close();
  }
}

async function batch(namespace: string, lines: readonly string[]): Promise<void> {
  const child = run("ip", ["-n", namespace, "-batch", "-"]);
  child.child.stdin?.end(`${lines.join("\n")}\n`);
  await child;
}

/** What killed runs have left. */
async function sweep(): Promise<void> {
  await removeAll((name) => {
    const [prefix, owner] = name.split("-");
    return prefix === PREFIX && !isAlive(Number(owner));
  });
}

async function removeAll(isMeant: (name: string) => boolean): Promise<void> {
  const { stdout } = await run("ip", ["netns", "list"]);
  const names = stdout.split("\n").map((line) => line.split(" ")[0] ?? "");
  for (const name of names.filter((each) => each !== "" && isMeant(each))) {
    const pids = await run("ip", ["netns", "pids", name]).catch(() => ({ stdout: "" }));
    for (const pid of pids.stdout.split("\n").filter(Boolean)) kill(Number(pid));
    await run("ip", ["netns", "del", name]).catch(() => undefined);
  }
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
