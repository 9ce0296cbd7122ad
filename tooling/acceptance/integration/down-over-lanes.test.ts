/** The end of a process is told after its last words, on any number of lanes, in virtual time. */
import { describe, expect, test } from "@jest/globals";
import { defineProcess } from "@foundation/foundation";
import { simulateCluster } from "@foundation/foundation/testing";

const heard: string[] = [];

const listener = defineProcess({
  name: "down-over-lanes.listener",
  init: () => ({}),
  cast: { hear: (_, text: string) => void heard.push(text) },
});

const speaker = defineProcess({
  name: "down-over-lanes.speaker",
  init: () => ({}),
  call: { end: () => Promise.reject(new Error("ended on purpose")) },
});

/** Lanes that differ by up to 200 ms. */
const network = { latencyMs: 1, jitterMs: 200 };
const options = { overlay: { channels: [{ name: "processes", parallelism: 4 }] } };
const listeners = Array.from({ length: 12 }, (_, i) => `listener ${i}`);

async function play(seed: number): Promise<void> {
  heard.length = 0;
  await using sim = await simulateCluster({ nodes: 2, seed, network, options });
  const [a, b] = sim.nodes;
  await sim.formed();
  for (const name of listeners)
    await a.run(({ cluster }) => cluster.startProcess(listener, undefined, { name }));
  const once = { name: "speaker", restart: "temporary" } as const;
  await b.run(({ cluster }) => cluster.startProcess(speaker, undefined, once));
  const isFound = () =>
    listeners.every((name) => b.cluster.process(listener, name).whereis() !== undefined) &&
    a.cluster.process(speaker, "speaker").whereis() !== undefined;
  await sim.eventually(isFound);
  await a.run(
    ({ cluster }) => void cluster.process(speaker, "speaker").monitor(() => heard.push("down")),
  );
  await sim.run("2s");
  await b.run(({ cluster }) => {
    for (const name of listeners) cluster.process(listener, name).cast("hear", name);
    return cluster
      .process(speaker, "speaker")
      .call("end")
      .catch(() => undefined);
  });
  await sim.eventually(() => heard.includes("down"));
  expect({ seed, heard: heard.toSorted() }).toEqual({
    seed,
    heard: ["down", ...listeners].toSorted(),
  });
  expect({ seed, last: heard.at(-1) }).toEqual({ seed, last: "down" });
}

describe("DOWN after the last message", () => {
  test("a monitor hears of the end after all that was said before it, over four lanes", async () => {
    for (let seed = 1; seed <= 8; seed += 1) await play(seed);
  }, 60_000);
});
