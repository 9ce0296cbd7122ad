/** A Raft group over real sockets and real disks: members answer, one dies, and comes back from its log. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { messengerLink, openGroup, type Group, type StateMachine } from "@foundation/consensus";
import {
  createBoot,
  createNodeId,
  fileStorage,
  nodeRandom,
  silentLogger,
  type NodeId,
} from "@foundation/core";
import { createOverlay, type Overlay } from "@foundation/overlay";
import { eventually } from "@foundation/testkit";

const GROUP = "orders-1f0c";
const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** All commands, in order; answers with how many there are. */
class Book implements StateMachine<number> {
  lines: string[] = [];

  apply(_index: number, _timeMs: number, data: Uint8Array): number {
    return this.lines.push(decoder.decode(data));
  }

  snapshot(): Iterable<Uint8Array> {
    return [encoder.encode(JSON.stringify(this.lines))];
  }

  async restore(chunks: AsyncIterable<Uint8Array>): Promise<void> {
    let text = "";
    for await (const chunk of chunks) text += decoder.decode(chunk, { stream: true });
    this.lines = JSON.parse(text) as string[];
  }
}

interface Seat {
  readonly id: NodeId;
  readonly overlay: Overlay;
  readonly group: Group<number>;
  readonly book: Book;
}

const random = nodeRandom();
const ids = [createNodeId(random), createNodeId(random), createNodeId(random)];
const seats: Seat[] = [];
let directory: string;
let boots = 0;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), "consensus-group-"));
});

afterAll(async () => {
  for (const { group, overlay } of seats) {
    await group.close();
    await overlay.close();
  }
  await rm(directory, { recursive: true });
});

async function sit(id: NodeId): Promise<Seat> {
  boots += 1;
  const overlay = await createOverlay({
    cluster: "shop",
    secret: "at least 16 characters",
    identity: { id, boot: createBoot(boots, random), name: `seat ${ids.indexOf(id)}` },
    peers: seats.map(({ overlay: { address } }) => address),
    runtime: { logger: silentLogger() },
  });
  const { messenger, membership } = overlay;
  const book = new Book();
  const group = await openGroup({
    group: GROUP,
    machine: book,
    link: messengerLink({ messenger, membership, group: GROUP }),
    storage: fileStorage(join(directory, id)),
    firstVoters: ids,
    runtime: { logger: silentLogger() },
    // Several snapshots in the course of the test.
    limits: { snapshotLogBytes: 20_000, snapshotLogBytesMax: 20_000 },
  });
  const seat = { id, overlay, group, book };
  seats.push(seat);
  return seat;
}

/** As if its process had died: to the others its node fails, and nothing is handed over. */
async function kill(seat: Seat): Promise<void> {
  seats.splice(seats.indexOf(seat), 1);
  await seat.overlay.close();
  await seat.group.close();
}

function write(seat: Seat, texts: readonly string[]): Promise<unknown> {
  return Promise.all(texts.map((text) => seat.group.propose(encoder.encode(text))));
}

function many(word: string): string[] {
  return Array.from({ length: 200 }, (_, i) => `${word} ${i}`);
}

describe("three members over sockets, each with a disk", () => {
  test("acknowledge what is asked at any of them; it outlives the leader, and a restart", async () => {
    for (const id of ids) await sit(id);
    await Promise.all(seats.map((seat, i) => write(seat, many(`from ${i}`))));
    for (const { group, book } of seats) {
      await group.read();
      expect(book.lines).toHaveLength(600);
    }
    const leader = seats.find(({ group }) => group.status().role === "leader") as Seat;
    await kill(leader);
    const [one, other] = seats as [Seat, Seat];
    await Promise.all([write(one, many("one")), write(other, many("other"))]);
    const back = await sit(leader.id);
    await back.group.read();
    expect(back.book.lines).toHaveLength(1_000);
    await write(back, many("back"));
    await Promise.all(seats.map(({ group }) => group.read()));
    await eventually(() => expect(one.book.lines).toHaveLength(1_200));
    for (const { book } of seats) expect(book.lines).toEqual(one.book.lines);
    expect(new Set(one.book.lines).size).toBe(1_200);
  }, 60_000);
});
