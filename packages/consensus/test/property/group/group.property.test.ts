/**
 * Members of a group whose power fails, whose links are cut, who hand over and take snapshots, while
 * all of them propose: what was acknowledged is there, once, where it was said to be; what was
 * refused is nowhere; all hold the same; and once all is well again, everything is answered.
 */
import { describe, expect, it } from "@jest/globals";
import { isFoundationError } from "@foundation/core";
import { seededRandom } from "@foundation/core/testing";
import { bytes, Table, type Seat } from "../../unit/group/rig.js";

/** More of them by GROUP_WORLDS. */
const WORLDS = Number(process.env["GROUP_WORLDS"] ?? 25);
const SIZE_OF = [3, 5, 3, 1];

interface Fate {
  readonly text: string;
  readonly type: "applied" | "refused" | "unknown" | "open";
  readonly response?: string;
}

class World {
  readonly random;
  readonly table: Table;
  readonly fates = new Map<string, Fate>();
  readonly lost = new Map<string, Seat>();
  readonly reads: { readonly floor: number; readonly found: number }[] = [];
  readonly options;
  readonly latencyMs;
  acknowledged = 0;
  changes = 0;
  #count = 0;

  constructor(seed: number) {
    this.random = seededRandom(`group ${seed}`);
    const snapshotLogBytes = 500 + (this.random.uint32() % 4_000);
    this.options = { limits: { snapshotLogBytes, snapshotLogBytesMax: snapshotLogBytes } };
    const detectionMs = seed % 3 ? 40 : 900;
    this.latencyMs = this.random.next() * 40;
    const diskMs = this.random.next() * 30;
    const size = SIZE_OF[seed % SIZE_OF.length] ?? 3;
    this.table = new Table(size, this.options, detectionMs, this.latencyMs);
    if (seed % 2 === 0) this.table.diskMs = () => this.random.next() * diskMs;
  }

  pick<T>(from: readonly T[]): T | undefined {
    return from[this.random.uint32() % from.length];
  }

  propose(seat = this.pick([...this.table.seats.values()])): void {
    if (!seat) return;
    this.#count += 1;
    const text = `c${this.#count}`;
    this.fates.set(text, { text, type: "open" });
    const timeout = this.random.next() < 0.2 ? 20 + this.random.next() * 200 : 4_000;
    seat.group.propose(bytes(text), { timeout }).then(
      ({ response }) => {
        this.acknowledged += 1;
        this.fates.set(text, { text, type: "applied", response });
      },
      (error: unknown) => {
        const isUnknown = isFoundationError(error, "ERR_OUTCOME_UNKNOWN");
        this.fates.set(text, { text, type: isUnknown ? "unknown" : "refused" });
      },
    );
  }

  /** A read must see as much as was acknowledged when it was asked for. */
  read(): void {
    const seat = this.pick([...this.table.seats.values()]);
    const floor = this.acknowledged;
    seat?.group.read().then(
      () => this.reads.push({ floor, found: seat.machine.texts.length }),
      () => {},
    );
  }

  async harm(): Promise<void> {
    const { table } = this;
    const names = [...table.seats.keys()];
    const dice = this.random.next();
    if (dice < 0.3) {
      const name = this.pick(names);
      if (name === undefined) return;
      this.lost.set(name, table.seat(name));
      await table.crash(name);
    } else if (dice < 0.6) {
      await this.revive();
    } else if (dice < 0.75) {
      await this.cut();
    } else if (dice < 0.9) {
      table.cluster.heal();
    } else {
      const seat = this.pick([...this.table.seats.values()]);
      seat?.group.transfer(undefined, { timeout: 500 }).catch(() => {});
    }
  }

  /** Leaves a member out, or takes one back in. */
  change(): void {
    const asked = this.pick([...this.table.seats.values()]);
    const id = this.pick(this.table.ids);
    if (!asked || id === undefined) return;
    const { voters } = asked.group.status().configuration;
    const type = voters.includes(id) ? "remove" : "add-when-caught-up";
    if (type === "remove" && voters.length < 4) return;
    this.changes += 1;
    asked.group.change([{ type, id }], { timeout: 1_000 }).catch(() => {});
  }

  /** Everybody is a voter again. */
  async gathered(): Promise<void> {
    const { table } = this;
    for (let i = 0; i < 40; i += 1) {
      const { voters } = (table.leader ?? this.anybody()).group.status().configuration;
      const missing = table.ids.find((id) => !voters.includes(id));
      if (missing === undefined) return;
      const change = { type: "add-when-caught-up", id: missing } as const;
      const asked = table.leader?.group.change([change], { timeout: 2_000 }).catch(() => {});
      await table.run(Promise.resolve(asked));
      await table.clock.advance(1_000);
    }
    throw new Error("a member that was left out is never taken back in");
  }

  anybody(): Seat {
    const [seat] = this.table.seats.values();
    if (!seat) throw new Error("nobody is there");
    return seat;
  }

  /** Cuts a member off, often after what it asked for has left it. */
  async cut(): Promise<void> {
    const { table } = this;
    const name = this.pick([...table.seats.keys()]);
    if (name === undefined) return;
    for (let i = 0; i < 4; i += 1) {
      this.propose(table.seat(name));
      await table.clock.advance(this.random.next() * this.latencyMs);
    }
    table.cluster.partition([name]);
    if (this.random.next() < 0.5) return;
    for (let i = 0; i < 60; i += 1) this.propose();
    await table.clock.advance(this.random.next() * 2_500);
    table.cluster.heal();
  }

  async revive(): Promise<void> {
    const found = this.pick([...this.lost.keys()]);
    const seat = found === undefined ? undefined : this.lost.get(found);
    if (!seat) return;
    this.lost.delete(seat.name);
    await this.table.restart(seat.name, seat.storage, this.options);
  }

  async play(): Promise<void> {
    await this.table.open();
    for (let step = 0; step < 120; step += 1) {
      for (let i = this.random.uint32() % 6; i > 0; i -= 1) this.propose();
      if (this.random.next() < 0.3) this.read();
      if (this.random.next() < 0.15) await this.harm();
      if (this.random.next() < 0.04) this.change();
      await this.table.clock.advance(this.random.next() * 60);
    }
    while (this.lost.size > 0) await this.revive();
    this.table.cluster.heal();
    await this.table.clock.advance(6_000);
    await this.gathered();
  }

  check(texts: readonly string[]): void {
    expect(new Set(texts).size).toBe(texts.length);
    const places = new Map(texts.map((text, i) => [text, i + 1]));
    for (const { text, type, response } of this.fates.values()) {
      const place = places.get(text);
      if (type === "applied") expect(response).toBe(`${place}:${text}`);
      else if (type === "refused") expect({ text, place }).toEqual({ text, place: undefined });
      else expect(type).toBe("unknown");
    }
    for (const { floor, found } of this.reads) expect(found).toBeGreaterThanOrEqual(floor);
    const { machine: first } = this.anybody();
    expect(first.times).toEqual([...first.times].sort((a, b) => a - b));
    for (const { group, machine } of this.table.seats.values()) {
      expect(group.status().failure).toBeUndefined();
      expect(machine.times).toEqual(first.times);
    }
  }
}

describe("a group of members that fail", () => {
  it("keeps its word to everybody in every world", async () => {
    const totals = { applied: 0, refused: 0, unknown: 0, reads: 0, restores: 0, changes: 0 };
    const first = Number(process.env["GROUP_SEED"] ?? 0);
    for (let seed = first; seed < first + WORLDS; seed += 1) {
      const world = new World(seed);
      try {
        await world.play();
        const leader = await world.table.led();
        const { response } = await world.table.run(leader.group.propose(bytes("last")));
        const texts = await world.table.agreed();
        expect(response).toBe(`${texts.length}:last`);
        world.check(texts);
      } catch (error) {
        throw new Error(`GROUP_SEED=${seed} GROUP_WORLDS=1: ${String(error)}`, { cause: error });
      }
      for (const { type } of world.fates.values()) if (type !== "open") totals[type] += 1;
      totals.reads += world.reads.length;
      totals.changes += world.changes;
      for (const { machine } of world.table.seats.values()) totals.restores += machine.restores;
      await world.table.close();
    }
    // The worlds do what they are made for.
    if (WORLDS >= 25) {
      expect(totals.applied).toBeGreaterThan(1_000);
      expect(totals.unknown).toBeGreaterThan(10);
      expect(totals.refused).toBeGreaterThan(0);
      expect(totals.reads).toBeGreaterThan(100);
      expect(totals.restores).toBeGreaterThan(5);
      expect(totals.changes).toBeGreaterThan(3);
    }
    if (process.env["GROUP_REPORT"]) process.stdout.write(`${JSON.stringify(totals)}\n`);
  }, 280_000);
});
