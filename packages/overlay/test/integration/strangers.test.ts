import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import {
  createBoot,
  createKeyRing,
  createNodeId,
  NODE_KEY_FILE,
  nodeRandom,
  silentLogger,
} from "@foundation/core";
import { memoryStorage } from "@foundation/core/testing";
import { until } from "@foundation/testkit";
import { WebSocket } from "ws";
import { requires } from "@foundation-tooling/jest";
import type { Overlay } from "../../src/index.js";
import { SOCKET } from "../../src/websocket/options.js";
import { clientTls, contextOf } from "../../src/websocket/transport-tls.js";
import { SECRET } from "../support/overlay-cluster.js";
import {
  codesOf,
  ended,
  outsideAddress,
  SecurityNodes,
  upgradeLines,
} from "../support/security-nodes.js";

let nodes: SecurityNodes;
beforeEach(() => {
  nodes = new SecurityNodes();
});
afterEach(() => nodes.close());

const outside = await requires("an address beyond loopback", () => outsideAddress() !== undefined);
const keyed = () => {
  const tls = { type: "psk", cluster: "test", keys: createKeyRing(SECRET) } as const;
  return clientTls(tls, contextOf(tls), tls.keys.secrets[0]);
};
const pair = async (options = {}): Promise<[Overlay, Overlay]> => {
  const a = await nodes.start(options);
  const b = await nodes.start({ ...options, peers: [a.address] });
  await nodes.linked(a, b);
  b.messenger.handle("echo", ({ payload }) => payload);
  return [a, b];
};
const echo = ([a, b]: [Overlay, Overlay], channel = "data") =>
  a.messenger.request({ to: b.self.id, channel, subject: "echo" }, 1);

describe("strangers that are slow", () => {
  test("in the TLS handshake are closed after 5 s, in the headers after 3 s, in the hello after 3 s", async () => {
    const a = await nodes.start();
    const now = () => nodes.time.clock.now();
    const begun = now();
    const silent = nodes.tcp(a.address);
    const secure = async () => {
      const socket = await nodes.tls(a.address, keyed());
      if ("message" in socket) throw socket;
      return socket;
    };
    const headers = await secure();
    headers.write("GET /_foundation HTTP/1.1\r\nHost: x\r\nX-Slow: ");
    const hello = await secure();
    hello.write([...upgradeLines(a.address), "", ""].join("\r\n"));
    const after = async (socket: typeof silent) => {
      await ended(socket);
      return now() - begun;
    };
    const [helloMs, headersMs, silentMs] = await Promise.all([hello, headers, silent].map(after));
    expect(headersMs).toBeGreaterThan(2_500);
    expect(headersMs).toBeLessThan(4_900);
    expect(helloMs).toBeLessThan(7_000);
    expect(silentMs).toBeGreaterThan(4_500);
    expect(silentMs).toBeLessThan(7_000);
    const timeouts = () => a.refusals().find(({ code }) => code === "ERR_HANDSHAKE_TIMEOUT")?.count;
    await until(nodes.time, "all three are counted", () => timeouts() === 3);
    expect([nodes.limit("tlsTimeoutMs"), nodes.limit("headersTimeoutMs")]).toEqual([1, 1]);
  }, 20_000);
});

test("strangers whose request is too large, or no HTTP at all, are told so, closed and counted", async () => {
  const a = await nodes.start({ tls: "off" });
  const answerTo = async (text: string) => {
    const socket = nodes.tcp(a.address);
    let answer = "";
    socket.on("data", (chunk: Buffer) => (answer += chunk.toString("latin1")));
    socket.write(text);
    await ended(socket);
    return answer;
  };
  const large = [...upgradeLines(a.address), `X-Large: ${"x".repeat(9_000)}`, "", ""].join("\r\n");
  expect(await answerTo(large)).toMatch(/^HTTP\/1.1 431 /);
  expect(await answerTo("\u0001\u0002\u0003\r\n\r\n")).toMatch(/^HTTP\/1.1 400 /);
  expect(codesOf(a)).toEqual(["inbound ERR_HANDSHAKE_MALFORMED"]);
  expect(nodes.limit("headerBytesMax")).toBe(1);
});

describe("a flood of connections", () => {
  test("of 300 that say nothing leaves members alone, lets a new one in, and holds no more than 128", async () => {
    const both = await pair();
    const [a] = both;
    const sockets = Array.from({ length: 300 }, () => nodes.tcp(a.address));
    await until(nodes.time, "the limit is reached", () => nodes.limit("strangersMax") >= 172);
    expect(sockets.filter(({ destroyed }) => !destroyed).length).toBeLessThanOrEqual(128);
    expect(await echo(both)).toBe(1);
    const late = await nodes.start({ peers: [a.address] });
    await nodes.linked(a, late);
    expect(codesOf(a)).toEqual(["inbound ERR_TOO_MANY_HANDSHAKES"]);
  }, 20_000);

  outside.test("of one address is held to 16 at once, and to 32 a second", async () => {
    const host = outsideAddress() as string;
    const a = await nodes.start({ host });
    const sockets = Array.from({ length: 40 }, () => nodes.tcp(a.address, host));
    await until(nodes.time, "24 are refused", () => {
      const refused = nodes.limit("strangersPerAddressMax") + nodes.limit("arrivalsPerSecondMax");
      return refused === 24;
    });
    expect(nodes.limit("strangersPerAddressMax")).toBeGreaterThanOrEqual(16);
    expect(sockets.filter(({ destroyed }) => !destroyed).length).toBeGreaterThanOrEqual(16);
  });

  outside.test(
    "of wrong secrets closes the door to their address 3 s after the fifth, for a minute",
    async () => {
      const host = outsideAddress() as string;
      const a = await nodes.start({ host });
      const wrong = { ...keyed(), pskCallback: () => ({ psk: Buffer.alloc(32), identity: "x" }) };
      for (let i = 0; i < 5; i += 1) await nodes.tls(a.address, wrong);
      const begun = nodes.time.clock.now();
      await until(nodes.time, "five are counted", () => a.refusals()[0]?.count === 5);
      const isRefused = async () => "message" in (await nodes.tls(a.address, keyed()));
      expect(await isRefused()).toBe(false);
      while (!(await isRefused())) await new Promise((resolve) => setTimeout(resolve, 200));
      expect(nodes.time.clock.now() - begun).toBeGreaterThan(2_500);
      expect([nodes.limit("failuresMax"), nodes.limit("arrivalsPerSecondMax")]).toEqual([1, 0]);
    },
    10_000,
  );

  outside.test(
    "of nodes behind one address whose first key is not known yet links them all by their second",
    async () => {
      const host = outsideAddress() as string;
      const a = await nodes.start({ host });
      const next = "the key that takes its place soon";
      const peers = [a.address];
      const start = () => nodes.start({ host, secret: createKeyRing([next, SECRET]), peers });
      const all = await Promise.all(Array.from({ length: 8 }, start));
      await Promise.all(all.map((each) => nodes.linked(a, each)));
      const refused = a.refusals().find(({ code }) => code === "ERR_WRONG_SECRET")?.count;
      expect(refused).toBeGreaterThanOrEqual(8);
      expect(nodes.limit("failuresMax")).toBe(0);
    },
    10_000,
  );

  outside.test("of wrong secrets shuts out no address of which a member is connected", async () => {
    const host = outsideAddress() as string;
    const both = await pair({ host });
    const [a] = both;
    const wrong = { ...keyed(), pskCallback: () => ({ psk: Buffer.alloc(32), identity: "x" }) };
    for (let i = 0; i < 12; i += 1) await nodes.tls(a.address, wrong);
    expect(await echo(both, "another")).toBe(1);
    expect(nodes.limit("failuresMax")).toBe(0);
  });
});

describe("beyond loopback", () => {
  outside.test(
    "a node that listens everywhere announces an address others can dial, and they link by it",
    async () => {
      const a = await nodes.start({ host: "0.0.0.0" });
      expect(a.address).toContain(`wss://${outsideAddress()}:`);
      const b = await nodes.start({ host: "0.0.0.0", peers: [a.address] });
      await nodes.linked(a, b);
      b.messenger.handle("echo", ({ payload }) => payload);
      expect(await echo([a, b])).toBe(1);
    },
  );

  outside.test(
    "a node keeps its key in its storage: with it a restart is known, without it an impostor",
    async () => {
      const host = outsideAddress() as string;
      const id = createNodeId(nodeRandom());
      const storage = memoryStorage();
      const b = await nodes.start({ host });
      const startOf = (order: number, kept: ReturnType<typeof memoryStorage>) => {
        const boot = createBoot(order, nodeRandom());
        const identity = { id, boot, name: `start ${order}` };
        const runtime = { logger: silentLogger(), storage: kept };
        return nodes.start({ host, identity, runtime, peers: [b.address] });
      };
      const first = await startOf(1, storage);
      await nodes.linked(first, b);
      expect(await storage.read(NODE_KEY_FILE)).toBeDefined();
      await first.leave();
      const second = await startOf(2, storage);
      await nodes.linked(second, b);
      await second.leave();
      const impostor = await startOf(3, memoryStorage());
      await nodes.refused(impostor, "outbound ERR_NODE_KEY_MISMATCH");
      await nodes.refused(b, "inbound ERR_NODE_KEY_MISMATCH");
    },
  );

  outside.test("tls is on by itself, and the announced address is the option's", async () => {
    const { secret, cluster } = { secret: SECRET, cluster: "test" };
    const host = outsideAddress() as string;
    const a = await nodes.start({ host, secret, cluster, advertise: "node-1.shop.internal:4100" });
    expect(a.address).toBe("wss://node-1.shop.internal:4100");
  });
});

describe("pings", () => {
  test("are answered as the RFC demands, and a flood of them closes the connection with 1008", async () => {
    const a = await nodes.start({ tls: "off" });
    const socket = new WebSocket(`${a.address}/_foundation`, ["foundation.1"]);
    let pongs = 0;
    socket.on("pong", () => (pongs += 1));
    const closed = new Promise<number>((resolve) => socket.once("close", resolve));
    await new Promise((resolve) => socket.once("open", resolve));
    for (let i = 0; i < SOCKET.pingsMax; i += 1) socket.ping();
    await until(nodes.time, "all are answered", () => pongs === SOCKET.pingsMax);
    for (let i = 0; i < 1_000; i += 1) socket.ping();
    expect(await closed).toBe(1008);
    expect(pongs).toBeLessThan(2 * SOCKET.pingsMax);
    expect(nodes.limit("pingsMax")).toBe(1);
    await nodes.refused(a, "inbound ERR_HANDSHAKE_MALFORMED");
  });

  test("that nobody asked for are counted the same when they come as pongs", async () => {
    const a = await nodes.start({ tls: "off" });
    const socket = new WebSocket(`${a.address}/_foundation`, ["foundation.1"]);
    const closed = new Promise<number>((resolve) => socket.once("close", resolve));
    await new Promise((resolve) => socket.once("open", resolve));
    for (let i = 0; i <= SOCKET.pingsMax; i += 1) socket.pong();
    expect(await closed).toBe(1008);
  });
});

test("a page in a browser is refused with 403 over TLS too, and its address is not blamed", async () => {
  const a = await nodes.start();
  const socket = new WebSocket(`${a.address}/_foundation`, ["foundation.1"], {
    ...keyed(),
    origin: "https://evil.example",
  });
  const error = await new Promise<Error>((resolve) => socket.once("error", resolve));
  expect(error.message).toContain("403");
  expect(codesOf(a)).toEqual(["inbound ERR_BROWSER_ORIGIN"]);
});
