/** The replicated store: snapshots at any point, commands that come again, and bytes that are no commands. */
import { expect, test } from "@jest/globals";
import { seededRandom } from "@foundation/core/testing";
import type { StoreRequest } from "../../../src/protocol/store/request.js";
import { encodeCommand, type StoreCommand } from "../../../src/protocol/store/command.js";
import {
  ReplicatedStore,
  type StoreResponse,
} from "../../../src/protocol/store/replicated-store.js";
import { SnapshotReading } from "../../../src/protocol/store/snapshot.js";
import { copyOfResponse } from "../../../src/store/outward.js";
import { Drawing } from "./drawing.js";

/** More runs than the short ones: STORE_RUNS=10000. */
const RUNS = Number(process.env["STORE_RUNS"] ?? 60);

/** A log that is drawn as it goes: clients with sessions, repeats, ticks. */
class Log {
  readonly draw: Drawing;
  readonly #sessions: { id: number; next: number; below: number }[] = [];
  readonly #sent: StoreCommand[] = [];
  #index = 0;
  #timeMs = 0;

  constructor(seed: string) {
    this.draw = new Drawing(seededRandom(seed));
  }

  /** The next entry, applied to each store; all answer the same. */
  step(stores: readonly ReplicatedStore[]): StoreResponse {
    const { draw } = this;
    this.#index += 1 + draw.below(2);
    this.#timeMs += draw.chance(0.1) ? draw.below(20_000) : draw.below(50);
    const command = this.#command(stores[0] as ReplicatedStore);
    const data = command ? encodeCommand(command) : new Uint8Array(0);
    const [first, ...others] = stores.map((store) => {
      return store.apply(this.#index, this.#timeMs, Uint8Array.from(data));
    });
    if (!first) throw new Error("no store");
    for (const other of others) expect(copyOfResponse(other)).toEqual(copyOfResponse(first));
    if (first.type === "opened") this.#sessions.push({ id: first.session, next: 1, below: 1 });
    return first;
  }

  #command({ store }: ReplicatedStore): StoreCommand | undefined {
    const { draw } = this;
    const kind = draw.below(12);
    if (kind === 0) return undefined;
    if (kind === 1 || this.#sessions.length === 0) return { type: "open" };
    if (kind === 2) return { type: "plain", request: this.#request(store) };
    if (kind < 5 && this.#sent.length > 0) return draw.one(this.#sent);
    if (kind === 5 && draw.chance(0.2)) {
      return { type: "close", session: draw.one(this.#sessions).id };
    }
    const session = draw.one(this.#sessions);
    const sequence = session.next;
    session.next += 1;
    if (draw.chance(0.5)) session.below = session.below + draw.below(session.next - session.below);
    const command: StoreCommand = {
      type: "command",
      session: session.id,
      sequence,
      answeredBelow: session.below,
      request: this.#request(store),
    };
    this.#sent.push(command);
    return command;
  }

  #request(store: ReplicatedStore["store"]): StoreRequest {
    const { draw } = this;
    const leases = Array.from(store.leases.leases(), ({ id }) => id);
    const lease = draw.one(["999", ...leases]);
    switch (draw.below(8)) {
      case 0:
        return { type: "grant", ttlMs: 1 + draw.below(30_000) };
      case 1:
        return { type: "keep", leases: [lease, "998"] };
      case 2:
        return { type: "revoke", lease };
      case 3:
        return { type: "compact", revision: 1 + draw.below(store.revision + 1) };
      default: {
        const { revision, history } = store;
        const known = { revision, compacted: history.compacted, leases };
        return { type: "txn", transaction: draw.transaction(known) };
      }
    }
  }
}

function bytesOf(frames: Iterable<Uint8Array>): Buffer {
  return Buffer.concat([...frames]);
}

/** Reads a snapshot in pieces that have nothing to do with its frames. */
function restored(snapshot: Buffer, draw: Drawing): ReplicatedStore {
  const reading = new SnapshotReading();
  for (let at = 0; at < snapshot.length; ) {
    const end = at + 1 + draw.below(draw.chance(0.5) ? 7 : 2_000);
    const piece = Uint8Array.from(snapshot.subarray(at, end));
    reading.add(piece);
    piece.fill(0xff);
    at = end;
  }
  const store = new ReplicatedStore();
  store.restore(reading);
  return store;
}

test("a store that begins with a snapshot goes on like the one it was taken of, byte for byte", () => {
  let compared = 0;
  for (let run = 0; run < RUNS; run += 1) {
    const log = new Log(`snapshot-${run}`);
    const original = new ReplicatedStore();
    for (let i = log.draw.below(80); i > 0; i -= 1) log.step([original]);
    const frames = original.snapshot();
    const snapshot = bytesOf(original.snapshot());
    const copy = restored(snapshot, log.draw);
    expect(bytesOf(copy.snapshot()).equals(snapshot)).toBe(true);
    for (let i = 0; i < 40; i += 1) log.step([original, copy]);
    // Asked for late, it is still of then.
    expect(bytesOf(frames).equals(snapshot)).toBe(true);
    expect(bytesOf(copy.snapshot()).equals(bytesOf(original.snapshot()))).toBe(true);
    compared += snapshot.length;
  }
  expect(compared).toBeGreaterThan(RUNS * 200);
});

test("a snapshot that was cut short, or changed, gives no other store without a word", () => {
  const log = new Log("damage");
  const original = new ReplicatedStore();
  for (let i = 0; i < 150; i += 1) log.step([original]);
  const snapshot = bytesOf(original.snapshot());
  for (let run = 0; run < RUNS; run += 1) {
    const cut = snapshot.subarray(0, log.draw.below(snapshot.length));
    expect(() => restored(cut, log.draw)).toThrow(/snapshot|well-formed/u);
  }
});

test("a command is executed once, however often and late it is repeated", () => {
  for (let run = 0; run < RUNS; run += 1) {
    const draw = new Drawing(seededRandom(`once-${run}`));
    const store = new ReplicatedStore();
    let index = 0;
    const apply = (command: StoreCommand) => {
      index += 1;
      return store.apply(index, index, encodeCommand(command));
    };
    const opened = apply({ type: "open" });
    if (opened.type !== "opened") throw new Error(opened.type);
    const { session } = opened;
    const sent: (StoreCommand & { type: "command" })[] = [];
    const answers = new Map<number, StoreResponse>();
    let answeredBelow = 1;
    for (let i = 0; i < 100; i += 1) {
      const again = sent.length > 0 && draw.chance(0.6);
      const sequence = sent.length + 1;
      const key = `k${sequence}`;
      const then = [{ type: "put", key, value: Uint8Array.of(1) } as const];
      const request: StoreRequest = { type: "txn", transaction: { then } };
      const command = again
        ? draw.one(sent)
        : ({ type: "command", session, sequence, answeredBelow, request } as const);
      if (!again) sent.push(command);
      const response = apply({ ...command, answeredBelow });
      const before = answers.get(command.sequence);
      if (command.sequence < answeredBelow) expect(response).toEqual({ type: "answered" });
      else if (before) expect(response).toEqual({ ...before, isRepeat: true });
      else answers.set(command.sequence, response);
      // Nothing is acknowledged that was not answered.
      if (draw.chance(0.2)) answeredBelow += draw.below(answers.size - answeredBelow + 2);
    }
    const pairs = [...store.store.pairs.entries()].map(([, pair]) => pair);
    expect(pairs).toHaveLength(answers.size);
    for (const { version } of pairs) expect(version).toBe(1);
    expect(store.store.revision).toBe(answers.size);
  }
});

test("bytes that are no commands are refused, alike on every member, and change nothing", () => {
  const log = new Log("garbage");
  const stores = [new ReplicatedStore(), new ReplicatedStore()];
  for (let i = 0; i < 60; i += 1) log.step(stores);
  const { draw } = log;
  const then = [{ type: "put", key: "k", value: Uint8Array.of(1) } as const];
  const good = encodeCommand({ type: "plain", request: { type: "txn", transaction: { then } } });
  let refused = 0;
  for (let run = 0; run < RUNS * 20; run += 1) {
    const bytes = draw.chance(0.5) ? Uint8Array.from(good) : draw.bytes(40);
    const at = draw.below(bytes.length);
    if (bytes.length > 0) bytes[at] = draw.below(256);
    const before = stores[0]?.store.revision;
    const [first, second] = stores.map((store) => store.apply(1_000_000 + run, 0, bytes));
    expect(second).toEqual(first);
    if (first?.type !== "done" || first.response.type !== "refused") continue;
    refused += 1;
    expect(stores[0]?.store.revision).toBe(before);
  }
  expect(refused).toBeGreaterThan(RUNS);
  const [a, b] = stores.map((store) => bytesOf(store.snapshot()));
  expect(a?.equals(b as Buffer)).toBe(true);
});
