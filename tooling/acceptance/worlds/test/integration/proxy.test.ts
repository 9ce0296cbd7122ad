/** The proxy on real sockets: each fault does what it says, and no more. */
import { once } from "node:events";
import { connect, createServer, type AddressInfo, type Server, type Socket } from "node:net";
import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import { seededRandom } from "@foundation/core/testing";
import { eventually } from "@foundation/testkit";
import { proxyLimits } from "../../proxy/limits.js";
import { Proxy } from "../../proxy/proxy.js";

/** One end of a connection, and what it saw. */
class End {
  text = "";
  bytes = 0;
  reads = 0;
  hasEnded = false;
  isClosed = false;
  error: string | undefined;

  constructor(readonly socket: Socket) {
    socket.on("data", (data) => {
      this.text += data.toString("latin1");
      this.bytes += data.length;
      this.reads += 1;
    });
    socket.on("end", () => (this.hasEnded = true));
    socket.on("error", (error: NodeJS.ErrnoException) => (this.error = error.code));
    socket.on("close", () => (this.isClosed = true));
  }
}

let proxy: Proxy;
let server: Server;
const accepted: End[] = [];
const sockets: Socket[] = [];

beforeEach(async () => {
  proxy = new Proxy(seededRandom("proxy"));
  server = createServer({ allowHalfOpen: true }, (socket) => {
    sockets.push(socket);
    accepted.push(new End(socket));
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
});

afterEach(async () => {
  await proxy.close();
  for (const socket of sockets.splice(0)) socket.destroy();
  accepted.length = 0;
  await new Promise((closed) => server.close(closed));
});

const never = new AbortController().signal;
const target = () => ({ host: "127.0.0.1", port: (server.address() as AddressInfo).port });

/** A connection from node a to node b through the proxy: a's end and b's. */
async function dial(): Promise<readonly [End, End]> {
  const before = accepted.length;
  const link = { dialler: "a", target: "b", signal: never, ...target() };
  const port = await proxy.open(link);
  const socket = connect({ port, host: "127.0.0.1", allowHalfOpen: true });
  sockets.push(socket);
  const a = new End(socket);
  await once(socket, "connect");
  await eventually(() => accepted.length > before);
  return [a, accepted[before] as End];
}

async function hears(end: End, text: string): Promise<void> {
  await eventually(() => expect(end.text).toBe(text));
}

/** Real time in which what must not happen would have happened, ten times over. */
const aWhile = () => new Promise((resolve) => setTimeout(resolve, 150));

describe("a connection through the proxy", () => {
  test("carries both directions, and the end of one leaves the other open", async () => {
    const [a, b] = await dial();
    a.socket.end("question");
    await hears(b, "question");
    await eventually(() => b.hasEnded);
    b.socket.end("answer");
    await hears(a, "answer");
    await eventually(() => a.isClosed && b.isClosed && proxy.openGates === 0);
  });

  test("is refused where nobody listens, as the target would have refused", async () => {
    const { host, port } = target();
    await new Promise((closed) => server.close(closed));
    const dialled = proxy.open({ dialler: "a", target: "b", host, port, signal: never });
    await expect(dialled).rejects.toMatchObject({ code: "ECONNREFUSED" });
    server.listen(0, "127.0.0.1");
  });

  test("breaks on the one side when the other one resets it", async () => {
    const [a, b] = await dial();
    b.socket.resetAndDestroy();
    await eventually(() => expect(a.error).toBe("ECONNRESET"));
  });

  test("holds a bounded number of bytes of a sender that nobody reads", async () => {
    const [a, b] = await dial();
    b.socket.pause();
    proxy.cut("a", "b");
    const chunk = Buffer.alloc(64 * 1024);
    for (let i = 0; i < 400; i += 1) a.socket.write(chunk);
    await aWhile();
    // Some lies in the sockets of the system too; the rest waits at the sender.
    const kernelBytesMax = 8 * 1024 * 1024;
    const written = a.socket.bytesWritten - a.socket.writableLength;
    expect(written).toBeLessThan(proxyLimits.laneBytesMax + kernelBytesMax);
    expect(a.socket.writableLength).toBeGreaterThan(0);
    proxy.heal();
    b.socket.resume();
    await eventually(() => expect(b.bytes).toBe(400 * chunk.length));
  });
});

describe("a fault", () => {
  test("latency and jitter delay every byte, in order", async () => {
    const [a, b] = await dial();
    proxy.set("a", "b", { latencyMs: 100, jitterMs: 50 });
    const sentMs = performance.now();
    for (const text of ["1", "2", "3", "4", "5"]) a.socket.write(text);
    await hears(b, "12345");
    expect(performance.now() - sentMs).toBeGreaterThanOrEqual(99);
  });

  test("latency of one direction leaves the other as it is", async () => {
    const [a, b] = await dial();
    proxy.set("a", "b", { latencyMs: 10_000 });
    a.socket.write("late");
    b.socket.write("back");
    await hears(a, "back");
    expect(b.text).toBe("");
  });

  test("bandwidth lets so many bytes through in a second", async () => {
    const [a, b] = await dial();
    proxy.set("a", "b", { bytesPerSecond: 1_000_000 });
    const sentMs = performance.now();
    a.socket.write(Buffer.alloc(300_000));
    await eventually(() => expect(b.bytes).toBe(300_000));
    expect(performance.now() - sentMs).toBeGreaterThanOrEqual(299);
  });

  test("a cut holds one direction back, and the heal delivers it", async () => {
    const [a, b] = await dial();
    proxy.cut("a", "b");
    a.socket.write("late");
    b.socket.write("on time");
    await hears(a, "on time");
    await aWhile();
    expect(b.text).toBe("");
    proxy.heal();
    await hears(b, "late");
  });

  test("a cut in either direction leaves a dial without an answer until the heal", async () => {
    proxy.cut("b", "a");
    let isThere = false;
    const dialled = dial().then((ends) => {
      isThere = true;
      return ends;
    });
    await aWhile();
    expect(isThere).toBe(false);
    proxy.heal();
    const [a, b] = await dialled;
    a.socket.write("hello");
    await hears(b, "hello");
  });

  test("a dial that is given up while it is cut ends", async () => {
    proxy.cut("a", "b");
    const giveUp = new AbortController();
    const link = { dialler: "a", target: "b", signal: giveUp.signal, ...target() };
    const dialled = proxy.open(link);
    giveUp.abort();
    await expect(dialled).rejects.toThrow("given up");
  });

  test("a cut hides the end of a connection too", async () => {
    const [a, b] = await dial();
    proxy.cut("a", "b");
    a.socket.resetAndDestroy();
    await aWhile();
    expect(b.isClosed).toBe(false);
    proxy.heal();
    await eventually(() => b.isClosed);
  });

  test("a reset is heard on both sides", async () => {
    const [a, b] = await dial();
    proxy.reset("b", "a");
    await eventually(() => expect([a.error, b.error]).toEqual(["ECONNRESET", "ECONNRESET"]));
  });

  test("half-open ends it at one side, and at the other when that one sends", async () => {
    const [a, b] = await dial();
    proxy.halfOpen("a", "b");
    await eventually(() => expect(b.error).toBe("ECONNRESET"));
    await aWhile();
    expect(a.isClosed).toBe(false);
    a.socket.write("still there?");
    await eventually(() => expect(a.error).toBe("ECONNRESET"));
  });

  test("a black hole swallows what is there, and new connections work", async () => {
    const [a, b] = await dial();
    proxy.blackHole("a", "b");
    a.socket.write("lost");
    b.socket.end("lost");
    await aWhile();
    expect([a.text, b.text, a.hasEnded, a.isClosed]).toEqual(["", "", false, false]);
    const [c, d] = await dial();
    c.socket.write("new");
    await hears(d, "new");
  });

  test("fragments arrive one at a time and whole in the end", async () => {
    const [a, b] = await dial();
    proxy.set("a", "b", { pieceBytesMax: 1 });
    a.socket.write("a sentence in pieces");
    await hears(b, "a sentence in pieces");
    expect(b.reads).toBeGreaterThan(5);
  });

  test("garbage stands between what was sent before and after", async () => {
    const [a, b] = await dial();
    a.socket.write("before ");
    await hears(b, "before ");
    proxy.inject("a", "b", Buffer.from("garbage"));
    a.socket.write(" after");
    await hears(b, "before garbage after");
  });

  test("a slow close lets the last byte through at once and the end later", async () => {
    const [a, b] = await dial();
    proxy.set("a", "b", { endDelayMs: 200 });
    const endedMs = performance.now();
    a.socket.end("last");
    await hears(b, "last");
    await eventually(() => b.hasEnded);
    expect(performance.now() - endedMs).toBeGreaterThanOrEqual(199);
  });
});
