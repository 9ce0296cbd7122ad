/**
 * Two network namespaces with a wire between them: a node and its strangers as on two machines, with addresses that are
 * not loopback's. Takes root and Linux; nothing of the machine's own network is touched.
 */
import { execFile, spawn, type ChildProcess } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import type { Order } from "./door-process.js";

const run = promisify(execFile);
const program = fileURLToPath(new URL("./door-process.ts", import.meta.url));
/** Set aside for tests of network devices (RFC 2544): nobody's address. */
const addresses = ["198.18.77.1", "198.18.77.2"] as const;
let count = 0;

export class TwoHosts {
  /** The first is the node's. */
  readonly addresses = addresses;
  readonly #names: readonly [string, string];
  readonly #processes: ChildProcess[] = [];

  private constructor(names: readonly [string, string]) {
    this.#names = names;
  }

  static async create(): Promise<TwoHosts> {
    count += 1;
    const id = `fdoor-${process.pid}-${count}`;
    const hosts = new TwoHosts([`${id}-a`, `${id}-b`]);
    try {
      await hosts.#make();
    } catch (error) {
      await hosts.close();
      throw error;
    }
    return hosts;
  }

  /** A process on one of the hosts, which does what it is told. */
  start(host: 0 | 1): (order: Order) => Promise<unknown> {
    const node = [process.execPath, "--conditions=@foundation/source", "--import", "tsx", program];
    const child = spawn("ip", ["netns", "exec", this.#names[host], ...node], {
      stdio: ["ignore", "ignore", "inherit", "ipc"],
    });
    this.#processes.push(child);
    return (order) =>
      new Promise((resolve, reject) => {
        const gone = () => reject(new Error(`the process ended before it answered ${order.type}`));
        child.once("exit", gone);
        child.once("message", (answer) => {
          child.off("exit", gone);
          resolve(answer);
        });
        child.send(order);
      });
  }

  async close(): Promise<void> {
    for (const child of this.#processes) child.kill("SIGKILL");
    for (const name of this.#names) await run("ip", ["netns", "del", name]).catch(() => {});
  }

  async #make(): Promise<void> {
    const [a, b] = this.#names;
    const ip = (line: string) => run("ip", line.split(" "));
    await ip(`netns add ${a}`);
    await ip(`netns add ${b}`);
    await ip(`-n ${a} link add eth0 type veth peer name eth0 netns ${b}`);
    for (const [i, name] of this.#names.entries()) {
      await ip(`-n ${name} addr add ${addresses[i]}/24 dev eth0`);
      await ip(`-n ${name} link set lo up`);
      await ip(`-n ${name} link set eth0 up`);
    }
  }
}

/** True where two such hosts can be made. */
export async function canMakeTwoHosts(): Promise<boolean> {
  const hosts = await TwoHosts.create();
  await hosts.close();
  return true;
}
