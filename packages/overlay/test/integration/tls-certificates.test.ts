import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import { silentLogger } from "@foundation/core";
import { memoryNetwork, seededRandom, virtualClock } from "@foundation/core/testing";
import { createOverlay } from "../../src/index.js";
import { namesCluster } from "../../src/websocket/transport-tls.js";
import { Authority } from "../support/certificates.js";
import { SECRET } from "../support/overlay-cluster.js";
import { messageOf, SecurityNodes } from "../support/security-nodes.js";

let nodes: SecurityNodes;
beforeEach(() => {
  nodes = new SecurityNodes();
});
afterEach(() => nodes.close());

const authority = new Authority();
const good = () => authority.certificates("foundation://test/node");
const start = (tls: ReturnType<typeof good>, peers: readonly string[] = [], more = {}) => {
  const { secret: _, ...rest } = { secret: SECRET, ...more };
  return nodes.start({ ...rest, tls, peers, secret: undefined as never });
};

describe("TLS by certificates", () => {
  test("links two nodes without any secret, over an encrypted connection", async () => {
    const a = await start(good());
    const b = await start(good(), [a.address]);
    expect(a.address).toMatch(/^wss:/);
    await nodes.linked(a, b);
    b.messenger.handle("echo", ({ payload }) => payload);
    const route = { to: b.self.id, channel: "data", subject: "echo" };
    expect(await a.messenger.request(route, 1)).toBe(1);
  });

  test("with a secret on top demands both", async () => {
    const a = await nodes.start({ tls: good() });
    const b = await nodes.start({ tls: good(), peers: [a.address] });
    await nodes.linked(a, b);
    const other = await nodes.start({ tls: good(), secret: "x".repeat(32), peers: [a.address] });
    await nodes.refused(other, "outbound ERR_WRONG_SECRET");
    const without = await start(good(), [a.address]);
    await nodes.refused(without, "outbound ERR_AUTHENTICATION_METHOD");
  });

  test.each<[string, () => ReturnType<typeof good>]>([
    ["of another authority", () => new Authority().certificates("foundation://test/node")],
    ["that has expired", () => authority.certificates("foundation://test/node", { days: 0.5 })],
    ["of another cluster", () => authority.certificates("foundation://test-2/node")],
    ["that names the cluster elsewhere", () => authority.certificates("https://test/foundation")],
    [
      "that quotes the cluster in another name",
      () => authority.certificates("https://x", { dns: "x, URI:foundation://test/a, DNS:y" }),
    ],
  ])(
    "a certificate %s is refused by whoever dials and by whoever is dialled",
    async (_what, wrong) => {
      const a = await start(good());
      const tls = { ...wrong(), ca: authority.pem };
      const b = await start(tls);
      b.dial([a.address]);
      await nodes.refused(a, "inbound ERR_CERTIFICATE_REFUSED");
      expect(messageOf(a, "inbound ERR_CERTIFICATE_REFUSED")).toContain("foundation://<cluster>/");
      b.dial([]);
      a.dial([b.address]);
      await nodes.refused(a, "outbound ERR_CERTIFICATE_REFUSED");
      expect(a.membership.members()).toHaveLength(1);
    },
  );

  test("no certificate, and the cluster's secret instead of one, are refused before HTTP is read", async () => {
    const a = await start(good());
    const bare = await nodes.tls(a.address, { rejectUnauthorized: false });
    // TLS 1.3: the client is done before the server has looked at what it lacks.
    if (!("message" in bare)) await new Promise((resolve) => bare.once("close", resolve));
    await nodes.refused(a, "inbound ERR_CERTIFICATE_REFUSED");
    expect(messageOf(a, "inbound ERR_CERTIFICATE_REFUSED")).toContain("none");
    const byKey = await nodes.start({ peers: [a.address] });
    await nodes.refused(byKey, "outbound ERR_CERTIFICATE_REFUSED");
    expect(a.membership.members()).toHaveLength(1);
  });

  test("are no proof over a transport that is not this package's own", async () => {
    const clock = virtualClock();
    const network = memoryNetwork({ clock, random: seededRandom("mtls") });
    const runtime = { clock, logger: silentLogger(), transport: network.transport("a") };
    const starting = createOverlay({ cluster: "test", tls: good(), host: "a", runtime });
    await expect(starting).rejects.toMatchObject({ code: "ERR_INVALID_ARGUMENT" });
  });
});

test("a certificate names a cluster by a URI of its own, and not by a part of another name", () => {
  const names = (uri: string, dns?: string) => {
    const { cert } = authority.certificates(uri, dns === undefined ? {} : { dns });
    const der = Buffer.from((cert as string).replace(/-----[^-]+-----|\n/g, ""), "base64");
    return namesCluster(der, "test");
  };
  expect(names("foundation://test/")).toBe(true);
  expect(names("foundation://test/node-7", "node-7.example")).toBe(true);
  expect(names("foundation://test")).toBe(false);
  expect(names("foundation://testing/node")).toBe(false);
  expect(names("foundation://x/foundation://test/")).toBe(false);
  expect(names("https://x", "x, URI:foundation://test/a, DNS:y")).toBe(false);
  expect(namesCluster(undefined, "test")).toBe(false);
});
