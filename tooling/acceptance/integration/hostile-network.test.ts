/**
 * Strangers at a node's socket. Each is refused by its code, the refusal says what to do, and the
 * two good nodes go on calling each other as if nobody had knocked.
 */
import { cpSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { once } from "node:events";
import { request } from "node:http";
import { connect } from "node:net";
import { describe, expect, test } from "@jest/globals";
import { WebSocket, WebSocketServer } from "ws";
import { startNode, uniqueName } from "../support/clusters.js";
import {
  adviceOf,
  eventually,
  pairUnderLoad,
  rawLink,
  rawSocket,
  refusalOf,
  warningsOf,
} from "../support/undisturbed.js";

const otherSecret = "a secret that no other node has";
const hello = {
  type: "hello",
  versions: [9, 9],
  id: "0123456789abcdef0123456789abcdef",
  boot: "0".repeat(24),
  name: "newer",
  address: "ws://127.0.0.1:1",
  channel: "coordination",
  lane: 0,
  method: "hmac-sha256",
  wallMs: 0,
  nonce: "00".repeat(32),
};
const bytesOf = (message: object) => Buffer.from(JSON.stringify(message));

describe("a stranger who dials a node in use", () => {
  test("with a wrong secret is refused on both sides, which say which setting to change", async () => {
    const pair = await pairUnderLoad();
    const { name } = pair;
    const stranger = await startNode({ name, security: { secret: otherSecret } });
    const advice = () => adviceOf(stranger);
    expect(await advice()).toMatch(/ERR_WRONG_SECRET.*FOUNDATION_SECRET/s);
    expect(await adviceOf(pair.a)).toContain("ERR_WRONG_SECRET");
    expect(stranger.cluster.nodes()).toHaveLength(1);
    await expect(stranger.cluster.ready({ timeout: "100ms" })).rejects.toMatchObject({
      code: "ERR_NOT_READY",
    });
    await pair.undisturbed();
  });

  test("of another cluster's name is refused, and the advice names the setting that is wrong", async () => {
    const pair = await pairUnderLoad();
    const peers = [pair.a.cluster.self.address];
    const stranger = await startNode({ name: uniqueName(), cluster: "static", peers });
    expect(await adviceOf(stranger)).toMatch(/ERR_WRONG_CLUSTER.*FOUNDATION_NAME/s);
    expect(stranger.cluster.nodes()).toHaveLength(1);
    await pair.undisturbed();
  });

  test("with a newer protocol is told which versions are spoken here", async () => {
    const pair = await pairUnderLoad();
    const { socket, frames, closed } = await rawLink(pair.a.cluster.self.address);
    socket.send(bytesOf({ ...hello, cluster: pair.name }));
    expect(await closed).toBe(4002);
    expect(JSON.parse(frames[0] ?? "")).toMatchObject({
      code: "ERR_PROTOCOL_VERSION",
      versions: [1, 1],
    });
    expect(warningsOf(pair.a)).toMatch(/versions 9 to 9.*Upgrade/s);
    await pair.undisturbed();
  });

  test.each<[string, (socket: WebSocket) => void, number]>([
    ["garbage", (socket) => socket.send(Buffer.from([0, 255, 17, 3])), 4002],
    ["an empty frame", (socket) => socket.send(Buffer.alloc(0)), 4002],
    ["JSON that is no message", (socket) => socket.send(Buffer.from('{"__proto__":1}')), 4002],
    [
      "an auth before a hello",
      (socket) => socket.send(bytesOf({ type: "auth", proof: "00" })),
      4002,
    ],
    [
      "a hello above 4 KiB",
      (socket) => socket.send(bytesOf({ ...hello, x: "x".repeat(5_000) })),
      4002,
    ],
    ["a text frame", (socket) => socket.send("hello"), 1003],
    ["a frame of 2 MiB", (socket) => socket.send(Buffer.alloc(2 * 1024 * 1024)), 1009],
    ["20,000 fragments", (socket) => fragments(socket, 20_000), 1008],
  ])(
    "and begins with %s is closed, counted as malformed, and disturbs nobody",
    async (_, send, code) => {
      const pair = await pairUnderLoad();
      const { socket, closed } = await rawLink(pair.a.cluster.self.address);
      send(socket);
      expect(await closed).toBe(code);
      await eventually("it is logged", () => warningsOf(pair.a).includes("Correct the address"));
      expect(await adviceOf(pair.a)).toContain("ERR_HANDSHAKE_MALFORMED");
      await pair.undisturbed();
    },
  );

  test("and says nothing, or only half, is closed after three seconds with a reason", async () => {
    const pair = await pairUnderLoad();
    const { address } = pair.a.cluster.self;
    const silent = await rawLink(address);
    const half = await rawLink(address);
    half.socket.send(
      bytesOf({ ...hello, versions: [1, 1], cluster: pair.name, wallMs: Date.now() }),
    );
    await Promise.all([silent.closed, half.closed]);
    expect(JSON.parse(half.frames[0] ?? "")).toMatchObject({ type: "challenge" });
    expect(JSON.parse(half.frames[1] ?? "")).toMatchObject({ code: "ERR_HANDSHAKE_TIMEOUT" });
    expect(JSON.parse(silent.frames[0] ?? "")).toMatchObject({ code: "ERR_HANDSHAKE_TIMEOUT" });
    await pair.undisturbed();
  });

  test("by plain HTTP gets 426 and a sentence; a page of a browser gets 403 and is counted", async () => {
    const pair = await pairUnderLoad();
    const { port } = new URL(pair.a.cluster.self.address);
    const plain = await httpGet(Number(port));
    expect(plain).toMatchObject({ status: 426, text: expect.stringContaining("Foundation node") });
    const page = new WebSocket(`ws://127.0.0.1:${port}/_foundation`, ["foundation.1"], {
      origin: "https://evil.example",
    });
    const [error] = (await once(page, "error")) as [Error];
    expect(error.message).toContain("403");
    expect(await adviceOf(pair.a)).toContain("ERR_BROWSER_ORIGIN");
    await pair.undisturbed();
  });

  test("with bytes that are no HTTP at all is closed at once", async () => {
    const pair = await pairUnderLoad();
    const { port } = new URL(pair.a.cluster.self.address);
    const socket = connect(Number(port), "127.0.0.1").resume();
    socket.on("error", () => {});
    socket.write(Buffer.from([0x16, 3, 1, 2, 0, 1, 0, 1, 0xfc, 13, 10, 13, 10]));
    await once(socket, "close");
    await pair.undisturbed();
  });

  test("with the recorded bytes of a good handshake cannot replay them", async () => {
    const pair = await pairUnderLoad();
    const recorder = await recordHandshake(pair.a.cluster.self.address);
    const victim = await startNode({
      name: pair.name,
      cluster: "static",
      peers: [recorder.address],
      security: {},
    });
    await eventually(
      "the victim joined through the recorder",
      () => victim.cluster.nodes().length > 1,
    );
    await victim.cluster.leave();
    const [recordedHello, recordedAuth] = recorder.sent;
    await recorder.close();
    const { socket, frames, closed } = await rawLink(pair.a.cluster.self.address);
    socket.send(recordedHello ?? "");
    await eventually("a fresh challenge", () => frames.length === 1);
    socket.send(recordedAuth ?? "");
    expect(await closed).toBe(4002);
    expect(JSON.parse(frames[1] ?? "")).toMatchObject({ code: "ERR_WRONG_SECRET" });
    await eventually("two are left", () => pair.a.cluster.nodes().length === 2);
    await eventually("two are left", () => pair.b.cluster.nodes().length === 2);
    await pair.undisturbed();
  });

  test("five hundred times, saying nothing, does not keep a good node from joining", async () => {
    const pair = await pairUnderLoad();
    const { address } = pair.a.cluster.self;
    const idle = await Promise.all(Array.from({ length: 500 }, () => rawSocket(address)));
    const third = await startNode({ name: pair.name });
    await third.cluster.ready({ nodes: 3, timeout: "5s" });
    await third.cluster.leave();
    for (const socket of idle) socket.destroy();
    await eventually("it has left", () => pair.a.cluster.nodes().length === 2);
    await eventually("it has left", () => pair.b.cluster.nodes().length === 2);
    await pair.undisturbed();
  });
});

describe("a second node with the id of a living one", () => {
  test("from a copied data directory is refused, and the first stays a member", async () => {
    const folder = mkdtempSync(join(tmpdir(), "foundation-clone-"));
    try {
      const pair = await pairUnderLoad();
      const { name } = pair;
      const first = await startNode({
        name,
        dataDir: join(folder, "first"),
        node: { name: "first" },
      });
      await first.cluster.ready({ nodes: 3 });
      const dataDir = join(folder, "second");
      cpSync(join(folder, "first"), dataDir, { recursive: true });
      const start = () => startNode({ name, dataDir, node: { name: "clone" } });
      // The copied lock is of a living process: refused before it can do any harm.
      expect(await refusalOf(start)).toMatchObject({ code: "ERR_DATA_IN_USE" });
      for (const file of readdirSync(dataDir)) {
        if (file !== "node") rmSync(join(dataDir, file), { recursive: true });
      }
      const clone = await start();
      expect(clone.cluster.self.id).toBe(first.cluster.self.id);
      await eventually("it is refused", () => warningsOf(clone).includes("data directory"));
      expect(await adviceOf(clone)).toMatch(/ERR_NODE_ID_CLASH.*never copy/s);
      expect(clone.cluster.nodes()).toHaveLength(1);
      const names = pair.a.cluster.nodes().map((node) => node.name);
      expect(names.toSorted()).toEqual(["a", "b", "first"]);
      await clone.cluster.leave();
      expect(pair.a.cluster.nodes()).toHaveLength(3);
      await first.cluster.leave();
      await pair.undisturbed();
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });
});

/** Many tiny pieces of one frame: cheap to send, dear to keep. */
function fragments(socket: WebSocket, count: number): void {
  for (let i = 0; i < count; i += 1) socket.send(Buffer.alloc(1), { fin: false });
}

function httpGet(port: number): Promise<{ status: number | undefined; text: string }> {
  return new Promise((resolve, reject) => {
    const asked = request({ port, host: "127.0.0.1", path: "/" }, (response) => {
      let text = "";
      response.setEncoding("utf8").on("data", (part: string) => (text += part));
      response.on("end", () => resolve({ status: response.statusCode, text }));
    });
    asked.on("error", reject).end();
  });
}

/** A man in the middle on loopback who passes every frame on and keeps what the dialler sent first. */
async function recordHandshake(target: string) {
  const sent: Buffer[] = [];
  const server = new WebSocketServer({
    port: 0,
    host: "127.0.0.1",
    handleProtocols: () => "foundation.1",
  });
  await once(server, "listening");
  server.on("connection", (near) => {
    const far = new WebSocket(`${target}/_foundation`, ["foundation.1"]);
    const early: Buffer[] = [];
    near.on("message", (data: Buffer) => {
      if (sent.length < 2) sent.push(data);
      if (far.readyState === WebSocket.OPEN) far.send(data);
      else early.push(data);
    });
    far.on("open", () => early.forEach((data) => far.send(data)));
    far.on("message", (data: Buffer) => near.send(data));
    far.on("error", () => near.close());
    far.on("close", () => near.close());
    near.on("close", () => far.close());
  });
  const { port } = server.address() as { port: number };
  const close = async () => {
    for (const client of server.clients) client.terminate();
    await new Promise((closed) => server.close(closed));
  };
  return { address: `127.0.0.1:${port}`, sent, close };
}
