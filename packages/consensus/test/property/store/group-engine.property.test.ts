/**
 * Engines over a group that loses, delays and repeats: each request takes effect as often as its caller was told, and
 * each watch gives each change once.
 */
import { expect, test } from "@jest/globals";
import type { FoundationError } from "@foundation/core";
import { seededRandom } from "@foundation/core/testing";
import { rangeOf } from "../../../src/engine/engine.js";
import type { GroupEngine } from "../../../src/store/group-engine.js";
import { type Fate, FlakyGroup, type FlakyMember } from "../../unit/store/flaky-group.js";
import { Drawing } from "./drawing.js";

const RUNS = Number(process.env["STORE_RUNS"] ?? 60) / 2;
const KEYS = ["a", "b", "c"];

/** A put of a text that no other put has; it also counts in its key's version. */
interface Put {
  readonly key: string;
  readonly text: string;
  outcome: string;
}

class World {
  readonly group = new FlakyGroup();
  readonly draw: Drawing;
  readonly members: FlakyMember[];
  readonly engines: GroupEngine[];
  readonly puts: Put[] = [];
  readonly work: Promise<void>[] = [];
  readonly seen: string[][] = [];

  constructor(seed: string) {
    const { group } = this;
    this.draw = new Drawing(seededRandom(seed));
    const trouble = this.draw.one([0, 0.2, 0.6]);
    group.fate = (): Fate => {
      if (!this.draw.chance(trouble)) return "applied";
      return this.draw.one(["refused", "unknown-applied", "unknown-late", "unknown-lost"] as const);
    };
    group.delayMs = () => this.draw.below(this.draw.chance(0.05) ? 400 : 10);
    this.members = [group.member(), group.member(), group.member()];
    this.engines = this.members.map((member) => member.engine());
  }

  async play(): Promise<void> {
    for (const engine of this.engines) this.work.push(this.#watch(engine));
    for (let i = 0; i < 60; i += 1) {
      const engine = this.draw.one(this.engines);
      if (this.draw.chance(0.8)) this.work.push(this.#put(engine));
      else if (this.draw.chance(0.5)) this.work.push(this.#read(engine));
      else void this.draw.one(this.members).restore(this.draw.one(this.members));
      await this.group.clock.advance(this.draw.below(30));
    }
    this.group.fate = () => "applied";
    await this.group.clock.advance(30_000);
    for (const member of this.members) await this.group.clock.run(member.follow(1e9));
    await this.group.clock.settle();
    for (const engine of this.engines) await this.group.clock.run(engine.close());
    await this.group.clock.run(Promise.all(this.work));
  }

  async #put(engine: GroupEngine): Promise<void> {
    const put: Put = { key: this.draw.one(KEYS), text: `p${this.puts.length}`, outcome: "waits" };
    this.puts.push(put);
    const timeout = this.draw.one([50, 500, 5_000]);
    try {
      const value = Buffer.from(put.text);
      await engine.txn({ then: [{ type: "put", key: put.key, value }] }, { timeout });
      put.outcome = "applied";
    } catch (error) {
      put.outcome = (error as FoundationError).code;
    }
  }

  /** What was acknowledged before is read, at whichever member. */
  async #read(engine: GroupEngine): Promise<void> {
    const before = this.puts.filter(({ outcome }) => outcome === "applied").length;
    const { results } = await engine.txn({ then: [{ type: "range", ...rangeOf("") }] });
    const [result] = results;
    if (result?.type !== "range") throw new Error("not a range");
    let versions = 0;
    for (const { version } of result.pairs) versions += version;
    if (versions < before) throw new Error(`a read of ${versions} puts behind ${before}`);
  }

  async #watch(engine: GroupEngine): Promise<void> {
    const seen: string[] = [];
    this.seen.push(seen);
    for await (const { revision, changes } of engine.watch(rangeOf(""), { from: 1 })) {
      for (const change of changes) {
        if (change.type !== "put") throw new Error("nothing is deleted here");
        seen.push(`${revision} ${change.pair.key} ${Buffer.from(change.pair.value).toString()}`);
      }
    }
  }
}

test("what is answered took effect once, what is refused never, what is unknown at most once", async () => {
  const outcomes = new Map<string, number>();
  for (let run = 0; run < RUNS; run += 1) {
    const world = new World(`engine-${run}`);
    await world.play();
    const [first, ...others] = world.seen;
    expect(first).toHaveLength(world.members[0]?.machine.store.revision ?? -1);
    for (const other of others) expect(other).toEqual(first);
    for (const { key, text, outcome } of world.puts) {
      const times = first?.filter((line) => line.endsWith(` ${key} ${text}`)).length;
      outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1);
      if (outcome === "applied") expect({ text, times }).toEqual({ text, times: 1 });
      else if (outcome === "ERR_OUTCOME_UNKNOWN") expect(times).toBeLessThanOrEqual(1);
      else expect({ text, outcome, times }).toEqual({ text, outcome, times: 0 });
    }
  }
  for (const outcome of ["applied", "ERR_OUTCOME_UNKNOWN", "ERR_NO_QUORUM", "ERR_TIMEOUT"]) {
    expect([outcome, (outcomes.get(outcome) ?? 0) > 0]).toEqual([outcome, true]);
  }
});
