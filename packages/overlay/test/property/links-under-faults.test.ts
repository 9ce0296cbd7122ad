/**
 * Whole overlays on a virtual network under random faults: what the Messenger port promises holds
 * whatever breaks. A failure names its seed.
 */
import { describe, expect, test } from "@jest/globals";
import type { NodeId } from "@foundation/core";
import { seededRandom } from "@foundation/core/testing";
import type { Overlay } from "../../src/index.js";
import { VirtualOverlays } from "../support/virtual-overlays.js";

interface Request {
  readonly number: number;
  outcome: string;
}

/** What was sent and what arrived, over all nodes of one run. */
class Books {
  readonly requests: Request[] = [];
  readonly runs = new Map<number, number>();
  readonly faults: string[] = [];
  readonly #last = new Map<string, number>();
  #number = 0;

  next(): number {
    this.#number += 1;
    return this.#number;
  }

  /** Messages of one sender, target, channel and key arrive in order, at most once. */
  arrived(stream: string, number: number): void {
    if (number <= (this.#last.get(stream) ?? 0)) this.faults.push(`${stream}: ${number} again`);
    this.#last.set(stream, number);
  }
}

const channels = ["data", "events"];
const keys = [undefined, "x", "y", "z"];
const maySend = new Set(["ERR_NODE_UNREACHABLE", "ERR_TIMEOUT", "ERR_ABORTED"]);

class Run {
  readonly books = new Books();
  readonly world: VirtualOverlays;
  readonly #random;
  readonly #alive = new Map<string, Overlay>();
  readonly #ids = new Map<string, NodeId>();

  constructor(readonly seed: number) {
    this.world = new VirtualOverlays(seed, seed % 4, (seed * 7) % 11);
    this.#random = seededRandom(`links-${seed}`);
  }

  async start(host: string): Promise<void> {
    const peers = ["a", "b", "c", "d"].map((name) => `memory://${name}:1000`);
    const id = this.#ids.get(host);
    const node = await this.world.start(host, {
      peers,
      channels: [{ name: "data", parallelism: 3 }],
      ...(id === undefined ? {} : { id }),
    });
    this.#ids.set(host, node.self.id);
    this.#alive.set(host, node);
    node.messenger.handle("message", ({ fromBoot, channel, payload }) => {
      const { key, number } = payload as { key: string; number: number };
      this.books.arrived(`${fromBoot} > ${node.self.boot} ${channel} ${key}`, number);
    });
    node.messenger.handle("call", async ({ payload }) => {
      const { number, ms } = payload as { number: number; ms: number };
      this.books.runs.set(number, (this.books.runs.get(number) ?? 0) + 1);
      if (ms > 0) await this.world.clock.sleep(ms);
      return number;
    });
  }

  async run(steps: number): Promise<void> {
    for (const host of ["a", "b", "c"]) await this.start(host);
    for (let step = 0; step < steps; step += 1) {
      for (let i = 0; i < 6; i += 1) this.#traffic();
      if (this.#chance(0.3)) await this.#fault();
      await this.world.clock.advance(this.#random.next() * (this.#chance(0.1) ? 7_000 : 300));
    }
    this.world.network.heal();
    await this.#settle();
  }

  #pick<T>(items: readonly T[]): T {
    return items[Math.floor(this.#random.next() * items.length)] as T;
  }

  #chance(p: number): boolean {
    return this.#random.next() < p;
  }

  #traffic(): void {
    const from = this.#pick([...this.#alive.values()]);
    const to = this.#pick([...this.#ids.values()]);
    const [channel, key, number] = [this.#pick(channels), this.#pick(keys), this.books.next()];
    const keyed = key === undefined ? {} : { key };
    const route = { to, channel, subject: "message", ...keyed };
    const kind = this.#random.next();
    if (kind < 0.5) from.messenger.trySend(route, { key, number });
    else if (kind < 0.6) from.messenger.send(route, { key, number }).catch(() => {});
    else this.#request(from, { ...route, subject: "call" }, number);
  }

  #request(from: Overlay, route: Parameters<Overlay["messenger"]["request"]>[0], number: number) {
    const request: Request = { number, outcome: "pending" };
    this.books.requests.push(request);
    const abort = new AbortController();
    if (this.#chance(0.1)) this.world.clock.setTimer(this.#random.next() * 50, () => abort.abort());
    const timeoutMs = this.#chance(0.5) ? 3_000 : 1 + this.#random.next() * 100;
    const ms = this.#chance(0.5) ? 0 : this.#random.next() * 200;
    from.messenger.request(route, { number, ms }, { timeoutMs, signal: abort.signal }).then(
      (value) => (request.outcome = value === number ? "ok" : `another's reply: ${String(value)}`),
      (error: { code?: string }) => (request.outcome = error.code ?? String(error)),
    );
  }

  async #fault(): Promise<void> {
    const { network } = this.world;
    const hosts = [...this.#alive.keys()];
    const [one, other] = [this.#pick(hosts), this.#pick(hosts)];
    const fault = Math.floor(this.#random.next() * 6);
    if (fault === 0) network.sever(one, other);
    if (fault === 1 && one !== other) network.cut(one, other, { oneWay: this.#chance(0.5) });
    if (fault === 2) network.heal();
    if (fault <= 2) return;
    if (this.#alive.size > 2) {
      const node = this.#alive.get(one) as Overlay;
      this.#alive.delete(one);
      const ending = fault === 3 ? node.leave({ timeout: "500ms" }) : node.close();
      if (fault === 4) network.crash(one);
      if (this.#chance(0.7)) await this.world.clock.run(ending);
      network.crash(one);
    }
    const absent = ["a", "b", "c", "d"].filter((host) => !this.#alive.has(host));
    if (fault === 5 && absent.length > 0) await this.start(this.#pick(absent));
  }

  /** All see all, every pair can talk, and there is one connection for each link. */
  async #settle(): Promise<void> {
    const alive = [...this.#alive.values()];
    const converged = () =>
      alive.every(({ membership }) => {
        const members = membership.members();
        return members.length === alive.length && members.every(({ status }) => status === "alive");
      });
    for (let i = 0; i < 120 && !converged(); i += 1) await this.world.clock.advance(500);
    expect(converged()).toBe(true);
    await this.world.clock.advance(6_000);
    for (const request of this.books.requests) expect(request.outcome).not.toBe("pending");
    for (const from of alive) {
      for (const to of alive) {
        const route = { to: to.self.id, channel: "data", subject: "call" };
        this.#request(from, route, this.books.next());
      }
    }
    await this.world.clock.advance(4_000);
  }

  check(): void {
    expect(this.books.faults).toEqual([]);
    for (const { number, outcome } of this.books.requests) {
      const runs = this.books.runs.get(number) ?? 0;
      const where = { number, outcome };
      if (outcome === "ok") expect({ ...where, runs }).toEqual({ ...where, runs: 1 });
      else if (maySend.has(outcome)) expect({ ...where, runs }).toEqual({ ...where, runs: 0 });
      else {
        expect(where).toEqual({ number, outcome: "ERR_OUTCOME_UNKNOWN" });
        expect(runs).toBeLessThanOrEqual(1);
      }
    }
  }

  async close(): Promise<void> {
    await this.world.close();
    expect(this.world.network.openConnections).toBe(0);
    expect(this.world.clock.pendingTimers).toBe(0);
  }
}

/** One run of a seed; the error names it. */
async function runSeed(seed: number, steps = 40): Promise<void> {
  const run = new Run(seed);
  try {
    await run.run(steps);
    run.check();
    await run.close();
    const errors = run.world.logger.lines.filter(({ level }) => level === "error");
    expect(errors.filter(({ message }) => !message.includes("same node id"))).toEqual([]);
  } catch (cause) {
    throw new Error(`seed ${seed}: ${String(cause)}`, { cause });
  }
}

const count = Number(process.env["LINKS_SEEDS"] ?? 12);
const first = Number(process.env["LINKS_FIRST"] ?? 1);

describe("links under any mixture of faults", () => {
  test("deliver in order and at most once, settle every request as it went, and come back", async () => {
    for (let seed = first; seed < first + count; seed += 1) await runSeed(seed);
  }, 600_000);
});
