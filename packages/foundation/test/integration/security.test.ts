/** Nodes that listen beyond loopback: encrypted by the secret or by certificates, over real sockets. */
import { execFileSync } from "node:child_process";
import { beforeAll, describe, expect, test } from "@jest/globals";
import { requires } from "@foundation-tooling/jest";
import { recordingLogger } from "@foundation/core/testing";
import type { Cluster, StartOptions } from "../../src/index.js";
import { testAuthority, type TestAuthority } from "./certificates.js";
import { startNode, uniqueName } from "./real-nodes.js";

const secret = "Zk0wq1TzZf3p2G8s7Vb5nXcLhYt4Rr6Ee9Uu0Aa1Ii=";
/** On every address of the machine, and told to peers as loopback, which every machine has. */
const overlay = { host: "0.0.0.0", advertise: "127.0.0.1" };

/** The node's address as an operator would write it. */
const bare = ({ self }: Cluster) => self.address.replace(/^wss:\/\//, "");

async function join(first: Cluster, options: StartOptions): Promise<Cluster> {
  return startNode({ name: first.name, overlay, peers: [bare(first)], ...options });
}

describe("nodes beyond loopback", () => {
  test("form by the secret alone, and their channels work", async () => {
    const name = uniqueName();
    const security = { secret };
    const production = { profile: "production", name, overlay, security } as const;
    const a = await startNode({ ...production, cluster: "local" });
    const b = await join(a, { profile: "production", security });
    await b.ready({ nodes: 2, timeout: "10s" });
    expect(a.self.address).toMatch(/^wss:\/\/127\.0\.0\.1:\d+$/);
    b.channel("echo").handle(({ payload }) => payload);
    const echo = a.channel("echo");
    expect(await echo.request(b.self.id, new Uint8Array(1_000_000))).toHaveLength(1_000_000);
  });

  test("a node with another secret, and one without encryption, stay outside", async () => {
    const a = await startNode({
      name: uniqueName(),
      overlay,
      cluster: "local",
      security: { secret },
    });
    const other = await join(a, { security: { secret: `${secret}?` } });
    const plain = await join(a, {
      overlay: {},
      peers: [a.self.address.replace("wss:", "ws:")],
      security: { secret },
    });
    for (const node of [other, plain]) {
      await expect(node.ready({ nodes: 2, timeout: "1500ms" })).rejects.toMatchObject({
        code: "ERR_NOT_READY",
      });
    }
    expect(a.nodes()).toHaveLength(1);
  });

  test("a weak secret in production is refused before anything listens; the way around is loud", async () => {
    const weak = { profile: "production", name: uniqueName(), overlay, cluster: "local" } as const;
    const security = { secret: "sixteen-letters!" };
    await expect(startNode({ ...weak, security })).rejects.toMatchObject({
      code: "ERR_CONFIG_INVALID",
    });
    const logger = recordingLogger();
    const insecure = "i-know" as const;
    const node = await startNode({ ...weak, logger, security: { ...security, insecure } });
    expect(logger.lines.map(({ message }) => message).join("\n")).toMatch(/^INSECURE: .*i-know/m);
    const { status, services, recommendations } = await node.health();
    expect({ status, overlay: services.overlay }).toEqual({
      status: "degraded",
      overlay: "degraded",
    });
    expect(recommendations[0]).toMatch(/^INSECURE/);
  });
});

const openssl = await requires("openssl", () => {
  execFileSync("openssl", ["version"], { stdio: "pipe" });
  return true;
});

openssl.describe("nodes with certificates", () => {
  let authority: TestAuthority;
  beforeAll(() => {
    authority = testAuthority();
  });

  test("form without a secret; one of another authority stays outside, one for another cluster does not start", async () => {
    const name = uniqueName();
    const tls = authority.issue(name);
    const a = await startNode({
      profile: "production",
      name,
      overlay,
      cluster: "local",
      security: { tls },
    });
    const b = await join(a, { security: { tls: authority.issue(name) } });
    await b.ready({ nodes: 2, timeout: "10s" });
    const stranger = await join(a, { security: { tls: testAuthority().issue(name) } });
    await expect(stranger.ready({ nodes: 2, timeout: "1s" })).rejects.toMatchObject({
      code: "ERR_NOT_READY",
    });
    const another = authority.issue("another-cluster");
    await expect(join(a, { security: { tls: another } })).rejects.toMatchObject({
      code: "ERR_CONFIG_INVALID",
      message: expect.stringContaining(`URI:foundation://${name}/<node>`),
      details: { problems: [{ path: "security.tls.cert", layer: "options" }] },
    });
    expect(a.nodes()).toHaveLength(2);
    expect(JSON.stringify(a.config.explain())).not.toMatch(/BEGIN/);
  });
});
