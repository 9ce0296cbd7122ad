/**
 * namespaceWorld: each node a process of the operating system on a host of its own; faults are the kernel's.
 *
 * Nodes are told what to do over Node's channel to a child process, so a node that is cut off or slow still obeys. They
 * find each other through files, as processes of one user do, which stands for a discovery service beside the network.
 */
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { LedgerLine } from "./ledger.js";
import { HostedProcess } from "./namespaces/hosted-process.js";
import type { Hosts } from "./namespaces/hosts.js";
import { eventuallyInRealTime, runInRealTime } from "./real-time.js";
import { Roster } from "./roster.js";
import type { Capability, LinkSpeed, NodeControl, NodeOptions, World } from "./world.js";

/** What kernels do; bytes in the middle of a connection they do not mangle. */
export const namespaceCapabilities: readonly Capability[] = [
  "kill",
  "partition",
  "one-way",
  "slow",
  "reset",
  "half-open",
  "black-hole",
  "pause",
];

export interface NamespaceWorldOptions {
  /** Hosts of the names that will be started; they are the world's, and removed with it. */
  readonly hosts: Hosts;
  /** The bundled program of a node. */
  readonly program: string;
  /** Whether links will be slowed: then nodes dial through a proxy of their own. @default false */
  readonly slowable?: boolean;
}

let count = 0;

export function namespaceWorld(options: NamespaceWorldOptions): World {
  count += 1;
  return new NamespaceWorld(`worlds-${process.pid}-${count}`, options);
}

class NamespaceWorld implements World {
  readonly name = "namespaces";
  readonly can: ReadonlySet<Capability> = new Set(namespaceCapabilities);
  readonly #cluster: string;
  readonly #hosts: Hosts;
  readonly #program: string;
  readonly #slowable: boolean;
  readonly #startedMs = performance.now();
  readonly #folder = mkdtempSync(join(tmpdir(), "foundation-worlds-"));
  readonly #roster = new Roster<HostedProcess>();
  readonly #secrets = new Map<string, string>();
  readonly #started = new Set<HostedProcess>();

  constructor(cluster: string, { hosts, program, slowable = false }: NamespaceWorldOptions) {
    this.#cluster = cluster;
    this.#hosts = hosts;
    this.#program = program;
    this.#slowable = slowable;
    mkdirSync(join(this.#folder, "ledgers"));
  }

  now(): number {
    return performance.now() - this.#startedMs;
  }

  start(name: string, { secret }: NodeOptions = {}): Promise<NodeControl> {
    if (secret !== undefined) this.#secrets.set(name, secret);
    return this.restart(name);
  }

  async restart(name: string): Promise<NodeControl> {
    const child = new HostedProcess(
      this.#program,
      this.#hosts.namespaceOf(name),
      {
        cluster: this.#cluster,
        name,
        secret: this.#secrets.get(name) ?? "a secret of all worlds",
        dataDir: join(this.#folder, name),
        host: this.#hosts.addressOf(name),
        ledger: join(this.#folder, "ledgers", `${name}-${this.#started.size}`),
        slowable: this.#slowable ? this.#hosts.names : undefined,
      },
      { XDG_RUNTIME_DIR: this.#folder },
    );
    this.#started.add(child);
    const key = await child.up();
    return this.#roster.add(name, key, child, (command) => child.ask(command));
  }

  async stop(name: string): Promise<void> {
    await this.#roster.settle(name);
    const { handle } = this.#roster.of(name);
    this.#roster.remove(name);
    await handle.ask({ type: "leave" });
    await this.#end(handle);
  }

  async kill(name: string): Promise<void> {
    const { handle } = this.#roster.of(name);
    this.#roster.remove(name);
    await this.#end(handle);
  }

  async partition(...groups: readonly (readonly string[])[]): Promise<void> {
    for (const group of groups) {
      const others = groups.filter((other) => other !== group).flat();
      await this.cut(group, others);
    }
  }

  async cut(from: readonly string[], to: readonly string[]): Promise<void> {
    await Promise.all(from.flatMap((a) => to.map((b) => this.#hosts.partition(a, b))));
  }

  async heal(): Promise<void> {
    await this.#hosts.heal();
    if (!this.#slowable) return;
    const running = this.#roster.running.map(({ handle }) => handle.ask({ type: "proxy-heal" }));
    await Promise.all(running);
  }

  async slow(a: string, b: string, speed: LinkSpeed): Promise<void> {
    if (!this.#slowable) throw new Error('this scenario does not say that it needs "slow"');
    const { latencyMs, jitterMs = 0, bytesPerSecond } = speed;
    for (const [from, to] of [
      [a, b],
      [b, a],
    ] as const) {
      const command = { type: "proxy-slow", from, to, latencyMs, jitterMs } as const;
      // Each connection is in the hands of the node that dialled it.
      for (const end of [a, b]) await this.#roster.of(end).handle.ask(command);
      if (bytesPerSecond !== undefined) await this.#hosts.limit(from, to, bytesPerSecond);
    }
  }

  async reset(a: string, b: string): Promise<void> {
    await this.#hosts.reset(a, b);
  }

  async halfOpen(a: string, b: string): Promise<void> {
    await this.#hosts.halfOpen(b, a);
  }

  async blackHole(a: string, b: string): Promise<void> {
    await this.#hosts.blackHole(a, b);
  }

  async pause(name: string): Promise<void> {
    this.#roster.of(name).handle.signal("SIGSTOP");
  }

  async resume(name: string): Promise<void> {
    this.#roster.of(name).handle.signal("SIGCONT");
  }

  async injectGarbage(): Promise<void> {
    throw new Error('the world of namespaces cannot do "mangle": look at world.can first');
  }

  fragment(): Promise<void> {
    return this.injectGarbage();
  }

  run = runInRealTime;
  eventually = eventuallyInRealTime;

  async ledger(): Promise<readonly LedgerLine[]> {
    const folder = join(this.#folder, "ledgers");
    const texts = readdirSync(folder).map((file) => readFileSync(join(folder, file), "utf8"));
    return texts
      .flatMap((text) => text.split("\n").filter(Boolean))
      .map((line) => JSON.parse(line) as LedgerLine);
  }

  outcomes() {
    return this.#roster.outcomes();
  }

  async close(): Promise<void> {
    await Promise.all([...this.#started].map((child) => this.#end(child)));
    await this.#hosts.close();
    rmSync(this.#folder, { recursive: true, force: true });
  }

  /** A stopped process ends by this too. */
  async #end(child: HostedProcess): Promise<void> {
    child.signal("SIGKILL");
    await child.ended;
    this.#started.delete(child);
  }
}
