import { describe, expect, test } from "@jest/globals";
import { measured } from "../src/measured.js";
import { Unavailable, type RunOptions, type Suite } from "../src/suite.js";

const suite: Suite = {
  name: "test",
  contestants: ["ours", "theirs", "missing"],
  measures: [{ name: "events/s", decimals: 0 }],
  aims: [
    { measure: "events/s", of: "ours", against: "theirs", bound: "at least", target: 1 },
    { measure: "events/s", of: "ours", against: "missing", bound: "at least", target: 1 },
  ],
  measure: (contestant) =>
    contestant === "missing"
      ? Promise.reject(new Unavailable("apt-get install missing"))
      : Promise.resolve([{ contestant, measure: "events/s", value: 1, foreign: 0 }]),
};

function optionsWith(changes: Partial<RunOptions>): RunOptions & { readonly lines: string[] } {
  const lines: string[] = [];
  const say = (line: string) => void lines.push(line);
  return { repetitions: 3, repeats: 1, quick: true, say, ...changes, lines };
}
const readingsOf = (lines: readonly string[], contestant: string) =>
  lines.filter((line) => new RegExp(`^\\[\\d/\\d\\] ${contestant}:`).test(line));

describe("a run of a suite", () => {
  test("prints every reading, and asks a contestant that is not available only once", async () => {
    const options = optionsWith({});
    const report = await measured(suite).run(options);
    expect(readingsOf(options.lines, "ours")).toHaveLength(3);
    expect(readingsOf(options.lines, "missing")).toHaveLength(1);
    expect(report).toMatchObject({ ok: false, aims: [{ met: true }, { met: false }] });
  });

  test("repeats a disturbed run up to the bound, prints all and judges the least disturbed", async () => {
    const shares = [0.5, 0.3, 0.4];
    let calls = 0;
    const noisy: Suite = {
      ...suite,
      contestants: ["ours"],
      aims: [{ measure: "events/s", of: "ours", bound: "at least", target: 1 }],
      measure: (contestant) => {
        const foreign = shares[calls] ?? 0;
        calls += 1;
        return Promise.resolve([{ contestant, measure: "events/s", value: calls, foreign }]);
      },
    };
    const options = optionsWith({ repetitions: 1, repeats: 3 });
    const report = await measured(noisy).run(options);
    expect(readingsOf(options.lines, "ours")).toHaveLength(3);
    expect(report).toMatchObject({ runs: 3, foreign: 0.3, medians: { ours: { "events/s": 2 } } });
  });

  test("runs an undisturbed suite once", async () => {
    const report = await measured(suite).run(optionsWith({ repeats: 3 }));
    expect(report["runs"]).toBe(1);
  });

  test("leaves out by name what was not chosen, and fails the aims that need it", async () => {
    const options = optionsWith({ only: ["missing"] });
    const report = await measured(suite).run(options);
    expect(readingsOf(options.lines, "theirs")).toHaveLength(0);
    expect(report.aims[0]?.reason).toContain("theirs: not chosen");
  });

  test("prepares the chosen contestants before and cleans up after, also when all fail", async () => {
    const events: string[] = [];
    const failing: Suite = {
      ...suite,
      prepare: (chosen) => {
        events.push(`prepare ${chosen.join(" ")}`);
        return Promise.resolve({
          [Symbol.asyncDispose]: () => Promise.resolve(void events.push("cleaned")),
        });
      },
      measure: () => Promise.reject(new Error("broken")),
    };
    const report = await measured(failing).run(optionsWith({ only: ["theirs"] }));
    expect(events).toEqual(["prepare ours theirs", "cleaned"]);
    expect(report.ok).toBe(false);
    expect(report.aims[0]?.reason).toContain("broken");
  });
});
