/** Every checker passes what is right and names what was planted. */
import { describe, expect, test } from "@jest/globals";
import { createBoot, type Boot, type ExitReason, type NodeId } from "@foundation/core";
import { memoryStorage, seededRandom, virtualClock } from "@foundation/core/testing";
import { balanceBooks } from "./checks.js";
import { DiskBook, DiskJournal, JOURNAL_FILE } from "./disk-book.js";
import { graphFlaws, type Vertex } from "./graph-flaws.js";
import { IdentityBook } from "./identity-book.js";
import { journalRecord, parseJournal } from "./journal-record.js";
import { instanceOf, newJournal, type Journal } from "./journal.js";
import { MapBook } from "./map-book.js";
import { MemberBook } from "./member-book.js";
import { MonitorBook } from "./monitor-book.js";
import { watchOverdue } from "./overdue.js";
import { restless, type Pulse } from "./rest.js";
import type { StampedChange } from "./stamped-map.js";
import type { StackNode } from "./stack-node.js";
import type { Outcome } from "./workload.js";

describe("the graph of links", () => {
  const vertex = (name: string, ...neighbours: string[]): Vertex => ({
    name,
    id: name as NodeId,
    topology: "hyparview",
    neighbours: neighbours as NodeId[],
  });
  const chain = [vertex("a", "b"), vertex("b", "a", "c"), vertex("c", "b")];

  test("has no flaws when everybody is reached and neighbours are so on both sides", () => {
    expect(graphFlaws(chain)).toEqual([]);
    expect(graphFlaws([])).toEqual([]);
  });

  test("shows two topologies, a neighbour on one side, parts, and a mesh that is none", () => {
    const [a, b, c] = chain as [Vertex, Vertex, Vertex];
    expect(graphFlaws([a, b, { ...c, topology: "full-mesh" }])).toEqual([
      "a is in hyparview, b is in hyparview, c is in full-mesh",
      "c has 1 neighbours in a full mesh of 3",
    ]);
    expect(graphFlaws([a, vertex("b", "c"), c])).toEqual([
      "a has the neighbour b, which does not have it",
    ]);
    expect(graphFlaws([a, vertex("b", "a"), vertex("c")])).toEqual([
      "1 nodes are not reached from a",
    ]);
    expect(graphFlaws([a, vertex("b", "a", "gone")])).toEqual([
      "b has the neighbour gone, which does not have it",
    ]);
  });
});

describe("the books of calls", () => {
  const booksOf = (journal: Journal, ...outcomes: Outcome[]) => balanceBooks({ outcomes }, journal);
  const outcome = (id: string, code: string, retryable = false): Outcome => ({
    id,
    code,
    retryable,
    message: "",
  });

  test("balance when what was reported is what happened", () => {
    const journal = newJournal();
    for (const id of ["a", "b"]) journal.note(id, "n/1/1");
    const outcomes = [
      outcome("a", "ok"),
      outcome("b", "ERR_OUTCOME_UNKNOWN"),
      outcome("c", "ERR_OUTCOME_UNKNOWN"),
      outcome("d", "ERR_TIMEOUT", true),
    ];
    expect(booksOf(journal, ...outcomes)).toEqual([]);
  });

  test("show a call that was reported done and did not run", () => {
    expect(booksOf(newJournal(), outcome("a", "ok"))).toHaveLength(1);
  });

  test("show a call that ran although its caller may send it again", () => {
    const journal = newJournal();
    journal.note("a", "n/1/1");
    expect(booksOf(journal, outcome("a", "ERR_NODE_UNREACHABLE", true))).toHaveLength(1);
  });

  test("show what ran twice, and casts out of order", () => {
    const journal = newJournal();
    journal.note("a", "n/1/1");
    journal.note("a", "m/1/1");
    expect(booksOf(journal)).toHaveLength(1);
    journal.born.add("n/1/1");
    journal.noteCast({ id: "moved", sender: "s", sequence: 2 }, "n/1/9");
    journal.noteCast({ id: "overtaken", sender: "s", sequence: 1 }, "n/1/9");
    journal.noteCast({ id: "b", sender: "s", sequence: 2 }, "n/1/1");
    expect(journal.disorder).toEqual([]);
    journal.noteCast({ id: "c", sender: "s", sequence: 1 }, "n/1/1");
    expect(journal.disorder).toHaveLength(1);
  });
});

describe("the book of a map", () => {
  const node = "0".repeat(32) as NodeId;
  const boot = "0".repeat(24) as Boot;
  const set = (key: string, value: string, wallMs: number, local = false): StampedChange => ({
    type: "set",
    key,
    value,
    previous: undefined,
    stamp: { wallMs, counter: 0, node, boot },
    local,
  });
  const gone = (key: string, wallMs: number): StampedChange => ({
    type: "delete",
    key,
    previous: "?",
    stamp: { wallMs, counter: 0, node, boot },
    local: true,
  });
  const view = (writer: string, ...entries: [string, string][]) => ({
    name: writer,
    writer,
    entries: new Map(entries),
  });

  test("finds a stamp that is given to two writes", () => {
    const book = new MapBook();
    book.note("a", set("k", "1", 1, true));
    book.note("b", set("k", "1", 1, false));
    expect(book.violations).toEqual([]);
    book.note("c", set("k", "2", 1, true));
    expect(book.violations).toHaveLength(1);
  });

  test("finds nothing where every node shows the last write", () => {
    const book = new MapBook();
    book.note("a", set("k", "1", 1, true));
    book.note("b", set("k", "2", 2, true));
    book.note("a", gone("gone", 3));
    expect(book.differences([view("a", ["k", "2"]), view("b", ["k", "2"])])).toEqual([]);
    expect(book.violations).toEqual([]);
  });

  test.each([
    ["a lost write", [view("a"), view("b")], 2],
    ["an older write", [view("a", ["k", "1"]), view("b", ["k", "2"])], 1],
    ["a write nobody made", [view("a", ["k", "2"], ["x", "9"]), view("b", ["k", "2"])], 1],
    ["a deletion undone", [view("a", ["k", "2"], ["gone", "0"]), view("b", ["k", "2"])], 1],
  ])("shows %s", (_, views, count) => {
    const book = new MapBook();
    book.note("a", set("k", "1", 1, true));
    book.note("b", set("k", "2", 2, true));
    book.note("a", set("gone", "0", 2, true));
    book.note("a", gone("gone", 3));
    expect(book.differences(views)).toHaveLength(count);
  });

  test("expects nothing of what only a dead start had seen", () => {
    const book = new MapBook();
    book.note("dead", set("k", "1", 1, true));
    expect(book.differences([view("a")])).toEqual([]);
  });

  test("shows a node that took an older write after a newer one", () => {
    const book = new MapBook();
    book.note("a", set("k", "2", 2));
    book.note("a", set("k", "1", 1));
    expect(book.violations).toHaveLength(1);
  });
});

describe("the book of disks", () => {
  async function written(records: number) {
    const clock = virtualClock();
    const storage = memoryStorage();
    const book = new DiskBook();
    const over = new AbortController();
    const keeping = new DiskJournal(book, "n1", storage).keep(clock, over.signal);
    await clock.advance(400 * (records - 1) + 1);
    over.abort();
    await clock.advance(1_000);
    await keeping;
    const bytes = (await storage.read(JOURNAL_FILE)) as Uint8Array;
    expect(parseJournal(bytes)).toMatchObject({ last: records, count: records });
    return { book, bytes };
  }

  test("takes what came back whole, also with a torn tail of what was never synced", async () => {
    const { book, bytes } = await written(5);
    const torn = Buffer.concat([bytes, journalRecord(6, 5).slice(0, 4)]);
    expect(book.found("n1", torn)).toEqual({ last: 5, sizeBytes: bytes.length });
    expect(book.violations).toEqual([]);
    expect(book.readBack).toBe(5);
  });

  test.each([
    ["a lost record", (bytes: Uint8Array) => bytes.slice(0, bytes.length - 4)],
    ["a damaged record", (bytes: Uint8Array) => bytes.map((byte, at) => (at === 2 ? 0 : byte))],
    ["an empty disk", () => new Uint8Array(0)],
  ])("shows %s, unless the disk was damaged on purpose", async (_, damage) => {
    const { book, bytes } = await written(5);
    book.found("n1", damage(bytes));
    expect(book.violations).toHaveLength(1);
    const { book: other, bytes: same } = await written(5);
    other.damaged("n1");
    other.found("n1", damage(same));
    expect(other.violations).toEqual([]);
  });

  test("shows a record that was never written", () => {
    const book = new DiskBook();
    book.found("n1", journalRecord(7, 0));
    expect(book.violations).toHaveLength(1);
  });
});

describe("the book of identities", () => {
  const id = "0123456789abcdef".repeat(2);

  test("takes later starts and new ids", () => {
    const book = new IdentityBook();
    book.started("n1", { id, boot: "1" });
    book.started("n1", { id, boot: "2" });
    book.started("n1", { id: "f".repeat(32), boot: "1" });
    expect(book.violations).toEqual([]);
  });

  test.each([
    ["the same start twice", id, "2"],
    ["an older start", id, "1"],
    ["an id that is a damaged one", `f${id.slice(1)}`, "3"],
  ])("shows %s", (_, next, boot) => {
    const book = new IdentityBook();
    book.started("n1", { id, boot: "2" });
    book.started("n1", { id: next, boot });
    expect(book.violations).toHaveLength(1);
  });
});

describe("the book of monitors", () => {
  const pid = { node: "a".repeat(32), boot: "b".repeat(24), serial: 1 };

  const instance = instanceOf(pid);

  function watching() {
    let nowMs = 0;
    const book = new MonitorBook(() => nowMs);
    let tell = (_: ExitReason): void => undefined;
    const node = { key: "owner", clock: virtualClock() } as unknown as StackNode;
    const monitor = (down: typeof tell) => {
      tell = down;
      return () => undefined;
    };
    book.watch(node, { monitor, whereis: () => pid } as never);
    return {
      book,
      tell: (reason: ExitReason = { type: "normal" }) => tell(reason),
      at: (ms: number) => (nowMs = ms),
    };
  }

  test("shows one that was told twice", () => {
    const { book, tell } = watching();
    tell();
    expect(book.violations).toEqual([]);
    tell();
    expect(book.violations).toHaveLength(1);
  });

  test("shows an answer that came after the end was told, and what ran after it", () => {
    const { book, tell, at } = watching();
    let nowMs = 0;
    const journal = newJournal(() => nowMs);
    for (const id of ["book-1", "book-2", "book-3", "bookLater-4"]) journal.note(id, instance);
    book.answered("owner", "book-1");
    at(10);
    tell();
    expect(book.disorder(journal)).toEqual([]);
    book.answered("somebody else", "book-2");
    expect(book.disorder(journal)).toEqual([]);
    book.answered("owner", "book-3");
    expect(book.disorder(journal)).toEqual([expect.stringContaining("the answer to book-3")]);
    nowMs = 11;
    journal.note("bookLater-5", instance);
    journal.note("book-6", "another");
    expect(book.disorder(journal)).toHaveLength(1);
    journal.note("book-7", instance);
    expect(book.disorder(journal)[1]).toContain("ran book-7 at 11 ms");
  });

  test("concludes nothing from the end of a node: its processes may live on", () => {
    const { book, tell } = watching();
    const journal = newJournal(() => 1);
    tell({ type: "node-down", node: "c".repeat(32) as NodeId });
    journal.note("book-1", instance);
    book.answered("owner", "book-1");
    expect(book.disorder(journal)).toEqual([]);
  });

  test("shows one that was not told of an end, while its owner lives and nothing runs there", () => {
    const { book, tell } = watching();
    const journal = newJournal();
    journal.born.add(instance);
    const running = new Set(["aaaaaaaa/bbbbbbbbbb/1"]);
    expect(book.untold(new Set(["owner"]), new Set(), journal)).toHaveLength(1);
    expect(book.untold(new Set(["owner"]), running, journal)).toEqual([]);
    expect(book.untold(new Set(), new Set(), journal)).toEqual([]);
    tell();
    expect(book.untold(new Set(["owner"]), new Set(), journal)).toEqual([]);
  });

  test("goes by what an instance has become, and concludes nothing of one that only passed by", () => {
    const { book } = watching();
    const journal = newJournal();
    journal.born.add(instance);
    journal.noteMove(instance, "second");
    journal.noteMove("second", "third");
    expect(book.untold(new Set(["owner"]), new Set(["third"]), journal)).toEqual([]);
    expect(book.untold(new Set(["owner"]), new Set(["second"]), journal)).toHaveLength(1);
    const other = newJournal();
    expect(book.untold(new Set(["owner"]), new Set(["third"]), other)).toEqual([]);
  });
});

describe("a rest", () => {
  const pulse = (atMs: number, change: Partial<Pulse["nodes"][number]> = {}): Pulse => ({
    atMs,
    events: atMs / 100,
    connections: 6,
    nodes: ["n1", "n2"].map((name) => {
      const gauges = new Map([["members", 2]]);
      return { name, timers: 5, frames: atMs / 1_000, links: 3, gauges, waiting: [], ...change };
    }),
  });

  test("is quiet when little is sent and nothing grows", () => {
    expect(restless(pulse(1_000), pulse(21_000))).toEqual([]);
  });

  test("may open a channel that broke before", () => {
    expect(restless(pulse(1_000, { links: 2 }), pulse(21_000))).toEqual([]);
  });

  test.each([
    ["frames without end", pulse(21_000, { frames: 100_000 })],
    ["timers that grow", pulse(21_000, { timers: 50 })],
    ["a link that still has something", pulse(21_000, { waiting: ["1 queued"] })],
    ["a table that grows", pulse(21_000, { gauges: new Map([["members", 3]]) })],
    ["a channel with two connections", { ...pulse(21_000, { links: 50 }), connections: 100 }],
    ["connections that are no links", { ...pulse(21_000), connections: 8 }],
    ["a livelock", { ...pulse(21_000), events: 1_000_000 }],
  ])("shows %s", (_, after) => {
    expect(restless(pulse(1_000), after)).not.toEqual([]);
  });
});

describe("the book of members", () => {
  const boot = (number: number): Boot => createBoot(number, seededRandom("a"));
  const told = (...events: readonly (readonly [string, number])[]): MemberBook => {
    const book = new MemberBook();
    const id = "a".repeat(32) as NodeId;
    for (const [type, number] of events) book.told(type, { id, boot: boot(number) });
    return book;
  };

  test("lets a node come back from a death that was none, and start anew", () => {
    const book = told(["node-up", 1], ["node-down", 1], ["node-up", 1], ["node-left", 1]);
    expect(book.violations).toEqual([]);
    expect(told(["node-left", 1], ["node-up", 2]).violations).toEqual([]);
  });

  test("shows who comes back from leaving, and an older start after a newer one", () => {
    expect(told(["node-left", 1], ["node-up", 1]).violations).toHaveLength(1);
    expect(told(["node-up", 2], ["node-down", 2], ["node-up", 1]).violations).toHaveLength(1);
  });
});

describe("the watch over a call", () => {
  test("tells of one that has not ended by its timeout, and of no other", async () => {
    const clock = virtualClock();
    const told: string[] = [];
    watchOverdue(clock, 1_000, () => told.push("late"));
    const ended = watchOverdue(clock, 1_000, () => told.push("in time"));
    await clock.advance(1_000);
    ended();
    await clock.advance(1_000);
    expect(told).toEqual(["late"]);
  });
});
