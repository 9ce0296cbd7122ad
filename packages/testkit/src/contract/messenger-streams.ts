/**
 * The part of messengerContract about byte streams: order, backpressure, and an end of either side that reaches the
 * other.
 */
import assert from "node:assert/strict";
import { Readable } from "node:stream";
import { coreErrors, newTrace } from "@foundation/core";
import type { ByteSource, InboundStream, Messenger, Route } from "@foundation/core/ports";
import { seededRandom } from "@foundation/core/testing";
import { rejectsWith, throwsWith, until, type ContractTime } from "../time.js";
import { pairOf, type ClusterContractSetup, type ClusterFixture } from "./cluster-fixture.js";

type Test = (name: string, run: (fixture: ClusterFixture) => unknown) => void;
type Routing = (to: { readonly messenger: Messenger }, subject?: string) => Route;

const SUBJECT = "contract.stream";
const KIB = 1_024;
/** More than any window may hold for a consumer that does not read, with all queues on the way. */
const AHEAD_BYTES_MAX = 1_024 * KIB;

export function streamTests(test: Test, route: Routing): void {
  const to = (node: { readonly messenger: Messenger }) => route(node, SUBJECT);
  byteTests(test, to);
  flowTests(test, to, route);
  endTests(test, to);
  refusalTests(test, to);
}

type To = (node: { readonly messenger: Messenger }) => Route;

function byteTests(test: Test, to: To): void {
  test("the bytes of a stream arrive in order, and the handler's result is the stream's value", async (fixture) => {
    const [a, b] = pairOf(fixture);
    const whole = bytesOf(300_000, 7);
    const pieces = [1, 10, 1_000, 65_536, 70_000, 3, 163_450].map(cutter(whole));
    b.messenger.handleStream(SUBJECT, async (stream) => {
      const read = await readAll(stream);
      return { same: read.equals(whole), sizeBytes: read.length };
    });
    for (const source of [pieces, slowly(pieces, fixture.time)]) {
      const value = await fixture.time.wait(a.messenger.stream(to(b), source));
      assert.deepEqual(value, { same: true, sizeBytes: 300_000 });
    }
  });

  test("10 MB arrive whole", async (fixture) => {
    const [a, b] = pairOf(fixture);
    const whole = bytesOf(10_000_000, 3);
    b.messenger.handleStream(SUBJECT, async (stream) => {
      let sizeBytes = 0;
      for await (const piece of stream) {
        if (!whole.subarray(sizeBytes, sizeBytes + piece.length).equals(piece)) return "wrong";
        sizeBytes += piece.length;
      }
      return sizeBytes;
    });
    const value = await fixture.time.wait(a.messenger.stream(to(b), [whole]));
    assert.equal(value, 10_000_000);
  });

  test("an empty stream, and empty pieces, end without a byte", async (fixture) => {
    const [a, b] = pairOf(fixture);
    b.messenger.handleStream(SUBJECT, async (stream) => (await readAll(stream)).length);
    assert.equal(await fixture.time.wait(a.messenger.stream(to(b), [])), 0);
    const empty = new Uint8Array(0);
    assert.equal(await fixture.time.wait(a.messenger.stream(to(b), [empty, empty])), 0);
  });

  test("a handler sees the stream's sender, boot, channel, subject, metadata and trace", async (fixture) => {
    const [a, b] = pairOf(fixture);
    const seen: InboundStream[] = [];
    b.messenger.handleStream(SUBJECT, async (stream) => {
      seen.push(stream);
      await readAll(stream);
    });
    const trace = newTrace(seededRandom("a stream's trace"));
    const metadata = { name: "video.mp4", sizes: [1, 2] };
    await fixture.time.wait(a.messenger.stream(to(b), [bytesOf(10)], { metadata, trace }));
    await fixture.time.wait(a.messenger.stream(to(b), [bytesOf(10)]));
    const [first, second] = seen;
    assert.equal(first?.from, a.messenger.self);
    assert.equal(first?.fromBoot, a.membership.self.boot);
    assert.equal(first?.channel, to(b).channel);
    assert.equal(first?.subject, SUBJECT);
    assert.deepEqual(first?.metadata, metadata);
    assert.equal(first?.trace?.traceId, trace.traceId);
    assert.equal(second?.metadata, undefined);
    assert.equal(second?.signal.aborted, false);
  });

  test("a Node stream and a web stream are sources like any other", async (fixture) => {
    const [a, b] = pairOf(fixture);
    const whole = bytesOf(200_000, 5);
    const pieces = [100_000, 50_000, 50_000].map(cutter(whole));
    b.messenger.handleStream(SUBJECT, async (stream) => (await readAll(stream)).equals(whole));
    const node = Readable.from(pieces, { objectMode: false });
    assert.equal(await fixture.time.wait(a.messenger.stream(to(b), node)), true);
    assert.equal(await fixture.time.wait(a.messenger.stream(to(b), webStream(pieces))), true);
  });

  test("a source may use a piece's memory again once it is asked for the next one", async (fixture) => {
    const [a, b] = pairOf(fixture);
    b.messenger.handleStream(SUBJECT, async (stream) => [...(await readAll(stream))].join(""));
    function* digits() {
      const memory = new Uint8Array(1);
      for (let i = 0; i < 10; i++) {
        memory[0] = i;
        yield memory;
      }
      memory[0] = 99;
    }
    const value = await fixture.time.wait(a.messenger.stream(to(b), digits()));
    assert.equal(value, "0123456789");
  });

  test("many streams at once, both ways and to oneself, do not mix", async (fixture) => {
    const [a, b] = pairOf(fixture);
    for (const { messenger } of [a, b]) {
      messenger.handleStream(SUBJECT, async (stream) => {
        const read = await readAll(stream);
        const { seed } = stream.metadata as { seed: number };
        return read.equals(bytesOf(30_000, seed));
      });
    }
    const ways = [[a, b] as const, [b, a] as const, [a, a] as const];
    const streams = Array.from({ length: 30 }, (_, seed) => {
      const [from, target] = ways[seed % ways.length] as (typeof ways)[number];
      const pieces = [10_000, 1, 19_999].map(cutter(bytesOf(30_000, seed)));
      const source = slowly(pieces, fixture.time);
      return from.messenger.stream(to(target), source, { metadata: { seed } });
    });
    const values = await fixture.time.wait(Promise.all(streams));
    assert.deepEqual(new Set(values), new Set([true]));
  });
}

function flowTests(test: Test, to: To, route: Routing): void {
  test("a consumer that does not read stops the source, holds up no message, and can go on", async (fixture) => {
    const [a, b] = pairOf(fixture);
    const gate = opened();
    b.messenger.handleStream(SUBJECT, async (stream) => {
      await gate.promise;
      return (await readAll(stream)).length;
    });
    b.messenger.handle("contract.request", () => "answer");
    const source = endless(16 * KIB, (4 * AHEAD_BYTES_MAX) / (16 * KIB));
    const sending = a.messenger.stream(to(b), source.pieces);
    await until(fixture.time, "the source is read", () => source.bytes() > 0);
    await fixture.time.pass(300);
    const before = source.bytes();
    assert.ok(before <= AHEAD_BYTES_MAX, `${before} bytes were read ahead`);
    const asking = a.messenger.request(route(b, "contract.request"), 1);
    assert.equal(await fixture.time.wait(asking), "answer");
    await fixture.time.pass(300);
    assert.equal(source.bytes(), before, "the source stands still");
    gate.open();
    assert.equal(await fixture.time.wait(sending), 4 * AHEAD_BYTES_MAX);
  });

  test("a slow consumer lets the source go on step by step", async (fixture) => {
    const [a, b] = pairOf(fixture);
    const steps: number[] = [];
    const source = endless(16 * KIB, 256);
    b.messenger.handleStream(SUBJECT, async (stream) => {
      let taken = 0;
      for await (const piece of stream) {
        taken += piece.length;
        steps.push(source.bytes() - taken);
        await fixture.time.clock.sleep(1);
      }
      return taken;
    });
    const value = await fixture.time.wait(a.messenger.stream(to(b), source.pieces));
    assert.equal(value, 4_096 * KIB);
    assert.ok(Math.max(...steps) <= AHEAD_BYTES_MAX, `${Math.max(...steps)} bytes ahead`);
  });
}

function endTests(test: Test, to: To): void {
  test("a consumer that leaves early ends the source at once; the handler's result is still the value", async (fixture) => {
    const [a, b] = pairOf(fixture);
    const gate = opened();
    b.messenger.handleStream(SUBJECT, async (stream) => {
      for await (const piece of stream) if (piece.length > 0) break;
      await gate.promise;
      return "enough";
    });
    const source = endless(16 * KIB);
    const sending = a.messenger.stream(to(b), source.pieces);
    await until(fixture.time, "the source has ended", source.ended);
    gate.open();
    assert.equal(await fixture.time.wait(sending), "enough");
  });

  test("a handler that returns without reading ends the source, and who reads on gets an error", async (fixture) => {
    const [a, b] = pairOf(fixture);
    const late: Promise<unknown>[] = [];
    b.messenger.handleStream(SUBJECT, (stream) => {
      late.push(readAll(stream).catch((error: unknown) => error));
      return "no, thank you";
    });
    const source = endless(16 * KIB);
    const sending = a.messenger.stream(to(b), source.pieces);
    assert.equal(await fixture.time.wait(sending), "no, thank you");
    await until(fixture.time, "the source has ended", source.ended);
    const error = (await fixture.time.wait(late[0] as Promise<unknown>)) as { code?: string };
    assert.equal(error.code, "ERR_STREAM_BROKEN");
  });

  test("a handler's error reaches the sender and ends the source", async (fixture) => {
    const [a, b] = pairOf(fixture);
    b.messenger.handleStream(SUBJECT, async (stream) => {
      for await (const piece of stream) {
        if (piece.length > 0)
          throw coreErrors.ERR_TIMEOUT("the disk is slow", { timeoutMs: 7, target: "disk" });
      }
    });
    const source = endless(16 * KIB);
    const sending = a.messenger.stream(to(b), source.pieces);
    const error = await rejectsWith(fixture.time, sending, "ERR_TIMEOUT");
    assert.deepEqual(error.details, { timeoutMs: 7, target: "disk" });
    await until(fixture.time, "the source has ended", source.ended);
  });

  test("an error of the source is the sender's, and breaks the stream of the consumer", async (fixture) => {
    const [a, b] = pairOf(fixture);
    const consumed = consumer(b.messenger);
    async function* failing() {
      yield bytesOf(100_000);
      await fixture.time.clock.sleep(5);
      throw new Error("the disk is gone");
    }
    const sending = a.messenger.stream(to(b), failing()).catch((error: unknown) => error);
    const error = (await fixture.time.wait(sending)) as Error;
    assert.equal(error.message, "the disk is gone");
    await until(fixture.time, "the consumer sees it", () => consumed.error() !== undefined);
    assert.equal(consumed.error()?.code, "ERR_STREAM_BROKEN");
    assert.equal(consumed.error()?.details["reason"], "source-failed");
    assert.match(String(consumed.error()?.message), /the disk is gone/);
    assert.equal(consumed.stream()?.signal.aborted, true);
  });

  test("the sender's abort ends the source, and breaks the stream of the consumer", async (fixture) => {
    const [a, b] = pairOf(fixture);
    const consumed = consumer(b.messenger);
    const source = endless(1_000, 20, fixture.time);
    const abort = new AbortController();
    const sending = a.messenger.stream(to(b), source.pieces, { signal: abort.signal });
    const outcome = rejectsWith(fixture.time, sending, "ERR_OUTCOME_UNKNOWN");
    await until(fixture.time, "bytes arrive", () => consumed.bytes() > 0);
    abort.abort();
    assert.equal((await outcome).details["reason"], "aborted");
    await until(fixture.time, "the consumer sees it", () => consumed.error() !== undefined);
    assert.equal(consumed.error()?.code, "ERR_STREAM_BROKEN");
    assert.equal(consumed.error()?.details["reason"], "aborted");
    assert.equal(consumed.stream()?.signal.aborted, true);
    await until(fixture.time, "the source has ended", source.ended);
  });

  test("a deadline ends the stream: its outcome is unknown, and the handler is told", async (fixture) => {
    const [a, b] = pairOf(fixture);
    let told = false;
    b.messenger.handleStream(SUBJECT, (stream) => {
      stream.signal.addEventListener("abort", () => {
        told = true;
      });
      return new Promise(() => {});
    });
    const sending = a.messenger.stream(to(b), [bytesOf(10)], { timeoutMs: 150 });
    const error = await rejectsWith(fixture.time, sending, "ERR_OUTCOME_UNKNOWN");
    assert.equal(error.details["reason"], "deadline-exceeded");
    await until(fixture.time, "the handler's signal fires", () => told);
  });

  test("a stream without a deadline waits as long as it takes", async (fixture) => {
    const [a, b] = pairOf(fixture);
    b.messenger.handleStream(SUBJECT, async (stream) => {
      await readAll(stream);
      await fixture.time.clock.sleep(200);
      return "done";
    });
    const sending = a.messenger.stream(to(b), [bytesOf(10)]);
    assert.equal(await fixture.time.wait(sending), "done");
  });
}

function refusalTests(test: Test, to: To): void {
  test("a stream for a subject nobody handles fails with ERR_UNKNOWN_SUBJECT and ends the source", async (fixture) => {
    const [a, b] = pairOf(fixture);
    b.messenger.handle(SUBJECT, () => "messages and streams are apart");
    const source = endless(16 * KIB);
    const sending = a.messenger.stream(to(b), source.pieces);
    await rejectsWith(fixture.time, sending, "ERR_UNKNOWN_SUBJECT");
    await until(fixture.time, "the source has ended", source.ended);
  });

  test("a subject's streams have one handler at a time", async (fixture) => {
    const [a, b] = pairOf(fixture);
    const end = b.messenger.handleStream(SUBJECT, () => "first");
    throwsWith(() => b.messenger.handleStream(SUBJECT, () => "second"), "ERR_INVALID_ARGUMENT");
    assert.equal(await fixture.time.wait(a.messenger.stream(to(b), [])), "first");
    end();
    await rejectsWith(fixture.time, a.messenger.stream(to(b), []), "ERR_UNKNOWN_SUBJECT");
  });

  test("what is no source of bytes is refused, and so is a piece that is none", async (fixture) => {
    const [a, b] = pairOf(fixture);
    const consumed = consumer(b.messenger);
    for (const wrong of ["text", bytesOf(3), 7, null, {}]) {
      const sending = a.messenger.stream(to(b), wrong as unknown as ByteSource);
      await rejectsWith(fixture.time, sending, "ERR_INVALID_ARGUMENT");
    }
    const sending = a.messenger.stream(to(b), ["text"] as unknown as ByteSource);
    await rejectsWith(fixture.time, sending, "ERR_INVALID_ARGUMENT");
    await until(fixture.time, "the consumer sees it", () => consumed.error() !== undefined);
    assert.equal(consumed.error()?.code, "ERR_STREAM_BROKEN");
  });

  test("metadata that is not plain data is refused, and an unknown node; the source is ended", async (fixture) => {
    const [a, b] = pairOf(fixture);
    const first = endless(10);
    const metadata = { run: () => 1 };
    const sending = a.messenger.stream(to(b), first.iterable, { metadata });
    await rejectsWith(fixture.time, sending, "ERR_NOT_ENCODABLE");
    assert.equal(first.ended(), true);
    const second = endless(10);
    const nowhere: Route = { ...to(b), to: "0".repeat(32) as Route["to"] };
    const lost = a.messenger.stream(nowhere, second.iterable);
    await rejectsWith(fixture.time, lost, "ERR_NODE_UNREACHABLE");
    assert.equal(second.ended(), true);
  });

  test("a stream that was aborted before it began never arrives", async (fixture) => {
    const [a, b] = pairOf(fixture);
    const consumed = consumer(b.messenger);
    const source = endless(10);
    const signal = AbortSignal.abort();
    const sending = a.messenger.stream(to(b), source.iterable, { signal });
    await rejectsWith(fixture.time, sending, "ERR_ABORTED");
    assert.equal(source.ended(), true);
    await fixture.time.pass(20);
    assert.equal(consumed.stream(), undefined);
  });
}

export function streamDeathTests(test: Test, route: Routing, setup: ClusterContractSetup): void {
  test("a stream to a node that dies has an unknown outcome, and its source ends", async (fixture) => {
    const [a, b] = pairOf(fixture);
    let arrived = false;
    b.messenger.handleStream(SUBJECT, () => {
      arrived = true;
      return new Promise(() => {});
    });
    const source = endless(16 * KIB);
    const sending = a.messenger.stream(route(b, SUBJECT), source.pieces);
    const outcome = rejectsWith(fixture.time, sending, "ERR_OUTCOME_UNKNOWN");
    await until(fixture.time, "it arrives", () => arrived);
    await setup.kill?.(fixture, 1);
    assert.equal((await outcome).details["reason"], "connection-lost");
    await until(fixture.time, "the source has ended", source.ended);
  });

  test("a stream of a node that dies breaks, and never ends as if it were whole", async (fixture) => {
    const [a, b] = pairOf(fixture);
    const consumed = consumer(a.messenger);
    const source = endless(1_000, undefined, fixture.time);
    b.messenger.stream(route(a, SUBJECT), source.pieces).catch(() => {});
    await until(fixture.time, "bytes arrive", () => consumed.bytes() > 0);
    await setup.kill?.(fixture, 1);
    await until(fixture.time, "the consumer sees it", () => consumed.error() !== undefined);
    assert.equal(consumed.error()?.code, "ERR_STREAM_BROKEN");
    assert.equal(consumed.error()?.details["reason"], "connection-lost");
  });
}

/** Bytes that differ from place to place and from seed to seed. */
function bytesOf(length: number, seed = 1): Buffer {
  const bytes = Buffer.alloc(length);
  for (let i = 0; i < length; i++) bytes[i] = (i * (2 * seed + 31) + (i >>> 8)) & 0xff;
  return bytes;
}

/** Cuts the next so many bytes off. */
function cutter(whole: Buffer): (length: number) => Uint8Array {
  let at = 0;
  return (length) => whole.subarray(at, (at += length));
}

async function* slowly(
  pieces: readonly Uint8Array[],
  time: ContractTime,
): AsyncGenerator<Uint8Array> {
  for (const piece of pieces) {
    await time.clock.sleep(1);
    yield piece;
  }
}

function webStream(pieces: readonly Uint8Array[]): ReadableStream<Uint8Array> {
  const left = [...pieces];
  return new ReadableStream({
    pull: (controller) => {
      const piece = left.shift();
      if (piece === undefined) controller.close();
      else controller.enqueue(piece);
    },
  });
}

async function readAll(stream: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const pieces: Uint8Array[] = [];
  for await (const piece of stream) pieces.push(piece);
  return Buffer.concat(pieces);
}

/** A source that says how far it was read and whether it was ended; with a time, a piece each millisecond. */
function endless(pieceBytes: number, pieces = Number.POSITIVE_INFINITY, time?: ContractTime) {
  let bytes = 0;
  let isEnded = false;
  const ended = () => isEnded;
  const generate = async function* () {
    try {
      for (let i = 0; i < pieces; i++) {
        if (time !== undefined) await time.clock.sleep(1);
        bytes += pieceBytes;
        yield bytesOf(pieceBytes);
      }
      if (time !== undefined) await new Promise(() => {});
    } finally {
      isEnded = true;
    }
  };
  // An iterator of its own is told even when nothing was read of it.
  const iterable: Iterable<Uint8Array> = {
    [Symbol.iterator]: () => ({
      next: () => ({ done: false, value: bytesOf(pieceBytes) }),
      return: () => {
        isEnded = true;
        return { done: true, value: undefined };
      },
    }),
  };
  return { pieces: generate(), iterable, bytes: () => bytes, ended };
}

interface SeenError extends Error {
  readonly code?: string;
  readonly details: Readonly<Record<string, unknown>>;
}

/** Handles the streams of a messenger: reads them, and keeps what became of the last. */
function consumer(messenger: Messenger) {
  let stream: InboundStream | undefined;
  let bytes = 0;
  let error: SeenError | undefined;
  messenger.handleStream(SUBJECT, async (inbound) => {
    stream = inbound;
    try {
      for await (const piece of inbound) bytes += piece.length;
    } catch (thrown) {
      error = thrown as SeenError;
      throw thrown;
    }
  });
  return { stream: () => stream, bytes: () => bytes, error: () => error };
}

function opened() {
  let open = () => {};
  const promise = new Promise<void>((resolve) => {
    open = resolve;
  });
  return { promise, open: () => open() };
}
