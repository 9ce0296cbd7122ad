/** Documents of a cluster, over real sockets and a real disk: the call sites that a user types. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "@jest/globals";
import { eventually, startNode, uniqueName } from "./real-nodes.js";

interface Board {
  title: string;
  notes: string[];
}
const initial: Board = { title: "", notes: [] };
const dataDir = mkdtempSync(join(tmpdir(), "foundation-documents-"));

afterAll(() => rmSync(dataDir, { recursive: true, force: true }));

describe("documents of a cluster", () => {
  test("are the same on every node, and outlive the start of the node that keeps them", async () => {
    const name = uniqueName();
    const keeper = await startNode({ name, dataDir });
    const reader = await startNode({ name });
    await reader.ready({ nodes: 2 });
    const kept = await keeper.docs.open("board-1", { initial });
    const board = await reader.docs.open<Board>("board-1");
    board.change((draft) => {
      draft.title = "Roadmap";
      draft.notes.push("x".repeat(20_000));
    });
    await board.synced();
    expect(kept.value.title).toBe("Roadmap");
    await keeper.leave();
    await reader.leave();

    await startNode({ name, dataDir });
    const newcomer = await startNode({ name });
    await newcomer.ready({ nodes: 2 });
    // Nobody has it open there: it is served from the disk.
    const found = await newcomer.docs.open<Board>("board-1");
    await eventually(() => found.value.notes?.[0]?.length === 20_000);
    expect(found.value.title).toBe("Roadmap");
    await newcomer.leave();
    await expect(newcomer.docs.open("board-2")).rejects.toMatchObject({ code: "ERR_CLOSED" });
  });
});
