/**
 * `startCluster({ cluster })` with the strategies that ask somebody: three nodes at three loopback addresses find each other
 * by each backend, most of them by its word alone and what the environment says.
 */
import { createServer, type AddressInfo } from "node:net";
import { afterEach, describe, expect, test } from "@jest/globals";
import { nodeClock } from "@foundation/core";
import { aws, dns, gcp, type Cluster, type StartOptions } from "@foundation/foundation";
import { eventually } from "@foundation/testkit";
import { FakeAws } from "../../../../packages/discovery/test/aws/fake-aws.js";
import { fakeDns } from "../../../../packages/discovery/test/backends/fake-dns.js";
import { FakeConsul } from "../../../../packages/discovery/test/consul/fake-consul.js";
import { FakeGcp } from "../../../../packages/discovery/test/gcp/fake-gcp.js";
import { serveHttp } from "../../../../packages/discovery/test/http/serve-http.js";
import { startNode, uniqueName } from "../../support/clusters.js";

const ends: (() => unknown)[] = [];
const kept = new Map<string, string | undefined>();

afterEach(async () => {
  for (const end of ends.splice(0)) await end();
  for (const [name, value] of kept) {
    if (value === undefined) delete process.env[name];
    else process.env[name] = value;
  }
  kept.clear();
});

/** For this test only. */
function environment(values: Readonly<Record<string, string>>): void {
  for (const [name, value] of Object.entries(values)) {
    kept.set(name, process.env[name]);
    process.env[name] = value;
  }
}

const hosts = ["127.0.0.2", "127.0.0.3", "127.0.0.4"];

/** Starts a node on each host; `port` where the backend tells addresses without ports. */
async function three(options: StartOptions, port?: number): Promise<Cluster[]> {
  const name = options.name ?? uniqueName();
  const start = (host: string) =>
    startNode({ ...options, name, overlay: { host, ...(port !== undefined && { port }) } });
  const nodes = await Promise.all(hosts.map(start));
  const clusters = nodes.map(({ cluster }) => cluster);
  await Promise.all(clusters.map((each) => each.ready({ nodes: 3, timeout: "20s" })));
  return clusters;
}

/** One that is free at 127.0.0.1: most likely at its neighbours, too. */
async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

describe("a cluster of three", () => {
  test("by the word consul: registers, finds, and withdraws when it leaves", async () => {
    const fake = new FakeConsul(nodeClock());
    const served = await serveHttp(fake.handler);
    ends.push(
      () => served.close(),
      () => fake.close(),
    );
    environment({ CONSUL_HTTP_ADDR: served.url });
    const nodes = await three({ cluster: "consul" });
    const [report] = nodes[0]!.explainDiscovery();
    expect(report).toMatchObject({ strategy: "consul", lastProblem: undefined });
    expect(report?.steps.map(({ tried }) => tried).join()).toContain("/v1/health/service/");
    await nodes[2]!.leave();
    await eventually(() => nodes[0]!.nodes().length === 2);
    await eventually(() => nodes[0]!.explainDiscovery()[0]!.peers!.length === 1);
  }, 40_000);

  test("by dns, and the name server's silence takes nobody away", async () => {
    const server = await fakeDns();
    ends.push(() => server.close());
    server.records = hosts.map((data) => ({ name: "nodes.test", type: "A", ttl: 0, data }));
    const strategy = dns({ query: "nodes.test.", servers: [server.server], interval: "200ms" });
    const nodes = await three({ cluster: strategy }, await freePort());
    server.fault = "nxdomain";
    await eventually(() => nodes.every((node) => node.explainDiscovery()[0]!.problems > 2));
    for (const node of nodes) expect(node.nodes()).toHaveLength(3);
    expect((await nodes[0]!.health()).status).not.toBe("critical");
  }, 40_000);

  test("by the tags of instances, asked with signed requests", async () => {
    const fake = new FakeAws(nodeClock());
    fake.keys.set("AKIA", { secret: "s3cret" });
    const served = await serveHttp(fake.handler);
    ends.push(() => served.close());
    const name = uniqueName();
    for (const privateIp of hosts) fake.put(privateIp, { privateIp, tags: { app: name } });
    environment({
      AWS_ACCESS_KEY_ID: "AKIA",
      AWS_SECRET_ACCESS_KEY: "s3cret",
      AWS_REGION: "eu-central-1",
      AWS_ENDPOINT_URL_EC2: served.url,
    });
    const strategy = aws({ tags: { app: name } });
    const nodes = await three({ name, cluster: strategy }, await freePort());
    expect(nodes[0]!.info().strategy).toBe("aws");
  }, 40_000);

  test("by the labels of Compute Engine, with the token of the machine", async () => {
    const fake = new FakeGcp(nodeClock());
    fake.machine = { zone: "europe-west3-a", tokenLifeMs: 3_600_000 };
    // One server for both of Google's: which of them is asked shows in the path.
    const hostOf = (path: string) =>
      path.startsWith("/computeMetadata/") ? "metadata.google.internal" : "compute.googleapis.com";
    const served = await serveHttp((request) =>
      fake.handler({ ...request, host: hostOf(request.path) }),
    );
    ends.push(() => served.close());
    const name = uniqueName();
    const [labels, zone] = [{ app: name }, "europe-west3-a"];
    for (const ip of hosts) fake.put(ip, { ip, labels, zone });
    environment({ GCE_METADATA_HOST: served.url.replace("http://", "") });
    const strategy = gcp({ labels, endpoint: served.url });
    const nodes = await three({ name, cluster: strategy }, await freePort());
    expect(nodes[0]!.info().strategy).toBe("gcp");
  }, 40_000);

  test("by a list, and by the folder of this user", async () => {
    const port = await freePort();
    const listed = await three(
      { cluster: "static", peers: hosts.map((host) => `${host}:${port}`) },
      port,
    );
    const met = await three({ cluster: "local" });
    expect([listed[0], met[0]].map((node) => node!.info().strategy)).toEqual(["static", "local"]);
  }, 40_000);
});
