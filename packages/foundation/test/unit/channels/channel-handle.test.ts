import { Readable } from "node:stream";
import { ReadableStream } from "node:stream/web";
import { beforeEach, describe, expect, test } from "@jest/globals";
import { coreErrors, type Member } from "@foundation/core";
import { memoryCluster, virtualClock } from "@foundation/core/testing";
import type { Channel, ChannelMessage, ChannelStream } from "../../../src/channels/channel.js";
import { Channels } from "../../../src/channels/channels.js";

const bytes = (...values: number[]) => Uint8Array.from(values);

function world({ latencyMs = 1 } = {}) {
  const clock = virtualClock();
  const options = { nodes: ["a", "b", "c"], queueBytesMax: 2_000, latencyMs };
  const cluster = memoryCluster({ clock, ...options });
  const open = <Message = unknown, Reply = unknown>(node: string, name = "bulk") => {
    const { messenger, membership } = cluster.node(node);
    const ports = { messenger, membership, clock, links: () => [] };
    const channels = new Channels({ ...ports, configured: [], configure: () => {} });
    return channels.open(name) as unknown as Channel<Message, Reply>;
  };
  const member = (from: string, name: string): Member => {
    const { membership } = cluster.node(from);
    return membership.members().find((each) => each.name === name)!;
  };
  return { clock, cluster, open, member };
}

let { clock, cluster, open, member } = world();
beforeEach(() => {
  ({ clock, cluster, open, member } = world());
});

describe("messages and requests", () => {
  test("reach the handler of the same name only, with their sender, in order", async () => {
    const [bulk, received] = [open<number>("a"), [] as ChannelMessage<number>[]];
    open<number>("b").handle((message) => received.push(message));
    open("b", "other").handle(() => received.push("wrong" as never));
    for (let i = 0; i < 10; i += 1) await clock.run(bulk.send(member("a", "b"), i));
    await clock.advance(10);
    expect(received.map(({ payload }) => payload)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
    expect(received[0]).toMatchObject({ from: cluster.node("a").id, kind: "message" });
    expect(received[0]?.sender?.name).toBe("a");
    expect(received[0]?.deadline).toBeUndefined();
  });

  test("a node is a member or its id", async () => {
    open<number, number>("b").handle(({ payload }) => payload * 2);
    const bulk = open<number, number>("a");
    expect(await clock.run(bulk.request(member("a", "b"), 21))).toBe(42);
    expect(await clock.run(bulk.request(cluster.node("b").id, 4))).toBe(8);
    expect(bulk.trySend(cluster.node("b").id, 1)).toBe("accepted");
  });

  test.each([{}, null, 7, new AbortController()])("%j is no signal", async (signal) => {
    const bulk = open("a");
    const options = { signal: signal as never };
    const refusal = {
      code: "ERR_INVALID_ARGUMENT",
      message: expect.stringMatching(/^signal must be an AbortSignal/),
    };
    const { id } = cluster.node("b");
    await expect(bulk.send(id, 1, options)).rejects.toMatchObject(refusal);
    await expect(bulk.request(id, 1, options)).rejects.toMatchObject(refusal);
    await expect(bulk.stream(id, [bytes(1)], options)).rejects.toMatchObject(refusal);
  });

  test("whoever gives a controller is told of its signal", async () => {
    const sent = open("a").send(cluster.node("b").id, 1, {
      signal: new AbortController() as never,
    });
    await expect(sent).rejects.toThrow("the signal of the controller");
  });

  test.each([0, "0s"])("a timeout of %j is refused by the name it was given", async (timeout) => {
    const [bulk, { id }] = [open("a"), cluster.node("b")];
    const refusal = { message: expect.stringMatching(/^timeout must be more than 0/) };
    await expect(bulk.request(id, 1, { timeout: timeout as never })).rejects.toMatchObject(refusal);
    await expect(bulk.stream(id, [bytes(1)], { timeout: timeout as never })).rejects.toMatchObject(
      refusal,
    );
  });

  test("one handler of each kind: a second is refused until the first has ended", async () => {
    const bulk = open<number, string>("b");
    const [ask, end] = [open<number, string>("a"), bulk.handle(() => "first")];
    bulk.handleStream(() => "streams have their own");
    expect(() => bulk.handle(() => "second")).toThrow(
      "handle() of channel bulk must be called once",
    );
    expect(() => bulk.handleStream(() => 1)).toThrow("handleStream() of channel bulk");
    end();
    bulk.handle(() => "second");
    end();
    expect(() => bulk.handle(() => "third")).toThrow("handle() of channel bulk");
    expect(await clock.run(ask.request(cluster.node("b").id, 1))).toBe("second");
  });

  test.each(["b", undefined, {}, 7])("%j is no node", async (node) => {
    const bulk = open("a");
    const refusal = {
      code: "ERR_INVALID_ARGUMENT",
      message: expect.stringMatching(/cluster\.nodes/),
    };
    await expect(bulk.send(node as never, 1)).rejects.toMatchObject(refusal);
    await expect(bulk.request(node as never, 1)).rejects.toMatchObject(refusal);
    await expect(bulk.stream(node as never, [])).rejects.toMatchObject(refusal);
    expect(() => bulk.trySend(node as never, 1)).toThrow(expect.objectContaining(refusal));
  });

  test("an answer that takes too long is an unknown outcome, in the time that was asked for", async () => {
    const signals: AbortSignal[] = [];
    open("b").handle(({ signal }) => {
      signals.push(signal);
      return new Promise<never>(() => {});
    });
    const startedMs = clock.now();
    const asked = open("a").request(cluster.node("b").id, 1, { timeout: "2s" });
    await expect(clock.run(asked)).rejects.toMatchObject({ code: "ERR_OUTCOME_UNKNOWN" });
    expect(clock.now() - startedMs).toBeGreaterThanOrEqual(2_000);
    expect(clock.now() - startedMs).toBeLessThan(2_100);
    await clock.advance(10);
    expect(signals[0]?.aborted).toBe(true);
  });

  test("a typed error of the handler is the caller's", async () => {
    open("b").handle(() => {
      throw coreErrors.ERR_NO_PROCESS("there is none", { process: "x" });
    });
    const asked = open("a").request(cluster.node("b").id, 1);
    await expect(clock.run(asked)).rejects.toMatchObject({ code: "ERR_NO_PROCESS" });
  });

  test("a handler that ended handles no more, and another may take its place", async () => {
    const bulk = open<number, string>("b");
    const end = bulk.handle(() => "first");
    expect(() => bulk.handle(() => "second")).toThrow(
      expect.objectContaining({ code: "ERR_INVALID_ARGUMENT" }),
    );
    end();
    bulk.handle(() => "second");
    const asked = open("a").request(cluster.node("b").id, 1);
    expect(await clock.run(asked)).toBe("second");
    expect(() => bulk.handle("third" as never)).toThrow(/must be a function/);
  });

  test("the route to a node that is gone is not kept", async () => {
    const bulk = open("a");
    const { id } = cluster.node("b");
    open("b").handle(() => "here");
    expect(await clock.run(bulk.request(id, 1))).toBe("here");
    cluster.down("b");
    await clock.advance(10);
    await expect(clock.run(bulk.request(id, 1))).rejects.toMatchObject({
      code: "ERR_NODE_UNREACHABLE",
    });
    cluster.restart("b");
    await clock.advance(10);
    open("b").handle(() => "again");
    expect(await clock.run(bulk.request(id, 1))).toBe("again");
  });
});

describe("waiting for room", () => {
  /** Fills the way from a to b, which takes a minute to be empty again. */
  const fill = () => {
    ({ clock, cluster, open, member } = world({ latencyMs: 60_000 }));
    const bulk = open("a");
    const { id } = cluster.node("b");
    while (bulk.trySend(id, new Uint8Array(500)) === "accepted");
    return { bulk, id };
  };

  test("trySend says full, and what it refused is not sent", () => {
    const { bulk, id } = fill();
    expect(bulk.trySend(id, new Uint8Array(500))).toBe("full");
  });

  test("send waits no longer than its timeout, and says that nothing was sent", async () => {
    const { bulk, id } = fill();
    const timers = clock.pendingTimers;
    const startedMs = clock.now();
    const sent = bulk.send(id, new Uint8Array(500), { timeout: "3s" });
    await expect(clock.run(sent)).rejects.toMatchObject({
      code: "ERR_TIMEOUT",
      retryable: true,
      details: { timeoutMs: 3_000 },
    });
    expect(clock.now() - startedMs).toBe(3_000);
    expect(clock.pendingTimers).toBeLessThanOrEqual(timers);
  });

  test("the caller's signal ends it too, with and without a timeout", async () => {
    const { bulk, id } = fill();
    const timers = clock.pendingTimers;
    for (const more of [{}, { timeout: "3s" }] as const) {
      const abort = new AbortController();
      const sent = bulk.send(id, new Uint8Array(500), { ...more, signal: abort.signal });
      abort.abort();
      await expect(clock.run(sent)).rejects.toMatchObject({ code: "ERR_ABORTED" });
    }
    const aborted = bulk.send(id, 1, { timeout: "3s", signal: AbortSignal.abort() });
    await expect(aborted).rejects.toMatchObject({ code: "ERR_ABORTED" });
    expect(clock.pendingTimers).toBeLessThanOrEqual(timers);
  });

  test.each(["soon", -1, Number.NaN])("%j is no timeout", async (timeout) => {
    const bulk = open("a");
    const options = { timeout: timeout as number };
    const { id } = cluster.node("b");
    const refusal = { code: "ERR_INVALID_ARGUMENT", details: { argument: "timeout" } };
    await expect(bulk.send(id, 1, options)).rejects.toMatchObject(refusal);
    await expect(bulk.request(id, 1, options)).rejects.toMatchObject(refusal);
    await expect(bulk.stream(id, [], options)).rejects.toMatchObject(refusal);
  });
});

describe("streams", () => {
  const collecting = () => {
    const streams: ChannelStream[] = [];
    open("b").handleStream(async (stream) => {
      streams.push(stream);
      const pieces: number[] = [];
      for await (const piece of stream) pieces.push(...piece);
      return pieces;
    });
    return streams;
  };

  test("come from Node's streams, the web's, generators and lists", async () => {
    collecting();
    const sources = [
      () => Readable.from([bytes(1, 2), bytes(3)]),
      () => ReadableStream.from([bytes(1, 2), bytes(3)]) as globalThis.ReadableStream<Uint8Array>,
      async function* () {
        yield bytes(1, 2);
        yield bytes(3);
      },
      () => [bytes(1, 2), bytes(3)],
    ];
    for (const source of sources) {
      const sent = open("a").stream(cluster.node("b").id, source());
      expect(await clock.run(sent)).toEqual([1, 2, 3]);
    }
  });

  test("carry metadata and sender; messages of the channel have a handler of their own", async () => {
    const streams = collecting();
    open("b").handle(() => "a message");
    const metadata = { name: "photo.jpg", sizeBytes: 3 };
    await clock.run(open("a").stream(cluster.node("b").id, [bytes(1)], { metadata }));
    expect(streams[0]).toMatchObject({ metadata, from: cluster.node("a").id });
    expect(streams[0]?.sender?.name).toBe("a");
    expect(await clock.run(open("a").request(cluster.node("b").id, 1))).toBe("a message");
  });

  test("a handler may hand the stream to Node's or the web's", async () => {
    const bulk = open("b");
    const read = async (source: AsyncIterable<unknown>) => {
      const pieces: number[] = [];
      for await (const piece of source) pieces.push(...(piece as Uint8Array));
      return pieces;
    };
    const end = bulk.handleStream((stream) => read(Readable.from(stream)));
    const send = () => clock.run(open("a").stream(cluster.node("b").id, [bytes(4), bytes(5)]));
    expect(await send()).toEqual([4, 5]);
    end();
    bulk.handleStream((stream) => read(ReadableStream.from(stream)));
    expect(await send()).toEqual([4, 5]);
  });

  test("aborting ends the source, and the handler's iteration with an error", async () => {
    let seen: unknown;
    open("b").handleStream(async (stream) => {
      try {
        for await (const _ of stream);
      } catch (error) {
        seen = error;
      }
    });
    let ended = false;
    const endless = async function* () {
      try {
        for (;;) {
          await clock.sleep(10);
          yield new Uint8Array(10);
        }
      } finally {
        ended = true;
      }
    };
    const abort = new AbortController();
    const sent = open("a").stream(cluster.node("b").id, endless(), { signal: abort.signal });
    const outcome = sent.catch((error: unknown) => error);
    await clock.advance(100);
    abort.abort();
    expect(await clock.run(outcome)).toMatchObject({ code: "ERR_OUTCOME_UNKNOWN" });
    await clock.advance(20);
    expect(ended).toBe(true);
    expect(seen).toMatchObject({ code: "ERR_STREAM_BROKEN" });
  });

  test("a stream has a time for the whole of it", async () => {
    open("b").handleStream(() => new Promise(() => {}));
    const startedMs = clock.now();
    const sent = open("a").stream(cluster.node("b").id, [bytes(1)], { timeout: "2s" });
    await expect(clock.run(sent)).rejects.toMatchObject({ code: "ERR_OUTCOME_UNKNOWN" });
    expect(clock.now() - startedMs).toBeLessThan(2_100);
  });
});
