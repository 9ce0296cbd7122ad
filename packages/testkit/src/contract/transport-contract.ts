/**
 * transportContract: what every Transport must do, whatever carries its frames.
 */
import assert from "node:assert/strict";
import type { Connection, Listener, Transport } from "@foundation/core/ports";
import { rejectsWith, until, type ContractTime } from "../time.js";
import { testsWith, type ContractRunner } from "./runner.js";

export interface TransportFixture {
  readonly transport: Transport;
  /** What to listen on; the port is chosen by the suite. */
  readonly host: string;
  readonly time: ContractTime;
  close(): void | Promise<void>;
}

export interface TransportContractSetup {
  /** Makes a transport with nothing listening on it. */
  create(): TransportFixture | Promise<TransportFixture>;
}

/** Runs the suite against one transport. */
export function transportContract(runner: ContractRunner, setup: TransportContractSetup): void {
  const test = testsWith(runner, async () => new World(await setup.create()));
  const describe = (name: string, fn: () => void) => runner.describe(`transport: ${name}`, fn);
  describe("frames", () => frameTests(test));
  describe("backpressure", () => backpressureTests(test));
  describe("ends", () => endTests(test));
  describe("addresses", () => addressTests(test));
}

type Test = (name: string, run: (world: World) => unknown) => void;

interface Pair {
  readonly dialer: Connection;
  readonly acceptor: Connection;
}

class World {
  readonly transport: Transport;
  readonly time: ContractTime;
  readonly #listeners: Listener[] = [];
  readonly #connections: Connection[] = [];

  constructor(readonly fixture: TransportFixture) {
    this.transport = fixture.transport;
    this.time = fixture.time;
  }

  async listen(onConnection: (connection: Connection) => void, port = 0): Promise<Listener> {
    const { host } = this.fixture;
    const listening = this.transport.listen({ host, port }, (connection) => {
      this.#connections.push(connection);
      onConnection(connection);
    });
    const listener = await this.time.wait(listening);
    this.#listeners.push(listener);
    return listener;
  }

  async dial(address: string): Promise<Connection> {
    const dialling = this.transport.dial(address, { signal: new AbortController().signal });
    const connection = await this.time.wait(dialling);
    this.#connections.push(connection);
    return connection;
  }

  /** Both ends of a new connection to a new listener. */
  async connect(): Promise<Pair> {
    const accepted: Connection[] = [];
    const listener = await this.listen((connection) => accepted.push(connection));
    return this.connectTo(listener, accepted);
  }

  async connectTo(listener: Listener, accepted: Connection[]): Promise<Pair> {
    const before = accepted.length;
    const dialer = await this.dial(listener.address);
    await until(
      this.time,
      "the listener is told of the connection",
      () => accepted.length > before,
    );
    return { dialer, acceptor: accepted[before] as Connection };
  }

  async close(): Promise<void> {
    for (const connection of this.#connections) connection.close();
    const closing = Promise.all(this.#listeners.map((listener) => listener.close()));
    await this.time.wait(closing);
    await this.fixture.close();
  }
}

function frameTests(test: Test): void {
  test("frames of every size up to frameBytesMax arrive whole, both ways", async (world) => {
    const { dialer, acceptor } = await world.connect();
    const max = world.transport.frameBytesMax;
    const sizes = [0, 1, 125, 126, 127, 65_535, 65_536, max].filter((size) => size <= max);
    for (const [from, to] of [
      [dialer, acceptor],
      [acceptor, dialer],
    ] as const) {
      const received = collect(to);
      for (const size of sizes) from.send(patterned(size));
      await until(world.time, "all frames arrive", () => received.length === sizes.length);
      for (const [i, size] of sizes.entries()) {
        assert.equal(received[i]?.length, size);
        assert.ok(Buffer.compare(received[i] as Uint8Array, patterned(size)) === 0, `size ${size}`);
      }
    }
  });

  test("a thousand frames arrive in the order they were sent, once each, while others go back", async (world) => {
    const { dialer, acceptor } = await world.connect();
    const there = collect(acceptor);
    const back = collect(dialer);
    for (let i = 0; i < 1_000; i++) {
      dialer.send(numbered(i));
      acceptor.send(numbered(i + 5_000));
    }
    await until(world.time, "all arrive", () => there.length >= 1_000 && back.length >= 1_000);
    await world.time.pass(20);
    assert.deepEqual(there.map(numberOf), range(0, 1_000));
    assert.deepEqual(back.map(numberOf), range(5_000, 6_000));
  });

  test("a frame never arrives inside the call that sent it", async (world) => {
    const { dialer, acceptor } = await world.connect();
    const received = collect(acceptor);
    dialer.send(numbered(1));
    assert.equal(received.length, 0);
    await until(world.time, "it arrives", () => received.length === 1);
  });

  test("frames that come before a receiver is set are kept for it, in order", async (world) => {
    const { dialer, acceptor } = await world.connect();
    for (let i = 0; i < 20; i++) dialer.send(numbered(i));
    await world.time.pass(50);
    const received = collect(acceptor);
    dialer.send(numbered(20));
    await until(world.time, "all arrive", () => received.length === 21);
    assert.deepEqual(received.map(numberOf), range(0, 21));
  });

  test("two connections carry their own frames", async (world) => {
    const accepted: Connection[] = [];
    const listener = await world.listen((connection) => accepted.push(connection));
    const first = await world.connectTo(listener, accepted);
    const second = await world.connectTo(listener, accepted);
    const received = [collect(first.acceptor), collect(second.acceptor)];
    first.dialer.send(numbered(1));
    second.dialer.send(numbered(2));
    await until(world.time, "both arrive", () => received.every((frames) => frames.length === 1));
    assert.deepEqual(
      received.map((frames) => frames.map(numberOf)),
      [[1], [2]],
    );
  });

  test("both ends know where the other is and agree on the binding", async (world) => {
    const { dialer, acceptor } = await world.connect();
    for (const { remote } of [dialer, acceptor]) assert.ok(remote.length > 0);
    assert.deepEqual(dialer.binding, acceptor.binding);
    assert.ok(dialer.binding === undefined || dialer.binding.length === 32);
  });
}

function backpressureTests(test: Test): void {
  test("a paused receiver gets nothing until it goes on, and the sender's buffer shows it", async (world) => {
    const { dialer, acceptor } = await world.connect();
    const received = collect(acceptor);
    const resume = acceptor.pause();
    const size = Math.min(world.transport.frameBytesMax, 1_048_576);
    // More than the socket buffers of an operating system take.
    const count = Math.ceil((48 * 1_048_576) / size);
    for (let i = 0; i < count; i++) dialer.send(patterned(size));
    await world.time.pass(100);
    assert.ok(received.length <= 1, `${received.length} frames came through the pause`);
    assert.ok(dialer.bufferedBytes > 0, "bufferedBytes is 0 while the receiver is paused");
    let drained = false;
    const draining = dialer.drained(0).then(() => {
      drained = true;
    });
    await world.time.pass(20);
    assert.equal(drained, false);
    resume();
    resume();
    await until(world.time, "all arrive", () => received.length === count);
    await world.time.wait(draining);
    assert.equal(dialer.bufferedBytes, 0);
  });

  test("drained resolves at once when there is nothing to wait for, and when the connection ends", async (world) => {
    const { dialer, acceptor } = await world.connect();
    await world.time.wait(dialer.drained(0));
    acceptor.pause();
    const size = Math.min(world.transport.frameBytesMax, 1_048_576);
    for (let i = 0; i < 48; i++) dialer.send(patterned(size));
    const draining = dialer.drained(0);
    acceptor.close();
    dialer.close();
    await world.time.wait(draining);
  });
}

function endTests(test: Test): void {
  test("close flushes: every frame sent before it arrives, then both sides end", async (world) => {
    const { dialer, acceptor } = await world.connect();
    const received = collect(acceptor);
    let endedAfter = -1;
    void acceptor.closed.then(() => {
      endedAfter = received.length;
    });
    for (let i = 0; i < 200; i++) dialer.send(numbered(i));
    dialer.close();
    dialer.close();
    dialer.send(numbered(999));
    const ends = await world.time.wait(Promise.all([dialer.closed, acceptor.closed]));
    await world.time.pass(20);
    assert.deepEqual(received.map(numberOf), range(0, 200));
    assert.equal(endedAfter, 200);
    assert.deepEqual(
      ends.map(({ reason }) => reason),
      ["closed", "closed"],
    );
  });

  test("after the end nothing is delivered and nothing throws", async (world) => {
    const { dialer, acceptor } = await world.connect();
    const received = collect(dialer);
    acceptor.close();
    await world.time.wait(Promise.all([dialer.closed, acceptor.closed]));
    const before = received.length;
    acceptor.send(numbered(1));
    dialer.send(numbered(1));
    dialer.close();
    await world.time.pass(20);
    assert.equal(received.length, before);
  });

  test("a frame larger than frameBytesMax ends the connection on both sides as a protocol error, others live on", async (world) => {
    const accepted: Connection[] = [];
    const listener = await world.listen((connection) => accepted.push(connection));
    const bad = await world.connectTo(listener, accepted);
    const good = await world.connectTo(listener, accepted);
    const fromBad = collect(bad.acceptor);
    const received = collect(good.acceptor);
    bad.dialer.send(new Uint8Array(world.transport.frameBytesMax + 1));
    const ends = await world.time.wait(Promise.all([bad.dialer.closed, bad.acceptor.closed]));
    assert.deepEqual(
      ends.map(({ reason }) => reason),
      ["protocol", "protocol"],
    );
    assert.equal(fromBad.length, 0);
    good.dialer.send(numbered(1));
    await until(world.time, "the other connection works", () => received.length === 1);
  });

  test("a listener that closes ends its connections, refuses dials and frees its port", async (world) => {
    const accepted: Connection[] = [];
    const listener = await world.listen((connection) => accepted.push(connection));
    const { dialer, acceptor } = await world.connectTo(listener, accepted);
    await world.time.wait(Promise.all([listener.close(), listener.close()]));
    await world.time.wait(Promise.all([dialer.closed, acceptor.closed]));
    const { signal } = new AbortController();
    const refused = world.transport.dial(listener.address, { signal });
    await rejectsWith(world.time, refused, "ERR_DIAL_REFUSED");
    const again = await world.listen(() => {}, Number(new URL(listener.address).port));
    assert.equal(again.address, listener.address);
  });
}

function addressTests(test: Test): void {
  test("port 0 gives each listener a port of its own", async (world) => {
    const [a, b] = [await world.listen(() => {}), await world.listen(() => {})];
    assert.notEqual(a.address, b.address);
    assert.ok(Number(new URL(a.address).port) > 0);
  });

  test("a taken port is refused, and the first listener goes on", async (world) => {
    const accepted: Connection[] = [];
    const listener = await world.listen((connection) => accepted.push(connection));
    const { host } = world.fixture;
    const port = Number(new URL(listener.address).port);
    const second = world.transport.listen({ host, port }, () => {});
    await rejectsWith(world.time, second, "ERR_ADDRESS_IN_USE");
    await world.connectTo(listener, accepted);
  });

  test("an impossible port is refused", async (world) => {
    const { host } = world.fixture;
    for (const port of [-1, 65_536, 1.5, Number.NaN]) {
      const listening = world.transport.listen({ host, port }, () => {});
      await rejectsWith(world.time, listening, "ERR_ADDRESS_INVALID");
    }
  });

  test("an address where nobody listens is refused; what is no address fails", async (world) => {
    const { signal } = new AbortController();
    const listener = await world.listen(() => {});
    await world.time.wait(listener.close());
    const nobody = world.transport.dial(listener.address, { signal });
    await rejectsWith(world.time, nobody, "ERR_DIAL_REFUSED");
    for (const address of ["", "not an address", "gopher://127.0.0.1:70"]) {
      await rejectsWith(world.time, world.transport.dial(address, { signal }), "ERR_DIAL_FAILED");
    }
  });

  test("an aborted dial fails and leaves no connection", async (world) => {
    let open = 0;
    const listener = await world.listen((connection) => {
      open += 1;
      void connection.closed.then(() => {
        open -= 1;
      });
    });
    const signal = AbortSignal.abort();
    await rejectsWith(
      world.time,
      world.transport.dial(listener.address, { signal }),
      "ERR_DIAL_FAILED",
    );
    const abort = new AbortController();
    const dialling = world.transport.dial(listener.address, { signal: abort.signal });
    abort.abort();
    await rejectsWith(world.time, dialling, "ERR_DIAL_FAILED");
    await until(world.time, "no connection is left", () => open === 0);
  });
}

function collect(connection: Connection): Uint8Array[] {
  const frames: Uint8Array[] = [];
  connection.onFrame((frame) => frames.push(frame));
  return frames;
}

function patterned(sizeBytes: number): Uint8Array {
  const bytes = new Uint8Array(sizeBytes);
  for (let i = 0; i < sizeBytes; i += 97) bytes[i] = (i * 31 + sizeBytes) & 0xff;
  return bytes;
}

function numbered(number: number): Uint8Array {
  return Uint8Array.of(number >> 8, number & 0xff);
}

function numberOf(frame: Uint8Array): number {
  return ((frame[0] ?? 0) << 8) | (frame[1] ?? 0);
}

function range(from: number, to: number): number[] {
  return Array.from({ length: to - from }, (_, i) => from + i);
}
