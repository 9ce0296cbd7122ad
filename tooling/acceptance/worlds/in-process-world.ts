/**
 * inProcessWorld: real nodes in this process, over real loopback WebSockets, every connection through the faulty proxy.
 *
 * A kill is what one process can do to a part of itself: the node's connections are reset, its port refuses, nothing it
 * says or dials reaches anybody again, and what is left of it is then cleared away. Its handlers may still end what they
 * had begun, so "nothing runs after a kill" is for the other worlds to prove. A pause of one node alone is impossible.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { nodeRuntime } from "@foundation/core";
import { seededRandom } from "@foundation/core/testing";
import { Agent } from "./agent.js";
import { writeLedgerTo, type LedgerLine } from "./ledger.js";
import { gatedTransport } from "./proxy/gated-transport.js";
import { Proxy } from "./proxy/proxy.js";
import { eventuallyInRealTime, runInRealTime } from "./real-time.js";
import { Roster } from "./roster.js";
import type { Capability, NodeControl, NodeOptions, World } from "./world.js";

/** What a proxy in front of every node can do, and what one process can do to a part of itself. */
export const inProcessCapabilities: readonly Capability[] = [
  "kill",
  "partition",
  "one-way",
  "slow",
  "reset",
  "half-open",
  "black-hole",
  "mangle",
];

const garbageBytes = 512;
let count = 0;

/** What all ledgers of this process wrote: several worlds may be open at once. */
const written: LedgerLine[] = [];

export function inProcessWorld(options: { readonly seed: string }): World {
  count += 1;
  return new InProcessWorld(`worlds-${process.pid}-${count}`, options.seed);
}

/** One boot: its agent, and whether it counts as killed. */
interface Boot {
  readonly agent: Agent;
  readonly life: { killed: boolean; address: string };
}

class InProcessWorld implements World {
  readonly name = "in-process";
  readonly can: ReadonlySet<Capability> = new Set(inProcessCapabilities);
  readonly #cluster: string;
  readonly #startedMs = performance.now();
  readonly #random;
  readonly #proxy;
  readonly #roster = new Roster<Boot>();
  /** Every boot there was. */
  readonly #keys: string[] = [];
  readonly #secrets = new Map<string, string>();
  /** Who listens where, and of the killed ones where it was. */
  readonly #addresses = new Map<string, string>();
  /** Killed boots that are cleared away, by name. */
  readonly #remains = new Map<string, Promise<unknown>>();
  readonly #folder = mkdtempSync(join(tmpdir(), "foundation-worlds-"));

  constructor(cluster: string, seed: string) {
    this.#cluster = cluster;
    this.#random = seededRandom(seed);
    this.#proxy = new Proxy(this.#random.fork("proxy"));
    writeLedgerTo((line) => written.push(line));
  }

  now(): number {
    return performance.now() - this.#startedMs;
  }

  start(name: string, { secret }: NodeOptions = {}): Promise<NodeControl> {
    if (secret !== undefined) this.#secrets.set(name, secret);
    return this.restart(name);
  }

  async restart(name: string): Promise<NodeControl> {
    // A data directory belongs to one boot at a time.
    await this.#remains.get(name);
    const life = { killed: false, address: "" };
    const transport = gatedTransport({
      proxy: this.#proxy,
      dialler: name,
      nodeAt: (address) => (life.killed ? undefined : this.#addresses.get(address)),
      listens: (address) => {
        life.address = address;
        this.#addresses.set(address, name);
      },
    });
    const runtime = { ...nodeRuntime(), transport };
    const agent = await Agent.start({
      clock: runtime.clock,
      start: {
        name: this.#cluster,
        node: { name },
        cluster: "local",
        dataDir: join(this.#folder, name),
        security: { secret: this.#secrets.get(name) ?? "a secret of all worlds" },
        shutdown: { timeout: "5s" },
        log: { level: "silent" },
        signals: false,
        runtime: { transport },
      },
    });
    this.#keys.push(agent.key);
    return this.#roster.add(name, agent.key, { agent, life }, (command) => agent.handle(command));
  }

  async stop(name: string): Promise<void> {
    await this.#roster.settle(name);
    const { handle } = this.#roster.of(name);
    this.#roster.remove(name);
    await handle.agent.handle({ type: "leave" });
  }

  async kill(name: string): Promise<void> {
    const { agent, life } = this.#roster.of(name).handle;
    this.#roster.remove(name);
    life.killed = true;
    const { hostname, port } = new URL(life.address);
    this.#proxy.kill(name, hostname, Number(port));
    this.#remains.set(name, agent.handle({ type: "leave" }));
  }

  async partition(...groups: readonly (readonly string[])[]): Promise<void> {
    for (const group of groups) {
      await this.cut(group, groups.filter((other) => other !== group).flat());
    }
  }

  async cut(from: readonly string[], to: readonly string[]): Promise<void> {
    for (const a of from) for (const b of to) this.#proxy.cut(a, b);
  }

  async heal(): Promise<void> {
    this.#proxy.heal();
  }

  async slow(a: string, b: string, speed: Parameters<World["slow"]>[2]): Promise<void> {
    this.#proxy.set(a, b, speed);
    this.#proxy.set(b, a, speed);
  }

  async reset(a: string, b: string): Promise<void> {
    this.#proxy.reset(a, b);
  }

  async halfOpen(a: string, b: string): Promise<void> {
    this.#proxy.halfOpen(a, b);
  }

  async blackHole(a: string, b: string): Promise<void> {
    this.#proxy.blackHole(a, b);
  }

  async pause(): Promise<void> {
    throw new Error('the in-process world cannot do "pause": look at world.can first');
  }

  resume(): Promise<void> {
    return this.pause();
  }

  async injectGarbage(a: string, b: string): Promise<void> {
    this.#proxy.inject(a, b, this.#random.secret(garbageBytes));
    this.#proxy.inject(b, a, this.#random.secret(garbageBytes));
  }

  async fragment(a: string, b: string, pieceBytes: number): Promise<void> {
    this.#proxy.set(a, b, { pieceBytesMax: pieceBytes });
    this.#proxy.set(b, a, { pieceBytesMax: pieceBytes });
  }

  run = runInRealTime;
  eventually = eventuallyInRealTime;

  async ledger(): Promise<readonly LedgerLine[]> {
    return written.filter(({ instance }) => this.#keys.some((key) => instance.startsWith(key)));
  }

  outcomes() {
    return this.#roster.outcomes();
  }

  async close(): Promise<void> {
    this.#proxy.heal();
    const leaving = this.#roster.running.map(({ handle }) =>
      handle.agent.handle({ type: "leave" }),
    );
    await Promise.all([...leaving, ...this.#remains.values()]);
    await this.#proxy.close();
    rmSync(this.#folder, { recursive: true, force: true });
  }
}
