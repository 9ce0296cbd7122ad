import { describe, expect, test } from "@jest/globals";
import {
  memoryCluster,
  memoryRuntime,
  memoryStorage,
  virtualClock,
} from "@foundation/core/testing";
import type { MemoryClusterNode } from "@foundation/core/testing";
import type { Storage } from "@foundation/core";
import { createDocuments, type Documents } from "../../../src/documents/documents.js";

interface Board {
  title: string;
  cards: string[];
}
const empty: Board = { title: "", cards: [] };

function world(nodes = 3) {
  const clock = virtualClock();
  const cluster = memoryCluster({ clock, nodes, detectionMs: 10 });
  const on = (choice: number | MemoryClusterNode, storage?: Storage): Documents => {
    const node = typeof choice === "number" ? cluster.node(choice) : choice;
    const { messenger, membership, broadcast, name } = node;
    const runtime = memoryRuntime({ clock, seed: name });
    return createDocuments({ messenger, membership, broadcast, runtime, storage });
  };
  return { clock, cluster, on };
}

/** Lets virtual time pass while work of other threads (WebAssembly being compiled) goes on. */
async function run<T>(clock: ReturnType<typeof virtualClock>, promise: Promise<T>): Promise<T> {
  let isDone = false;
  const done = promise.finally(() => (isDone = true));
  done.catch(() => undefined);
  while (!isDone) {
    await new Promise((resolve) => setImmediate(resolve));
    if (!isDone) await clock.advance(1);
  }
  return done;
}

describe("documents of a cluster", () => {
  test("a change is at once here, soon everywhere, and tells what differs and who made it", async () => {
    const { clock, cluster, on } = world();
    const a = await run(clock, on(0).open("board", { initial: empty }));
    const b = await run(clock, on(1).open<Board>("board"));
    expect(b.value).toEqual(empty);
    const seen: unknown[] = [];
    b.subscribe(({ from, patches }) => seen.push([from, patches.map(({ path }) => path)]));
    a.change((draft) => void (draft.title = "Roadmap"), { message: "name it" });
    expect(a.value.title).toBe("Roadmap");
    await run(clock, a.synced());
    expect(b.value.title).toBe("Roadmap");
    expect(seen).toEqual([[cluster.node(0).id, [["title"], ["title", 0]]]]);
    expect([a.holders, b.holders]).toEqual([2, 2]);
  });

  test("two nodes that begin a document alike begin one document", async () => {
    const { clock, on } = world();
    const initial: Board = { title: "new", cards: ["first"] };
    const opening = [on(0), on(1)].map((docs) => docs.open("board", { initial, wait: "0ms" }));
    const [a, b] = await run(clock, Promise.all(opening));
    a?.change((draft) => void draft.cards.push("a"));
    b?.change((draft) => void draft.cards.push("b"));
    await run(clock, Promise.all([a?.synced(), b?.synced()]));
    await clock.advance(1_000);
    expect(a?.value).toEqual(b?.value);
    expect([...(a?.value.cards ?? [])].sort()).toEqual(["a", "b", "first"]);
  });

  test("what both sides of a partition wrote is there after it", async () => {
    const { clock, cluster, on } = world();
    const a = await run(clock, on(0).open("board", { initial: empty }));
    const b = await run(clock, on(1).open<Board>("board"));
    cluster.partition([0], [1]);
    await clock.advance(100);
    a.change((draft) => void draft.cards.push("a"));
    b.change((draft) => void draft.cards.push("b"));
    await clock.advance(1_000);
    expect([a.value.cards, b.value.cards]).toEqual([["a"], ["b"]]);
    cluster.heal();
    await clock.advance(60_000);
    expect([...a.value.cards].sort()).toEqual(["a", "b"]);
    expect(a.value).toEqual(b.value);
  });

  test("a message that is lost while nobody is held for dead is made good", async () => {
    const { clock, cluster, on } = world();
    const a = await run(clock, on(0).open("board", { initial: empty }));
    const b = await run(clock, on(1).open<Board>("board"));
    cluster.partition([0], [1]);
    a.change((draft) => void (draft.title = "lost"));
    await clock.advance(5);
    cluster.heal();
    await clock.advance(1_000);
    expect(b.value.title).toBe("");
    await clock.advance(15_000);
    expect(b.value.title).toBe("lost");
  });

  test("is kept on disk, served to others while nobody has it open there, and found after a restart", async () => {
    const { clock, cluster, on } = world();
    const storage = memoryStorage();
    const keeper = on(0, storage);
    const a = await run(clock, keeper.open("board", { initial: empty }));
    a.change((draft) => void (draft.title = "kept"));
    await run(clock, a.close());
    expect(a.value.title).toBe("kept");
    await run(clock, keeper.close());
    const again = cluster.restart(0);
    const served = on(again, storage);
    await clock.advance(1_000);
    const b = await run(clock, on(1).open<Board>("board", { initial: empty }));
    expect(b.value.title).toBe("kept");
    b.change((draft) => void draft.cards.push("b"));
    await run(clock, b.synced());
    await run(clock, served.close());
    const last = on(cluster.restart(0), storage);
    expect((await run(clock, last.open<Board>("board", { wait: "0ms" }))).value).toEqual({
      title: "kept",
      cards: ["b"],
    });
  });

  test("many changes become few pieces on disk", async () => {
    const { clock, on } = world(1);
    const storage = memoryStorage();
    const documents = on(0, storage);
    const a = await run(clock, documents.open("board", { initial: empty }));
    for (let i = 0; i < 200; i += 1) {
      a.change((draft) => void draft.cards.push(`card ${i}`));
      await run(clock, a.persisted());
    }
    expect((await storage.list("documents/")).length).toBeLessThan(65);
    await run(clock, documents.close());
    const b = await run(clock, on(0, storage).open<Board>("board"));
    expect(b.value.cards).toHaveLength(200);
  });

  test("a damaged piece refuses to open, names it, and leaves everything as it is", async () => {
    const { clock, on } = world(1);
    const storage = memoryStorage();
    const documents = on(0, storage);
    const a = await run(clock, documents.open("board", { initial: empty }));
    await run(clock, a.persisted());
    await run(clock, documents.close());
    const [file] = await storage.list("documents/");
    const bytes = (await storage.read(file ?? "")) ?? new Uint8Array();
    await storage.replace(
      file ?? "",
      bytes.map((byte, i) => (i > 20 ? byte ^ 0x5a : byte)),
    );
    const broken = on(0, storage);
    await expect(run(clock, broken.open("board"))).rejects.toMatchObject({
      code: "ERR_DOCUMENT_DAMAGED",
      message: expect.stringContaining("piece 0"),
    });
    await storage.replace(file ?? "", bytes.subarray(0, 5));
    const cut = broken.open("board");
    await expect(run(clock, cut)).rejects.toMatchObject({ code: "ERR_DOCUMENT_DAMAGED" });
    expect(await storage.list("documents/")).toEqual([file]);
  });

  test("a change that throws changes nothing; garbage from a peer and to merge is refused", async () => {
    const { clock, cluster, on } = world();
    const a = await run(clock, on(0).open("board", { initial: empty }));
    const oops = () => {
      throw new Error("oops");
    };
    expect(() => a.change(oops)).toThrow("oops");
    expect(() => a.merge(Uint8Array.of(1, 2, 3))).toThrow(
      expect.objectContaining({ code: "ERR_DOCUMENT_DAMAGED" }),
    );
    const route = { to: cluster.node(0).id, channel: "data", subject: "documents.sync" };
    for (const payload of [undefined, "x", { id: "board", message: Uint8Array.of(9) }, { id: 7 }]) {
      await run(clock, cluster.node(1).messenger.send(route, payload));
    }
    await clock.advance(100);
    expect(a.value).toEqual(empty);
    a.change((draft) => void (draft.title = "still works"));
    expect(a.value.title).toBe("still works");
  });

  test("handles of one document share it; the last that closes without a disk ends it", async () => {
    const { clock, on } = world();
    const documents = on(0);
    const one = await run(clock, documents.open("board", { initial: empty }));
    const two = await run(clock, documents.open<Board>("board"));
    one.change((draft) => void (draft.title = "shared"));
    await run(clock, one.close());
    expect(two.value.title).toBe("shared");
    expect(() => one.change(() => {})).toThrow(expect.objectContaining({ code: "ERR_CLOSED" }));
    await run(clock, two.close());
    const three = await run(clock, documents.open("board", { initial: empty }));
    expect(three.value).toEqual(empty);
  });

  test("changes() is a stream that ends with its handle", async () => {
    const { clock, on } = world(1);
    const a = await run(clock, on(0).open("board", { initial: empty }));
    const titles: string[] = [];
    const reading = (async () => {
      for await (const { value } of a.changes()) titles.push(value.title);
    })();
    a.change((draft) => void (draft.title = "one"));
    a.change((draft) => void (draft.title = "two"));
    await run(clock, a.close());
    await run(clock, reading);
    expect(titles).toEqual(["one", "two"]);
  });

  test("handles end with the node's documents: no stream hangs, and nothing is said to be synced", async () => {
    const { clock, cluster, on } = world();
    const documents = on(0);
    const a = await run(clock, documents.open("board", { initial: empty }));
    await run(clock, on(1).open<Board>("board"));
    cluster.partition([0], [1]);
    const next = a.changes()[Symbol.asyncIterator]().next();
    a.change((draft) => void (draft.title = "last"));
    expect(await next).toMatchObject({ done: false });
    const more = a.changes()[Symbol.asyncIterator]().next();
    const synced = a.synced({ timeout: "1m" });
    synced.catch(() => undefined);
    await run(clock, documents.close());
    expect(await more).toMatchObject({ done: true });
    await expect(synced).rejects.toMatchObject({ code: "ERR_CLOSED" });
    expect(() => a.change(() => undefined)).toThrow(
      expect.objectContaining({ code: "ERR_CLOSED" }),
    );
    expect(a.value.title).toBe("last");
  });

  test("what a full disk refused is written when it has room, without another change", async () => {
    const { clock, on } = world(1);
    const storage = memoryStorage();
    const documents = on(0, storage);
    const a = await run(clock, documents.open("board", { initial: empty }));
    await run(clock, a.persisted());
    storage.failOn("replace", "the disk is full");
    a.change((draft) => void (draft.title = "kept"));
    await expect(run(clock, a.persisted())).rejects.toMatchObject({ code: "ERR_STORAGE" });
    storage.failOn("replace", undefined);
    await clock.advance(10_000);
    expect((await storage.list("documents/")).length).toBe(2);
  });

  test("a change that would go on later is refused, and nothing of it is made", async () => {
    const { clock, on } = world(1);
    const a = await run(clock, on(0).open("board", { initial: empty }));
    const later = async (draft: Board) => {
      draft.title = "too early";
      await Promise.reject(new Error("later"));
    };
    expect(() => a.change(later as never)).toThrow(
      expect.objectContaining({ code: "ERR_INVALID_ARGUMENT" }),
    );
    expect(a.value.title).toBe("");
    a.change((draft) => void (draft.title = "in time"));
    expect(a.value.title).toBe("in time");
  });

  test("synced names who has not answered", async () => {
    const { clock, cluster, on } = world();
    const a = await run(clock, on(0).open("board", { initial: empty }));
    await run(clock, on(1).open<Board>("board"));
    cluster.partition([0], [1]);
    a.change((draft) => void (draft.title = "x"));
    await expect(run(clock, a.synced({ timeout: "5ms" }))).rejects.toMatchObject({
      code: "ERR_TIMEOUT",
      message: expect.stringContaining(cluster.node(1).name),
    });
  });

  test("an id that is none is refused, and everything after close", async () => {
    const { clock, on } = world();
    const documents = on(0);
    for (const id of ["", "x".repeat(201), 7 as unknown as string]) {
      await expect(documents.open(id)).rejects.toMatchObject({ code: "ERR_INVALID_ARGUMENT" });
    }
    await run(clock, documents.close());
    await expect(documents.open("board")).rejects.toMatchObject({ code: "ERR_CLOSED" });
  });

  test("forget removes it from the disk, and not while it is open", async () => {
    const { clock, on } = world(1);
    const storage = memoryStorage();
    const documents = on(0, storage);
    const a = await run(clock, documents.open("board", { initial: empty }));
    await run(clock, a.persisted());
    await expect(run(clock, documents.forget("board"))).rejects.toMatchObject({
      code: "ERR_INVALID_ARGUMENT",
    });
    await run(clock, a.close());
    await run(clock, documents.forget("board"));
    expect(await storage.list("documents/")).toEqual([]);
    const again = await run(clock, documents.open<Board>("board"));
    expect(again.value).toEqual({});
    again.change((draft) => void (draft.title = "to go"));
    await run(clock, again.close());
    const forgetting = documents.forget("board");
    const anew = run(clock, documents.open<Board>("board", { wait: "0ms" }));
    // Either it was opened in time, or what is opened is nothing of what was to go.
    const isGone = await forgetting.then(
      () => true,
      () => false,
    );
    expect((await anew).value).toEqual(isGone ? {} : { title: "to go" });
  });
});
