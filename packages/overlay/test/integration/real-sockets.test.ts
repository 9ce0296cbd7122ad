import { connect as connectTcp } from "node:net";
import { afterEach, describe, expect, test } from "@jest/globals";
import { createNodeId, nodeClock, nodeRandom } from "@foundation/core";
import { memoryMeter, recordingLogger } from "@foundation/core/testing";
import { realTime, until } from "@foundation/testkit";
import { WebSocket } from "ws";
import { websocketTransport, type Overlay, type OverlayOptions } from "../../src/index.js";
import { HANDSHAKE } from "../../src/limits.js";
import { OverlayCluster, SECRET, startOverlay } from "../support/overlay-cluster.js";

const time = realTime(nodeClock());
const open: { close(): Promise<void> }[] = [];
const started = async (options: Partial<OverlayOptions> = {}): Promise<Overlay> => {
  const overlay = await startOverlay(options);
  open.push(overlay);
  return overlay;
};
const cluster = async (count: number, options: Partial<OverlayOptions> = {}) => {
  const made = await OverlayCluster.of(count, options);
  open.push(made);
  return made.nodes as [Overlay, Overlay, ...Overlay[]];
};
const codesOf = (overlay: Overlay) =>
  overlay.refusals().map(({ code, direction }) => `${direction} ${code}`);
const caught = (promise: Promise<unknown>) =>
  promise.then(
    () => undefined,
    (error: { code: string; message: string }) => error,
  );

afterEach(async () => {
  for (const one of open.splice(0).toReversed()) await one.close();
});

describe("two overlays on real sockets", () => {
  test("use one socket for coordination and one for each channel", async () => {
    const meter = memoryMeter();
    const [a, b] = await cluster(2, { runtime: { meter } });
    b.messenger.handle("echo", ({ payload }) => payload);
    for (const channel of ["data", "events"]) {
      const route = { to: b.self.id, channel, subject: "echo" };
      expect(await a.messenger.request(route, channel)).toBe(channel);
    }
    // Both nodes write the gauge of the one meter: three links each.
    expect(meter.snapshot().get("overlay_links")).toBe(3);
  });

  test("a handler that never answers does not hold up the messages behind it", async () => {
    const [a, b] = await cluster(2);
    b.messenger.handle("never", () => new Promise(() => {}));
    b.messenger.handle("echo", ({ payload }) => payload);
    const route = (subject: string) => ({ to: b.self.id, channel: "data", subject });
    const stuck = caught(a.messenger.request(route("never"), 1, { timeoutMs: 400 }));
    expect(await a.messenger.request(route("echo"), 2)).toBe(2);
    expect(await stuck).toMatchObject({ code: "ERR_OUTCOME_UNKNOWN" });
  });

  test("10,000 messages of two senders arrive in each sender's order", async () => {
    const [a, b] = await cluster(2);
    const received: Record<string, number[]> = { a: [], b: [] };
    const handle = (name: string, overlay: Overlay) =>
      overlay.messenger.handle("n", ({ payload }) => void received[name]?.push(payload as number));
    handle("a", a);
    handle("b", b);
    for (let i = 0; i < 5_000; i += 1) {
      await a.messenger.send({ to: b.self.id, channel: "data", subject: "n" }, i);
      await b.messenger.send({ to: a.self.id, channel: "data", subject: "n" }, i);
    }
    const complete = () => received["a"]?.length === 5_000 && received["b"]?.length === 5_000;
    await until(time, "all have arrived", complete);
    const inOrder = [...Array(5_000).keys()];
    expect(received).toEqual({ a: inOrder, b: inOrder });
  });
});

describe("a transport of smaller frames", () => {
  test("carries what does not fit one frame in chunks, in order with the rest", async () => {
    const small = { transport: websocketTransport({ frameBytesMax: 16 * 1024 }) };
    const [a, b] = await cluster(2, { runtime: small });
    const received: unknown[] = [];
    b.messenger.handle("n", ({ payload }) => void received.push((payload as Uint8Array).length));
    b.messenger.handle("echo", ({ payload }) => payload);
    const route = { to: b.self.id, channel: "data", subject: "n" };
    for (let i = 0; i < 40; i += 1) a.messenger.trySend(route, new Uint8Array(i * 400));
    await a.messenger.send(route, new Uint8Array(100_000));
    const echo = new Uint8Array(50_000).fill(7);
    expect(await a.messenger.request({ ...route, subject: "echo" }, echo)).toEqual(echo);
    expect(received).toEqual([...Array.from({ length: 40 }, (_, i) => i * 400), 100_000]);
  });

  test("is refused when they would not hold a handshake", async () => {
    const transport = websocketTransport({ frameBytesMax: 4 * 1024 });
    const error = await caught(startOverlay({ runtime: { transport } }));
    expect(error).toMatchObject({ code: "ERR_INVALID_ARGUMENT" });
  });
});

describe("what must not join", () => {
  test.each<[string, Partial<OverlayOptions>, string, RegExp]>([
    [
      "the wrong secret",
      { secret: "another secret altogether" },
      "ERR_WRONG_SECRET",
      /FOUNDATION_SECRET/,
    ],
    ["another cluster's name", { cluster: "other" }, "ERR_WRONG_CLUSTER", /FOUNDATION_NAME/],
  ])(
    "a node with %s is refused on both sides, told what to do, and disturbs nobody",
    async (_what, wrong, code, fix) => {
      const logger = recordingLogger();
      const [a, b] = await cluster(2, { runtime: { logger } });
      const stranger = await started({ ...wrong, peers: [a.address], runtime: { logger } });
      await until(time, "it is refused", () => stranger.refusals().length > 0);
      expect(codesOf(stranger)).toEqual([`outbound ${code}`]);
      expect(codesOf(a)).toEqual([`inbound ${code}`]);
      expect(stranger.refusals()[0]?.lastMessage).toMatch(fix);
      expect(stranger.membership.members()).toHaveLength(1);
      expect(a.membership.members()).toHaveLength(2);
      b.messenger.handle("echo", ({ payload }) => payload);
      expect(
        await a.messenger.request({ to: b.self.id, channel: "data", subject: "echo" }, 1),
      ).toBe(1);
      const logged = JSON.stringify(logger.lines);
      expect(logged).toContain(code);
      expect(logged).not.toContain(SECRET);
      expect(logged).not.toContain("another secret altogether");
    },
  );

  test("a node of a newer protocol, garbage and half a handshake are each refused by code", async () => {
    const a = await started();
    const random = nodeRandom();
    const hello = {
      type: "hello",
      versions: [9, 9],
      cluster: "test",
      id: createNodeId(random),
      boot: "0".repeat(24),
      name: "new",
      address: "ws://127.0.0.1:1",
      channel: "coordination",
      lane: 0,
      method: "hmac-sha256",
      wallMs: Date.now(),
      nonce: "00".repeat(32),
    };
    const newer = await socketTo(a);
    newer.send(Buffer.from(JSON.stringify(hello)));
    expect(await newer.answer).toBe(
      '{"type":"reject","code":"ERR_PROTOCOL_VERSION","versions":[1,1]}',
    );
    const garbage = await socketTo(a);
    garbage.send(Buffer.from([1, 2, 3]));
    expect(await garbage.answer).toContain("ERR_HANDSHAKE_MALFORMED");
    const half = await socketTo(a);
    expect(await half.answer).toContain("ERR_HANDSHAKE_TIMEOUT");
    expect(await half.closed).toBe(4002);
    expect(codesOf(a)).toEqual([
      "inbound ERR_PROTOCOL_VERSION",
      "inbound ERR_HANDSHAKE_MALFORMED",
      "inbound ERR_HANDSHAKE_TIMEOUT",
    ]);
  });

  test("a text frame and a frame larger than a handshake close the connection and are counted", async () => {
    const a = await started();
    const texter = await socketTo(a);
    texter.send("hello");
    expect(await texter.closed).toBe(1003);
    const large = await socketTo(a);
    large.send(Buffer.alloc(8 * HANDSHAKE.strangerBytesMax));
    expect(await large.closed).toBe(1009);
    await until(time, "both are counted", () => a.refusals()[0]?.count === 2);
    expect(codesOf(a)).toEqual(["inbound ERR_HANDSHAKE_MALFORMED"]);
  });

  test("a stranger's frame is not gathered: it has read little of it when it closes", async () => {
    const a = await started();
    const { pathname: path, host } = new URL(`${a.address}/_foundation`);
    const socket = connectTcp(Number(new URL(a.address).port), "127.0.0.1");
    const key = Buffer.alloc(16).toString("base64");
    const head = [`GET ${path} HTTP/1.1`, `Host: ${host}`, "Upgrade: websocket"];
    head.push("Connection: Upgrade", `Sec-WebSocket-Key: ${key}`, "Sec-WebSocket-Version: 13");
    head.push("Sec-WebSocket-Protocol: foundation.1", "", "");
    socket.write(head.join("\r\n"));
    await new Promise((resolve) => socket.once("data", resolve));
    // One binary frame that announces 1 MiB, of which all but the last byte comes.
    const frame = Buffer.alloc(14 + 1024 * 1024 - 1);
    frame.set([0x82, 0xff]);
    frame.writeUInt32BE(1024 * 1024, 6);
    socket.on("error", () => {});
    const answered = new Promise<Buffer>((resolve) => socket.once("data", resolve));
    socket.write(frame);
    const answer = await answered;
    expect(answer[0]).toBe(0x88);
    expect(answer.readUInt16BE(2)).toBe(1009);
    await new Promise((resolve) => socket.once("close", resolve));
    await until(time, "it is counted", () => a.refusals()[0]?.count === 1);
    expect(codesOf(a)).toEqual(["inbound ERR_HANDSHAKE_MALFORMED"]);
  });

  test("a page in a browser is refused with 403, and counted", async () => {
    const a = await started();
    const socket = new WebSocket(`${a.address}/_foundation`, ["foundation.1"], {
      origin: "http://evil.example",
    });
    expect(await failureOf(socket)).toContain("403");
    expect(codesOf(a)).toEqual(["inbound ERR_BROWSER_ORIGIN"]);
  });

  test("another path and another subprotocol are refused", async () => {
    const a = await started();
    expect(await failureOf(new WebSocket(`${a.address}/`, ["foundation.1"]))).toContain("404");
    expect(await failureOf(new WebSocket(`${a.address}/_foundation`, ["other"]))).toContain("400");
  });

  test("a connection that never sends its request is closed after a few seconds", async () => {
    const a = await started();
    const socket = connectTcp(Number(new URL(a.address).port), "127.0.0.1");
    const begun = time.clock.now();
    await new Promise((resolve) => socket.resume().once("close", resolve));
    expect(time.clock.now() - begun).toBeLessThan(4_500);
  });
});

describe("an address of its own", () => {
  test("under another name is recognised at the first dial and never dialled again", async () => {
    const a = await started();
    const alias = `ws://localhost:${new URL(a.address).port}`;
    a.dial([alias]);
    await until(time, "it is recognised", () => codesOf(a).includes("outbound ERR_SELF_DIAL"));
    a.dial([alias]);
    await time.pass(400);
    expect(a.refusals().map(({ count }) => count)).toEqual([1, 1]);
    expect(a.membership.members()).toHaveLength(1);
  });
});

describe("what cannot be started", () => {
  test("a port that is taken gives ERR_ADDRESS_IN_USE and leaves its owner alone", async () => {
    const a = await started();
    const port = Number(new URL(a.address).port);
    const error = await caught(startOverlay({ port }));
    expect(error).toMatchObject({
      code: "ERR_ADDRESS_IN_USE",
      message: expect.stringContaining(String(port)),
    });
    const b = await started({ peers: [a.address] });
    await until(time, "they form", () => b.membership.members().length === 2);
  });

  test.each(["0.0.0.0", "::", "192.0.2.7", "example.com"])(
    "host %s without encryption gives ERR_INSECURE_LISTEN, which says what to do",
    async (host) => {
      expect(await caught(startOverlay({ host, tls: "off" }))).toMatchObject({
        code: "ERR_INSECURE_LISTEN",
        message: expect.stringContaining("Leave the option tls out"),
      });
    },
  );

  test.each<[string, Partial<OverlayOptions>]>([
    ["an empty cluster name", { cluster: "" }],
    ["a port that is none", { port: 70_000 }],
    ["a channel with 17 lanes", { channels: [{ name: "data", parallelism: 17 }] }],
    ["a channel with a bad name", { channels: ["../x"] }],
  ])("%s gives ERR_INVALID_ARGUMENT", async (_what, options) => {
    expect(await caught(startOverlay(options))).toMatchObject({ code: "ERR_INVALID_ARGUMENT" });
  });
});

/** A bare socket past the upgrade, with its first answer and its close code. */
async function socketTo(overlay: Overlay) {
  const socket = new WebSocket(`${overlay.address}/_foundation`, ["foundation.1"]);
  const answer = new Promise<string>((resolve) =>
    socket.once("message", (data) => resolve(String(data))),
  );
  const closed = new Promise<number>((resolve) => socket.once("close", (code) => resolve(code)));
  await new Promise((resolve) => socket.once("open", resolve));
  return { send: (data: Buffer | string) => socket.send(data), answer, closed };
}

function failureOf(socket: WebSocket): Promise<string> {
  return new Promise((resolve) => socket.once("error", (error) => resolve(error.message)));
}
