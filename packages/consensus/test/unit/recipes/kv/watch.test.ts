/** A watch of the key-value store whose changes are forgotten before it reads them. */
import { expect, test } from "@jest/globals";
import { memoryRuntime, virtualClock } from "@foundation/core/testing";
import { createKv, createMemoryEngine } from "../../../../src/index.js";

test("a watch that finds its changes forgotten says so, gives all there is, and goes on", async () => {
  const clock = virtualClock();
  const engine = createMemoryEngine({ clock });
  const kv = createKv(engine, { runtime: memoryRuntime({ clock }) });
  const first = await kv.put("w/1", 1);
  await kv.put("w/2", 2);
  await kv.delete("w/1");
  const newest = await kv.put("w/3", 3);
  await engine.compact(newest);
  const watch = kv.watch<number>("w/", { from: first });
  const { value: snapshot } = await clock.run(watch.next());
  expect(snapshot).toMatchObject({ type: "snapshot", reason: "compacted", revision: newest });
  const entries = snapshot?.type === "snapshot" ? snapshot.entries : [];
  expect(entries.map(({ key, value }) => [key, value])).toEqual([
    ["w/2", 2],
    ["w/3", 3],
  ]);
  const after = await kv.put("w/4", 4);
  const { value: change } = await clock.run(watch.next());
  expect(change).toMatchObject({ type: "put", key: "w/4", revision: after });
  await watch.close();
  await engine.close();
});
