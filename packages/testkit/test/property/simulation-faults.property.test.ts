/**
 * All faults at once, drawn from the seed: the run is the same each time, nothing but what a fault may do happens to files
 * and connections, and after a heal everything works.
 */
import { describe, expect, test } from "@jest/globals";
import type { Connection } from "@foundation/core/ports";
import { createSimulator, type SimulatedHost, type Simulator } from "../../src/index.js";

const names = ["a", "b", "c"] as const;
const RECORD_BYTES = 8;

/** Writes numbered records into a log, tells its peers numbers, and notes what is wrong. */
class Busy {
  /** Records that were synced, as this boot knows. */
  synced = 0;
  ticks = 0;
  heard = 0;

  constructor(
    readonly host: SimulatedHost,
    readonly wrong: string[],
    /** Records that must be on the disk of each node. */
    readonly promised: Map<string, number>,
  ) {}

  async start(): Promise<this> {
    const { transport, storage, clock } = this.host.runtime;
    await transport.listen({ host: this.host.name, port: 7_000 }, (connection) =>
      this.#listen(connection),
    );
    const before = await storage.read("log").catch(() => undefined);
    // What was torn is cut off before anything is written after it.
    this.synced = Math.floor((before?.length ?? 0) / RECORD_BYTES);
    const promised = this.promised.get(this.host.name) ?? 0;
    if (this.synced < promised) {
      this.wrong.push(`${this.host.name}: ${this.synced} records of ${promised} that were synced`);
    }
    if (before) await storage.truncate("log", this.synced * RECORD_BYTES).catch(() => {});
    clock.setTimer(50, () => this.#tick());
    void this.#write();
    return this;
  }

  #tick(): void {
    const { clock } = this.host.runtime;
    this.ticks += 1;
    const setMs = clock.now();
    clock.setTimer(50, () => {
      if (clock.now() < setMs + 50) this.wrong.push(`${this.host.name}: a timer came early`);
      this.#tick();
      if (this.ticks % 4 === 0) void this.#tell();
    });
  }

  async #write(): Promise<void> {
    const { storage, clock } = this.host.runtime;
    for (;;) {
      await clock.sleep(30);
      try {
        await storage.append("log", new Uint8Array(RECORD_BYTES).fill(this.synced % 251));
        await storage.sync("log");
        this.synced += 1;
        this.promised.set(this.host.name, this.synced);
      } catch {
        await storage.truncate("log", this.synced * RECORD_BYTES).catch(() => {});
      }
    }
  }

  async #tell(): Promise<void> {
    const { transport, random } = this.host.runtime;
    const to = names[Math.floor(random.next() * names.length)] as string;
    try {
      const { signal } = new AbortController();
      const connection = await transport.dial(`sim://${to}:7000`, { signal });
      for (let i = 0; i < 5; i++) connection.send(Uint8Array.of(i));
      connection.close();
    } catch {
      // A fault: that is what they are for.
    }
  }

  #listen(connection: Connection): void {
    let next = 0;
    connection.onFrame(([number]) => {
      this.heard += 1;
      if (number !== next) this.wrong.push(`${this.host.name}: frame ${number}, not ${next}`);
      next += 1;
    });
  }
}

function strike(sim: Simulator<Busy>, promised: Map<string, number>): void {
  const { random } = sim;
  const pick = <T>(from: readonly T[]): T => from[Math.floor(random.next() * from.length)] as T;
  const a = pick(names);
  const b = pick(names.filter((name) => name !== a));
  const isUp = sim.node(a).state !== "down";
  const faults: readonly (() => void)[] = [
    () => sim.crash(a, { kind: pick(["process", "power"]) }),
    () => {
      if (isUp) return;
      promised.delete(a);
      sim.restart(a, { disk: pick(["wiped", "restored"]) });
    },
    () => isUp || sim.restart(a),
    () => isUp || sim.restart(a),
    () => sim.pause(a),
    () => sim.resume(a),
    () => sim.suspend(a, random.next() * 2_000, { clock: pick(["runs", "stands"]) }),
    () => sim.skewWall(a, random.next() * 1_000),
    () => sim.jumpWall(a, random.next() * 2_000 - 1_000),
    () => sim.driftClock(a, 0.9 + random.next() * 0.2),
    () => sim.stallDisk(a, random.next() * 2_000),
    () => sim.fillDisk(a, random.next() < 0.5),
    () => sim.corruptDisk(a),
    () => sim.snapshotDisk(a),
    () => sim.partition([a], [b], { oneWay: random.next() < 0.5 }),
    () => sim.reset(a, b, { half: random.next() < 0.5 }),
    () =>
      sim.link(a, b, {
        latencyMs: random.next() * 500,
        jitterMs: 50,
        spikeChance: 0.1,
        spikeMs: 300,
        bytesPerMs: 1 + random.next() * 50,
      }),
    () => sim.heal(),
  ];
  pick(faults)();
}

async function play(seed: number): Promise<{ hash: string; wrong: readonly string[] }> {
  const sim = createSimulator<Busy>({ seed: `faults ${seed}` });
  const wrong: string[] = [];
  const promised = new Map<string, number>();
  try {
    for (const name of names) sim.addNode(name, (host) => new Busy(host, wrong, promised).start());
    await sim.run("1s");
    for (let i = 0; i < 60; i++) {
      strike(sim, promised);
      await sim.run(sim.random.next() * 300);
    }
    sim.heal();
    for (const { name, state } of sim.nodes) if (state === "down") sim.restart(name);
    await sim.run("5s");
    const before = sim.nodes.map(({ app }) => counts(app));
    await sim.run("10s");
    sim.nodes.forEach(({ name, app }, i) => {
      counts(app).forEach((count, what) => {
        const before10s = before[i]?.[what] ?? 0;
        if (count <= before10s) wrong.push(`${name}: count ${what} stood still at ${count}`);
      });
    });
    return { hash: sim.trace.hash, wrong };
  } finally {
    sim.close();
  }
}

function counts(app: Busy | undefined): readonly number[] {
  return [app?.synced ?? 0, app?.ticks ?? 0, app?.heard ?? 0];
}

describe("all faults of a simulation", () => {
  test("leave order, synced bytes, timers and a way back whole, and come the same way each time", async () => {
    for (let seed = 0; seed < 15; seed++) {
      const first = await play(seed);
      expect({ seed, wrong: first.wrong }).toEqual({ seed, wrong: [] });
      expect(await play(seed)).toEqual(first);
    }
  }, 180_000);
});
