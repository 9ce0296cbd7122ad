import assert from "node:assert/strict";
import { describe, test } from "@jest/globals";
import { simulateCluster, type NodeContext } from "@foundation/foundation/testing";
import { startFileShare } from "../../src/file-share.js";
import { memoryShelf, someBytes } from "./memory-shelf.js";

const film = someBytes(3_000_000);

/** Node a has the film; every node takes what it is sent. */
async function app({ name }: NodeContext) {
  const shelf = memoryShelf(name === "a" ? { film } : {});
  return { shelf, ...(await startFileShare(shelf)) };
}

describe("a file share in virtual time", () => {
  test("a file arrives whole, and the sender sees it go", async () => {
    await using sim = await simulateCluster({ nodes: 2, app });
    const [a, b] = sim.nodes;
    await sim.formed();
    const progress: number[] = [];
    const onProgress = (sentBytes: number) => progress.push(sentBytes);
    const size = await a.run(({ app }) => app.send(b.cluster.self, "film", { onProgress }));
    assert.equal(size, film.length);
    assert.deepEqual(Buffer.compare(b.app.shelf.files.get("film")!, film), 0);
    assert.equal(progress.at(-1), film.length);
    assert.ok(progress.length > 10 && progress.every((sent, at) => sent > (progress[at - 1] ?? 0)));
    assert.deepEqual(await a.run(({ app }) => app.names(b.cluster.self)), ["film"]);
  });

  test("an aborted transfer leaves nothing behind, and the next one is whole", async () => {
    await using sim = await simulateCluster({ nodes: 2, app });
    const [a, b] = sim.nodes;
    await sim.formed();
    const abort = new AbortController();
    const onProgress = (sentBytes: number) => {
      if (sentBytes > film.length / 2) abort.abort();
    };
    const options = { signal: abort.signal, onProgress };
    const sent = a.run(({ app }) => app.send(b.cluster.self, "film", options));
    await assert.rejects(sent, { code: "ERR_OUTCOME_UNKNOWN" });
    await sim.run("1s");
    assert.deepEqual([...b.app.shelf.files.keys()], []);
    await a.run(({ app }) => app.send(b.cluster.self, "film"));
    assert.equal(Buffer.compare(b.app.shelf.files.get("film")!, film), 0);
  });

  test("a receiver that dies in the middle is an unknown outcome, never a success", async () => {
    await using sim = await simulateCluster({ nodes: 2, app });
    const [a, b] = sim.nodes;
    await sim.formed();
    const onProgress = (sentBytes: number) => {
      if (sentBytes > film.length / 2 && b.state === "up") sim.crash(b);
    };
    const sent = a.run(({ app }) => app.send(b.cluster.self, "film", { onProgress }));
    await assert.rejects(sent, { code: "ERR_OUTCOME_UNKNOWN" });
  });

  test("what the sender's shelf does not have is the sender's error", async () => {
    await using sim = await simulateCluster({ nodes: 2, app });
    const [a, b] = sim.nodes;
    await sim.formed();
    const sent = a.run(({ app }) => app.send(b.cluster.self, "novel"));
    await assert.rejects(sent, /There is no novel/);
  });
});
