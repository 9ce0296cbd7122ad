import { afterEach, expect, test } from "@jest/globals";
import { ConsulWorld } from "../../consul/consul-world.js";

const A = "ws://10.0.0.1:4100";
const B = "ws://10.0.0.2:4100";
let world = new ConsulWorld();

afterEach(() => world.close());

test("two nodes find each other by what they registered, with their ids, at once", async () => {
  world = new ConsulWorld();
  const a = world.start(A);
  await world.clock.advance(1_000);
  const b = world.start(B);
  await world.clock.advance(500);
  expect(a.peer(B)).toEqual({ address: B, id: b.id });
  expect(b.peer(A)).toEqual({ address: A, id: a.id });
  await a.stop();
  await b.stop();
});

test("the check is renewed three times in its TTL, and the instance stays passing", async () => {
  world = new ConsulWorld();
  const a = world.start(A, { ttl: "15s" });
  await world.clock.advance(60_000);
  const renewals = world.fake.log.filter((line) => line.includes("/check/update/"));
  expect(renewals.length).toBeGreaterThanOrEqual(12);
  expect(renewals.length).toBeLessThanOrEqual(14);
  expect(world.fake.catalog.of("shop")[0]?.checks.get(`service:shop-${a.id}`)?.status).toBe(
    "passing",
  );
  await a.stop();
});

test("a node that ends is deregistered, and that is the last thing it sends", async () => {
  world = new ConsulWorld();
  const a = world.start(A);
  await world.clock.advance(1_000);
  expect(world.fake.catalog.of("shop")).toHaveLength(1);
  await a.stop();
  expect(world.fake.catalog.of("shop")).toHaveLength(0);
  expect(world.fake.log.at(-1)).toBe(`PUT /v1/agent/service/deregister/shop-${a.id}`);
});

test("a killed node is taken away by its TTL, and forgotten by Consul a minute later", async () => {
  world = new ConsulWorld();
  const a = world.start(A);
  const b = world.start(B);
  await world.clock.advance(1_000);
  expect(a.addresses()).toEqual([B]);
  b.kill();
  await world.clock.advance(20_000);
  expect(a.addresses()).toEqual([]);
  expect(world.fake.catalog.of("shop")).toHaveLength(2);
  await world.clock.advance(60_000);
  expect(world.fake.catalog.of("shop")).toHaveLength(1);
  await a.stop();
});

test("an agent that was restarted without its data is told of the node again", async () => {
  world = new ConsulWorld();
  const a = world.start(A);
  await world.clock.advance(1_000);
  world.fake.catalog.clear();
  await world.clock.advance(5_000);
  expect(world.fake.catalog.of("shop")).toHaveLength(1);
  expect(new Set(a.problems.map(({ code }) => code))).toEqual(new Set(["ERR_DISCOVERY_EMPTY"]));
  await a.stop();
});

test("a node that drains says so at once, and others see it drain instead of vanish", async () => {
  world = new ConsulWorld();
  const a = world.start(A);
  const b = world.start(B);
  await world.clock.advance(1_000);
  b.drain();
  await world.clock.advance(500);
  expect(a.peer(B)).toEqual({ address: B, id: b.id, draining: true });
  expect(world.fake.catalog.find(`service:shop-${b.id}`)?.check.status).toBe("warning");
  await world.clock.advance(60_000);
  expect(a.peer(B)?.draining).toBe(true);
  await b.stop();
  await world.clock.advance(3_000);
  expect(a.addresses()).toEqual([]);
  await a.stop();
});

test("an instance in maintenance is not dialled", async () => {
  world = new ConsulWorld();
  const a = world.start(A);
  world.fake.put("shop", B);
  await world.clock.advance(500);
  expect(a.addresses()).toEqual([B]);
  world.fake.catalog.maintain(B, true);
  // B was the only other; A's own instance makes the answer one that is not empty.
  await world.clock.advance(3_000);
  expect(a.addresses()).toEqual([]);
  await a.stop();
});

test("with register: false nothing is written, and others' instances are found", async () => {
  world = new ConsulWorld();
  world.fake.put("shop", B);
  const a = world.start(A, { register: false });
  await world.clock.advance(30_000);
  expect(a.addresses()).toEqual([B]);
  expect(world.fake.log.filter((line) => line.startsWith("PUT"))).toEqual([]);
  await a.stop();
});

test("without a token that may write, the rule that is missing is named, and looking goes on", async () => {
  const read = { service: { shop: "read" as const }, node: true };
  world = new ConsulWorld({ tokens: { reader: read } });
  world.fake.put("shop", B);
  const a = world.start(A, { token: "reader" });
  await world.clock.advance(2_000);
  expect(a.addresses()).toEqual([B]);
  expect(a.problems[0]?.code).toBe("ERR_LOOKUP_REFUSED");
  expect(a.problems[0]?.message).toContain('service "shop" { policy = "write" }');
  expect(a.problems[0]?.message).not.toContain("reader");
  await a.stop();
});

test("an agent that may not show everything gives a partial answer, and the rule is named", async () => {
  const write = { service: { shop: "write" as const }, node: false };
  world = new ConsulWorld({ tokens: { writer: write } });
  const a = world.start(A, { token: "writer" });
  await world.clock.advance(2_000);
  expect(a.sets).toHaveLength(1);
  expect(a.problems[0]?.code).toBe("ERR_DISCOVERY_PARTIAL");
  expect(a.problems[0]?.message).toContain('node_prefix "" { policy = "read" }');
  await a.stop();
});

test("without a token, where Consul denies by default, an empty answer is not believed", async () => {
  world = new ConsulWorld({ tokens: {} });
  world.fake.put("shop", B);
  const a = world.start(A, { register: false });
  await world.clock.advance(2_000);
  expect(a.sets).toHaveLength(1);
  expect(a.problems[0]?.code).toBe("ERR_DISCOVERY_PARTIAL");
  expect(a.problems[0]?.message).toContain("no token was given");
  await a.stop();
});

test("a token that Consul does not know is said to be that", async () => {
  world = new ConsulWorld({ tokens: {} });
  const a = world.start(A, {}, { CONSUL_HTTP_TOKEN: "old-token" });
  await world.clock.advance(1_000);
  expect(a.problems[0]?.code).toBe("ERR_LOOKUP_REFUSED");
  expect(a.problems[0]?.message).toContain("Consul does not know the token");
  expect(JSON.stringify([a.problems, a.steps])).not.toContain("old-token");
  await a.stop();
});

test("tags are registered and asked for; another cluster of the same service is left out", async () => {
  world = new ConsulWorld();
  const a = world.start(A, { tags: ["eu"] });
  const b = world.start(B, { tags: ["us"] });
  world.fake.put("shop", "ws://10.0.0.3:4100", { tags: ["eu", "ssd"] });
  world.fake.put("shop", "ws://10.0.0.4:4100", {
    tags: ["eu"],
    meta: { "foundation-cluster": "billing" },
  });
  await world.clock.advance(2_000);
  expect(a.addresses()).toEqual(["ws://10.0.0.3:4100"]);
  expect(b.addresses()).toEqual([]);
  await a.stop();
  await b.stop();
});

test("another datacentre is looked into, and one that is not there is said to be none", async () => {
  world = new ConsulWorld();
  world.fake.datacenter("dc2").register({
    id: "far",
    service: "shop",
    tags: [],
    address: "10.2.0.1",
    port: 4100,
    meta: {},
    checks: new Map(),
  });
  const a = world.start(A, { datacenter: "dc2" });
  const b = world.start(B, { datacenter: "dc3" });
  await world.clock.advance(1_000);
  expect(a.addresses()).toEqual(["ws://10.2.0.1:4100"]);
  expect(b.problems[0]?.message).toContain("no such datacentre");
  await a.stop();
  await b.stop();
});

test("a query that waits costs one request a wait, not a poll", async () => {
  world = new ConsulWorld();
  const a = world.start(A, { wait: "1m" });
  await world.clock.advance(1_000);
  const before = world.fake.log.filter((line) => line.startsWith("GET")).length;
  await world.clock.advance(600_000);
  const asked = world.fake.log.filter((line) => line.startsWith("GET")).length - before;
  expect(asked).toBeGreaterThanOrEqual(9);
  expect(asked).toBeLessThanOrEqual(11);
  await a.stop();
});

test("the longer the list, the longer the pause before it is asked for again", async () => {
  world = new ConsulWorld();
  for (let i = 0; i < 2_000; i += 1) world.fake.put("shop", `ws://10.1.${i >> 8}.${i & 255}:4100`);
  const a = world.start(A, { register: false });
  await world.clock.advance(1_000);
  expect(a.addresses()).toHaveLength(2_000);
  const looks = (): number => world.fake.log.length;
  const before = looks();
  for (let i = 0; i < 100; i += 1) {
    world.fake.put("shop", `ws://10.2.0.${i}:4100`);
    await world.clock.advance(100);
  }
  expect(looks() - before).toBeLessThanOrEqual(6);
  await world.clock.advance(3_000);
  expect(a.addresses()).toHaveLength(2_100);
  await a.stop();
});

test("servers restored from a snapshot are believed after a while, though their index is lower", async () => {
  world = new ConsulWorld();
  const a = world.start(A, { wait: "10s" });
  world.fake.put("shop", B);
  await world.clock.advance(1_000);
  world.fake.catalog.restore(3);
  world.fake.catalog.deregister(B);
  world.fake.catalog.restore(3);
  await world.clock.advance(30_000);
  expect(a.addresses()).toEqual([B]);
  expect(a.problems[0]?.message).toContain("its index went back");
  await world.clock.advance(90_000);
  expect(a.addresses()).toEqual([]);
  await a.stop();
});
