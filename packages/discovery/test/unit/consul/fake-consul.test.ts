import { describe, expect, test } from "@jest/globals";
import { virtualClock } from "@foundation/core/testing";
import type { HttpAnswer } from "../../../src/http/http-client.js";
import { FakeConsul, type FakeConsulOptions } from "../../consul/fake-consul.js";

function agent(options: FakeConsulOptions = {}) {
  const clock = virtualClock();
  const fake = new FakeConsul(clock, options);
  const send = (
    method: string,
    path: string,
    body: unknown = "",
    token?: string,
    signal = new AbortController().signal,
  ): Promise<HttpAnswer> =>
    fake.handler({
      method,
      path,
      host: "agent",
      headers: token === undefined ? {} : { "x-consul-token": token },
      body: typeof body === "string" ? body : JSON.stringify(body),
      signal,
    });
  const health = (query = "", token?: string): Promise<HttpAnswer> =>
    send("GET", `/v1/health/service/shop${query}`, "", token);
  return { clock, fake, send, health };
}

const indexOf = ({ headers }: HttpAnswer): number => Number(headers["x-consul-index"]);
const idsOf = ({ body }: HttpAnswer): readonly string[] =>
  (JSON.parse(body) as { Service: { ID: string } }[]).map(({ Service }) => Service.ID);

const registration = {
  ID: "shop-1",
  Name: "shop",
  Address: "10.0.0.1",
  Port: 4100,
  Check: { TTL: "10s", Status: "passing", DeregisterCriticalServiceAfter: "1m" },
};

describe("the fake Consul's queries", () => {
  test("answer at once without an index, and with one that is behind", async () => {
    const { fake, health } = agent();
    fake.put("shop", "ws://10.0.0.1:4100");
    const first = await health();
    expect(indexOf(first)).toBeGreaterThan(0);
    expect(indexOf(await health(`?index=${indexOf(first) - 1}`))).toBe(indexOf(first));
    fake.close();
  });

  test("wait for a change of their service, and only of theirs", async () => {
    const { clock, fake, health } = agent();
    fake.put("shop", "ws://10.0.0.1:4100");
    const before = indexOf(await health());
    let after: HttpAnswer | undefined;
    const waiting = health(`?index=${before}&wait=1m`).then((answer) => (after = answer));
    fake.put("billing", "ws://10.0.0.9:4100");
    await clock.advance(30_000);
    expect(after).toBe(undefined);
    fake.put("shop", "ws://10.0.0.2:4100");
    await clock.run(waiting);
    expect(indexOf(after as HttpAnswer)).toBeGreaterThan(before);
    expect(idsOf(after as HttpAnswer)).toHaveLength(2);
    fake.close();
  });

  test("give up after the wait and up to a sixteenth of it, with the same index", async () => {
    const { clock, fake, health } = agent();
    fake.put("shop", "ws://10.0.0.1:4100");
    const before = indexOf(await health());
    const waiting = health(`?index=${before}&wait=16s`);
    const startedAtMs = clock.now();
    expect(indexOf(await clock.run(waiting))).toBe(before);
    expect(clock.now() - startedAtMs).toBeGreaterThan(16_000);
    expect(clock.now() - startedAtMs).toBeLessThanOrEqual(17_000);
    expect(clock.pendingTimers).toBe(0);
    fake.close();
  });

  test("with an index from before a restore wait for nothing, and then show that it went back", async () => {
    const { clock, fake, health } = agent();
    fake.put("shop", "ws://10.0.0.1:4100");
    const before = indexOf(await health());
    fake.catalog.restore(5);
    const answer = await clock.run(health(`?index=${before}&wait=1s`));
    expect(indexOf(answer)).toBe(5);
    fake.close();
  });

  test("are filtered by tags, and by health where that is asked for", async () => {
    const { fake, health } = agent();
    fake.put("shop", "ws://10.0.0.1:4100", { tags: ["eu", "ssd"] });
    fake.put("shop", "ws://10.0.0.2:4100", { tags: ["eu"] });
    fake.catalog.maintain("ws://10.0.0.2:4100", true);
    expect(idsOf(await health("?tag=eu"))).toHaveLength(2);
    expect(idsOf(await health("?tag=eu&tag=ssd"))).toEqual(["ws://10.0.0.1:4100"]);
    expect(idsOf(await health("?passing"))).toEqual(["ws://10.0.0.1:4100"]);
    expect((await health("?stale&consistent")).status).toBe(400);
    fake.close();
  });

  test("of a datacentre that is none fail as Consul's do", async () => {
    const { health } = agent();
    expect(await health("?dc=mars")).toMatchObject({
      status: 500,
      body: "rpc error making call: No path to datacenter",
    });
  });
});

describe("the fake Consul's checks", () => {
  test("become critical when they are not renewed, and a minute later the instance is gone", async () => {
    const { clock, fake, send, health } = agent();
    await send("PUT", "/v1/agent/service/register", registration);
    await clock.advance(8_000);
    await send("PUT", "/v1/agent/check/pass/service:shop-1");
    await clock.advance(8_000);
    expect(idsOf(await health("?passing"))).toEqual(["shop-1"]);
    await clock.advance(3_000);
    expect(idsOf(await health("?passing"))).toEqual([]);
    expect(idsOf(await health())).toEqual(["shop-1"]);
    await clock.advance(60_000);
    expect(idsOf(await health())).toEqual([]);
    expect(clock.pendingTimers).toBe(0);
    fake.close();
  });

  test("keep their status when the instance is registered anew", async () => {
    const { fake, send } = agent();
    await send("PUT", "/v1/agent/service/register", registration);
    await send("PUT", "/v1/agent/check/update/service:shop-1", { Status: "warning" });
    await send("PUT", "/v1/agent/service/register", registration);
    expect(fake.catalog.find("service:shop-1")?.check.status).toBe("warning");
    fake.close();
  });

  test("that are not there, and updates that are none, are refused", async () => {
    const { fake, send } = agent();
    expect((await send("PUT", "/v1/agent/check/pass/service:none")).status).toBe(404);
    await send("PUT", "/v1/agent/service/register", registration);
    const update = "/v1/agent/check/update/service:shop-1";
    expect((await send("PUT", update, { Status: "splendid" })).status).toBe(400);
    const bad = { ...registration, Meta: { "not allowed": "x" } };
    expect((await send("PUT", "/v1/agent/service/register", bad)).status).toBe(400);
    fake.close();
  });

  test("an instance that is deregistered is gone at once, and the second time unknown", async () => {
    const { fake, send, health } = agent();
    await send("PUT", "/v1/agent/service/register", registration);
    expect((await send("PUT", "/v1/agent/service/deregister/shop-1")).status).toBe(200);
    expect(idsOf(await health())).toEqual([]);
    expect((await send("PUT", "/v1/agent/service/deregister/shop-1")).status).toBe(404);
    fake.close();
  });
});

test("the fake Consul's tokens: unknown ones are refused, reads are filtered, writes denied", async () => {
  const reader = { service: { shop: "read" as const }, node: true };
  const blind = { service: { shop: "read" as const }, node: false };
  const { fake, send, health } = agent({ tokens: { reader, blind } });
  fake.put("shop", "ws://10.0.0.1:4100");
  expect(await health("", "gone")).toMatchObject({ status: 403, body: "ACL not found" });
  expect(idsOf(await health("", "reader"))).toHaveLength(1);
  const filtered = await health("", "blind");
  expect(idsOf(filtered)).toEqual([]);
  expect(filtered.headers["x-consul-results-filtered-by-acls"]).toBe("true");
  const anonymous = await health();
  expect(idsOf(anonymous)).toEqual([]);
  expect(anonymous.headers["x-consul-results-filtered-by-acls"]).toBe(undefined);
  expect(anonymous.headers["x-consul-default-acl-policy"]).toBe("deny");
  const denied = await send("PUT", "/v1/agent/service/register", registration, "reader");
  expect(denied.status).toBe(403);
  expect(denied.body).toContain("lacks permission 'service:write' on \"shop\"");
  fake.close();
});
