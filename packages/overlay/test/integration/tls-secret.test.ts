import { createServer as createTlsServer } from "node:https";
import { createServer } from "node:net";
import { networkInterfaces } from "node:os";
import { createSecureContext } from "node:tls";
import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import { createKeyRing, type Connection } from "@foundation/core";
import { until } from "@foundation/testkit";
import { requires } from "@foundation-tooling/jest";
import { WebSocket } from "ws";
import { websocketTransport, type TransportTls } from "../../src/index.js";
import { clientTls, contextOf } from "../../src/websocket/transport-tls.js";
import { Authority } from "../support/certificates.js";
import { SECRET } from "../support/overlay-cluster.js";
import { codesOf, messageOf, SecurityNodes } from "../support/security-nodes.js";

let nodes: SecurityNodes;
beforeEach(() => {
  nodes = new SecurityNodes();
});
afterEach(() => nodes.close());

const pskOf = (secret: string): TransportTls => ({
  type: "psk",
  cluster: "test",
  keys: createKeyRing(secret),
});

describe("TLS by the cluster's secret", () => {
  test("links two nodes, carries their channels, and gives both ends one binding", async () => {
    const a = await nodes.start();
    const b = await nodes.start({ peers: [a.address] });
    expect(a.address).toMatch(/^wss:/);
    await nodes.linked(a, b);
    b.messenger.handle("echo", ({ payload }) => payload);
    const large = new Uint8Array(300_000).fill(7);
    const route = { to: b.self.id, channel: "data", subject: "echo" };
    expect(await a.messenger.request(route, large)).toEqual(large);
    const transport = websocketTransport({ tls: pskOf(SECRET) });
    const accepted: Connection[] = [];
    const listener = nodes.keep(
      await transport.listen({ host: "127.0.0.1", port: 0 }, (each) => accepted.push(each)),
    );
    const dialled = await transport.dial(listener.address, new AbortController());
    await until(nodes.time, "it is accepted", () => accepted.length === 1);
    expect(dialled.binding).toHaveLength(32);
    expect(accepted[0]?.binding).toEqual(dialled.binding);
  });

  test("refuses a wrong secret on both sides before one byte of HTTP is read", async () => {
    const a = await nodes.start();
    const stranger = await nodes.start({ secret: "another secret altogether", peers: [a.address] });
    await nodes.refused(a, "inbound ERR_WRONG_SECRET");
    await nodes.refused(stranger, "outbound ERR_WRONG_SECRET");
    expect(messageOf(a, "inbound ERR_WRONG_SECRET")).toContain("key for TLS");
    expect(messageOf(stranger, "outbound ERR_WRONG_SECRET")).toContain("FOUNDATION_SECRET");
    expect(a.membership.members()).toHaveLength(1);
  });

  test("answers an unknown identity as it does a wrong key", async () => {
    const a = await nodes.start();
    const tls = pskOf(SECRET);
    const right = clientTls(tls, contextOf(tls), createKeyRing(SECRET).secrets[0]);
    const offered = right.pskCallback?.("");
    if (!offered) throw new Error("a dialer by secret offers a key");
    const { psk, identity } = offered as { psk: Buffer; identity: string };
    const attempt = async (given: { psk: Buffer; identity: string }) => {
      const options = { ...right, pskCallback: () => given };
      const outcome = await nodes.tls(a.address, options);
      return "message" in outcome ? outcome.message.replace(/^.*error:/, "") : "connected";
    };
    expect(await attempt({ psk, identity })).toBe("connected");
    const wrongKey = await attempt({ psk: Buffer.alloc(32, 1), identity });
    const unknown = await attempt({ psk, identity: "v1:test:0000000000000000" });
    expect(wrongKey).toMatch(/alert illegal parameter|alert decrypt error/);
    expect(unknown).toBe(wrongKey);
    const count = () => a.refusals().find(({ code }) => code === "ERR_WRONG_SECRET")?.count;
    await until(nodes.time, "both are counted", () => count() === 2);
  });

  test("refuses older versions of TLS and clients that bring no key", async () => {
    const a = await nodes.start();
    const old = await nodes.tls(a.address, { maxVersion: "TLSv1.2", rejectUnauthorized: false });
    expect(String(old)).toContain("alert protocol version");
    const bare = await nodes.tls(a.address, { rejectUnauthorized: false });
    expect(String(bare)).toContain("alert handshake failure");
    await nodes.refused(a, "inbound ERR_AUTHENTICATION_METHOD");
    await nodes.refused(a, "inbound ERR_HANDSHAKE_MALFORMED");
  });

  test("a dialer accepts no certificate in place of the key, whoever signed it", async () => {
    const authority = new Authority();
    const { cert, key, ca } = authority.certificates("foundation://test/x", { dns: "localhost" });
    const server = createTlsServer({ cert: cert as string, key: key as string });
    let requests = 0;
    server.on("upgrade", (_request, socket) => {
      requests += 1;
      socket.destroy();
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const stop = () => {
      server.close();
      server.closeAllConnections();
    };
    nodes.keep({ close: stop });
    const { port } = server.address() as { port: number };
    const tls = pskOf(SECRET);
    const refused: string[] = [];
    const transport = websocketTransport({ tls, onRefused: ({ code }) => refused.push(code) });
    const dialling = transport.dial(`wss://127.0.0.1:${port}`, new AbortController());
    await expect(dialling).rejects.toMatchObject({ code: "ERR_DIAL_FAILED" });
    expect(refused).toEqual(["ERR_CERTIFICATE_REFUSED"]);
    // Even if this machine trusts whoever signed it.
    const trusting = { ...clientTls(tls, contextOf(tls), createKeyRing(SECRET).secrets[0]) };
    const secureContext = createSecureContext({ ca: [ca as string], minVersion: "TLSv1.3" });
    const outcome = await nodes.tls(`wss://127.0.0.1:${port}`, { ...trusting, secureContext });
    expect(String(outcome)).toContain("a certificate instead of the cluster's key");
    expect(requests).toBe(0);
  });

  test("a client without TLS is refused by a port with it, and the reverse, each by name", async () => {
    const encrypted = await nodes.start();
    const plain = await nodes.start({ tls: "off" });
    const socket = new WebSocket(`${encrypted.address.replace("wss:", "ws:")}/_foundation`);
    await new Promise((resolve) => socket.once("error", resolve));
    await nodes.refused(encrypted, "inbound ERR_NOT_ENCRYPTED");
    encrypted.dial([plain.address.replace("ws:", "wss:")]);
    await nodes.refused(encrypted, "outbound ERR_NOT_ENCRYPTED");
    await nodes.refused(plain, "inbound ERR_NOT_ENCRYPTED");
    expect(encrypted.membership.members()).toHaveLength(1);
  });

  test("an insider cannot pass one node's handshake on over two connections: their bindings differ", async () => {
    const a = await nodes.start();
    const tls = pskOf(SECRET);
    const relay = websocketTransport({ tls });
    const listener = nodes.keep(
      await relay.listen({ host: "127.0.0.1", port: 0 }, (inward) => {
        void relay.dial(a.address, new AbortController()).then((outward) => {
          inward.onFrame((frame) => outward.send(frame));
          outward.onFrame((frame) => inward.send(frame));
          void inward.closed.then(() => outward.close());
          void outward.closed.then(() => inward.close());
        });
      }),
    );
    const b = await nodes.start({ peers: [listener.address] });
    await nodes.refused(a, "inbound ERR_WRONG_SECRET");
    await nodes.refused(b, "outbound ERR_WRONG_SECRET");
    expect(b.membership.members()).toHaveLength(1);
  });

  test("a connection that is led back to the node that dialled it (Selfie) is recognised", async () => {
    const a = await nodes.start();
    const port = Number(new URL(a.address).port);
    const mirror = createServer((inward) => {
      const outward = nodes.tcp(`ws://127.0.0.1:${port}`);
      inward.on("error", () => {});
      inward.on("close", () => outward.destroy());
      outward.on("close", () => inward.destroy());
      inward.pipe(outward).pipe(inward);
    });
    await new Promise<void>((resolve) => mirror.listen(0, "127.0.0.1", resolve));
    nodes.keep({ close: () => void mirror.close() });
    a.dial([`wss://127.0.0.1:${(mirror.address() as { port: number }).port}`]);
    await nodes.refused(a, "outbound ERR_SELF_DIAL");
    expect(a.membership.members()).toHaveLength(1);
  });
});

const ipv6 = await requires("IPv6 on loopback", () =>
  Object.values(networkInterfaces()).some((each) => each?.some(({ address }) => address === "::1")),
);
ipv6.test("nodes on ::1 announce their address in brackets and link by it", async () => {
  const a = await nodes.start({ host: "::1" });
  const b = await nodes.start({ host: "::1", peers: [a.address] });
  expect(a.address).toMatch(/^wss:\/\/\[::1\]:\d+$/);
  await nodes.linked(a, b);
});

describe("an exchange of the secret", () => {
  const [OLD, NEW] = ["the old secret of the test", "the new secret of the test"];

  test("node by node on a running pair loses no link, and new connections come up at every step", async () => {
    const [ringA, ringB] = [createKeyRing(OLD), createKeyRing(OLD)];
    const a = await nodes.start({ secret: ringA });
    const b = await nodes.start({ secret: ringB, peers: [a.address] });
    await nodes.linked(a, b);
    const changes: string[] = [];
    for (const node of [a, b]) node.membership.subscribe(({ type }) => void changes.push(type));
    for (const node of [a, b]) node.messenger.handle("echo", ({ payload }) => payload);
    const steps = [
      () => ringA.add(NEW),
      () => ringB.add(NEW),
      () => ringA.use(NEW),
      () => ringB.use(NEW),
      () => ringA.remove(OLD),
      () => ringB.remove(OLD),
    ];
    for (const [at, step] of steps.entries()) {
      step();
      const channel = `step-${at}`;
      expect(await a.messenger.request({ to: b.self.id, channel, subject: "echo" }, at)).toBe(at);
      const late = await nodes.start({ secret: [OLD, NEW], peers: [a.address, b.address] });
      await nodes.linked(late, a);
      await nodes.linked(late, b);
      await late.leave();
    }
    expect(changes.filter((type) => type === "node-down")).toEqual([]);
    const out = await nodes.start({ secret: OLD, peers: [a.address] });
    await nodes.refused(out, "outbound ERR_WRONG_SECRET");
  }, 60_000);

  test("under a load of handshakes fails none of them, in any order of the steps that leaves a common secret", async () => {
    const [server, client] = [createKeyRing(OLD), createKeyRing(OLD)];
    const transportOf = (keys: typeof server) =>
      websocketTransport({ tls: { type: "psk", cluster: "test", keys } });
    const listener = nodes.keep(
      await transportOf(server).listen({ host: "127.0.0.1", port: 0 }, () => {}),
    );
    const dialer = transportOf(client);
    const steps = [
      () => client.replace([NEW, OLD]),
      () => server.add(NEW),
      () => client.replace([OLD, NEW]),
      () => server.use(NEW),
      () => server.remove(OLD),
      () => client.use(NEW),
      () => client.remove(OLD),
    ];
    let dials = 0;
    for (const step of steps) {
      const under = Array.from({ length: 8 }, () =>
        dialer.dial(listener.address, new AbortController()),
      );
      step();
      const after = Array.from({ length: 8 }, () =>
        dialer.dial(listener.address, new AbortController()),
      );
      for (const connection of await Promise.all([...under, ...after])) {
        dials += 1;
        connection.close();
      }
    }
    expect(dials).toBe(16 * steps.length);
  }, 30_000);

  test("prefers the first secret of the ring again as soon as the other side has it", async () => {
    const a = await nodes.start({ secret: createKeyRing(OLD) });
    const b = await nodes.start({ secret: [NEW, OLD], peers: [a.address] });
    await nodes.linked(a, b);
    expect(codesOf(a)).toEqual(["inbound ERR_WRONG_SECRET"]);
    expect(codesOf(b)).toEqual([]);
  });
});
