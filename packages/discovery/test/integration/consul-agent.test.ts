import { afterEach, expect, test } from "@jest/globals";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { nodeClock, type FoundationError } from "@foundation/core";
import { discoveryContext } from "@foundation/core/testing";
import { eventually, socketTime } from "@foundation/testkit";
import { requires } from "@foundation-tooling/jest";
import type { ConsulOptions } from "../../src/consul/consul.js";
import { discoverConsul } from "../../src/consul/discover-consul.js";
import { ConsulWorld } from "../consul/consul-world.js";
import { FakeConsul } from "../consul/fake-consul.js";
import { certificates } from "../http/certificates.js";
import { serveHttp, type ServeOptions } from "../http/serve-http.js";

const B = "ws://10.0.0.2:4100";
const cleanUps: (() => Promise<void> | void)[] = [];

afterEach(async () => {
  for (const clean of cleanUps.splice(0).toReversed()) await clean();
});

/** A folder of this test. */
async function folder(): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), "foundation-consul-"));
  cleanUps.push(() => rm(path, { recursive: true }));
  return path;
}

async function agent(options: ServeOptions = {}): Promise<{ fake: FakeConsul; url: string }> {
  const fake = new FakeConsul(nodeClock());
  const server = await serveHttp(fake.handler, options);
  cleanUps.push(async () => {
    fake.close();
    await server.close();
  });
  return { fake, url: server.url };
}

/** Runs a node until it has found B; gives what it reported. */
async function findsB(
  options: ConsulOptions,
  env: Readonly<Record<string, string>>,
): Promise<readonly FoundationError[]> {
  const abort = new AbortController();
  const problems: FoundationError[] = [];
  const context = discoveryContext({
    cluster: "shop",
    signal: abort.signal,
    clock: nodeClock(),
    report: (problem) => problems.push(problem),
  });
  let found: readonly string[] = [];
  const ended = (async () => {
    for await (const { peers } of discoverConsul(options, env, context)) {
      found = peers.map(({ address }) => address);
    }
  })();
  try {
    await eventually(() => expect(found.includes(B) || problems.length > 0).toBe(true));
    expect(problems.length > 0 || found.includes(B)).toBe(true);
  } finally {
    abort.abort();
    await ended;
  }
  return problems;
}

test("an agent on a unix socket is found by the environment's word", async () => {
  const socketPath = join(await folder(), "consul.sock");
  const { fake } = await agent({ socketPath });
  fake.put("shop", B);
  expect(await findsB({}, { CONSUL_HTTP_ADDR: `unix://${socketPath}` })).toEqual([]);
  expect(fake.catalog.of("shop")).toHaveLength(1);
});

const openssl = await requires("openssl", () => {
  certificates();
  return true;
});

openssl.test(
  "an agent over HTTPS is given the certificates that the environment names",
  async () => {
    const { ca, server, client } = certificates();
    const { fake, url } = await agent({ tls: { ...server, ca } });
    fake.put("shop", B);
    const path = await folder();
    const files = { "ca.pem": ca, "cert.pem": client.cert, "key.pem": client.key };
    for (const [name, text] of Object.entries(files)) await writeFile(join(path, name), text);
    const env = {
      CONSUL_HTTP_ADDR: new URL(url).host,
      CONSUL_HTTP_SSL: "true",
      CONSUL_CACERT: join(path, "ca.pem"),
      CONSUL_CLIENT_CERT: join(path, "cert.pem"),
      CONSUL_CLIENT_KEY: join(path, "key.pem"),
    };
    expect(await findsB({}, env)).toEqual([]);
    const [problem] = await findsB({}, { CONSUL_HTTP_ADDR: url });
    expect(problem?.code).toBe("ERR_LOOKUP_FAILED");
    expect(problem?.message).toContain("its CA is not trusted here");
  },
);

test("a token's file is read anew when the token was rotated", async () => {
  const all = { service: { shop: "write" as const }, node: true };
  const tokens: Record<string, typeof all> = { first: all };
  // Files are read by the machine, so it is left a moment between two instants of virtual time.
  const world = new ConsulWorld({ tokens }, socketTime);
  cleanUps.push(() => world.close());
  const tokenFile = join(await folder(), "token");
  await writeFile(tokenFile, "first\n");
  const a = world.start("ws://10.0.0.1:4100", { tokenFile, ttl: "3s", wait: "1s" });
  const sent = (): number => world.fake.log.length;
  const slowly = async (condition: () => boolean): Promise<void> => {
    for (let i = 0; i < 200 && !condition(); i += 1) await world.time.pass(100);
    expect(condition()).toBe(true);
  };
  await slowly(() => a.sets.length > 0);
  expect(a.problems).toEqual([]);
  tokens["second"] = all;
  await writeFile(tokenFile, "second\n");
  const [before, rotated] = [sent(), sent() + 4];
  await slowly(() => sent() >= rotated);
  delete tokens["first"];
  await slowly(() => sent() >= rotated + 6);
  expect(world.fake.log.slice(before).some((line) => line.includes("/check/update/"))).toBe(true);
  expect(a.problems).toEqual([]);
  expect(world.fake.catalog.of("shop")).toHaveLength(1);
  await a.stop();
});
