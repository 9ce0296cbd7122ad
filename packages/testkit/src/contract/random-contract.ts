/** randomContract: what every Random must do: ranges, spread, and forks that go their own way. */
import assert from "node:assert/strict";
import type { Random } from "@foundation/core/ports";
import { testsWith, type ContractRunner } from "./runner.js";

export interface RandomContractSetup {
  create(): Random;
  /** Makes a source from a seed, where there are seeds. */
  seeded?(seed: string): Random;
}

const DRAWS = 20_000;

/** Runs the suite against one source. */
export function randomContract(runner: ContractRunner, setup: RandomContractSetup): void {
  const test = testsWith(runner, () => ({ random: setup.create() }));
  runner.describe("random", () => {
    test("next gives floats in [0, 1), spread evenly", ({ random }) => {
      const buckets = new Array<number>(10).fill(0);
      for (let i = 0; i < DRAWS; i++) {
        const drawn = random.next();
        assert.ok(drawn >= 0 && drawn < 1, String(drawn));
        const bucket = Math.floor(drawn * 10);
        buckets[bucket] = (buckets[bucket] ?? 0) + 1;
      }
      for (const count of buckets) assert.ok(Math.abs(count - DRAWS / 10) < 300, String(buckets));
    });

    test("uint32 gives integers in [0, 2^32), each bit as often set as not", ({ random }) => {
      const ones = new Array<number>(32).fill(0);
      for (let i = 0; i < DRAWS; i++) {
        const drawn = random.uint32();
        assert.ok(Number.isInteger(drawn) && drawn >= 0 && drawn < 2 ** 32, String(drawn));
        for (let bit = 0; bit < 32; bit++) ones[bit] = (ones[bit] ?? 0) + ((drawn >>> bit) & 1);
      }
      for (const count of ones) assert.ok(Math.abs(count - DRAWS / 2) < 600, String(ones));
    });

    test("secret gives as many bytes as asked for, different each time", ({ random }) => {
      assert.equal(random.secret(0).length, 0);
      assert.equal(random.secret(33).length, 33);
      const drawn = new Set(Array.from({ length: 500 }, () => random.secret(16).join()));
      assert.equal(drawn.size, 500);
      assert.equal(random.secret(16).constructor, Uint8Array);
    });

    test("forks differ from their parent and from forks of other labels", ({ random }) => {
      const sources = [random.fork("a"), random.fork("b"), random.fork("a").fork("b"), random];
      const drawn = sources.map((source) =>
        Array.from({ length: 8 }, () => source.uint32()).join(),
      );
      assert.equal(new Set(drawn).size, sources.length);
    });
    const { seeded } = setup;
    if (seeded) seedTests(test, seeded);
  });
}

function seedTests(
  test: (name: string, run: () => void) => void,
  seeded: (seed: string) => Random,
): void {
  const draw = (random: Random): string =>
    [random.next(), random.uint32(), ...random.secret(8), random.fork("x").uint32()].join();

  test("the same seed gives the same numbers, another seed others", () => {
    assert.equal(draw(seeded("one")), draw(seeded("one")));
    assert.notEqual(draw(seeded("one")), draw(seeded("two")));
  });

  test("draws of one subsystem do not shift those of another", () => {
    const [quiet, busy] = [seeded("one"), seeded("one")];
    for (let i = 0; i < 10; i++) busy.next();
    busy.fork("other").next();
    assert.equal(draw(quiet.fork("mine")), draw(busy.fork("mine")));
  });

  test("labels of forks do not run into each other", () => {
    const root = seeded("one");
    assert.notEqual(draw(root.fork("a/b")), draw(root.fork("a").fork("b")));
    assert.notEqual(draw(root.fork("ab")), draw(root.fork("a").fork("b")));
  });
}
