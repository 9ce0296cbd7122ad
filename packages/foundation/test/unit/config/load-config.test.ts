import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { inspect } from "node:util";
import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import { loadConfig } from "../../../src/config/load-config.js";
import type { StartOptions } from "../../../src/index.js";

const secret = "a-marker-that-nobody-may-see";
const pod = { KUBERNETES_SERVICE_HOST: "10.0.0.1", CONSUL_HTTP_ADDR: "127.0.0.1:8500" };

let cwd = "";

beforeEach(() => {
  cwd = mkdtempSync(join(tmpdir(), "foundation-load-"));
  writeFileSync(join(cwd, "package.json"), '{ "name": "shop" }');
});

afterEach(() => rmSync(cwd, { recursive: true, force: true }));

function load(options: unknown = {}, env: Record<string, string> = {}) {
  return loadConfig({ cwd, ...(options as StartOptions) }, env);
}

async function explained(options: unknown = {}, env: Record<string, string> = {}) {
  const config = await load(options, env);
  return (path: string) => config.explain().find((value) => value.path === path);
}

function put(config: unknown): string {
  const file = join(cwd, "foundation.config.json");
  writeFileSync(file, JSON.stringify(config));
  return file;
}

const discover = async function* () {};

describe("who chooses the strategy", () => {
  test("nobody: it is local, and the evidence says why", async () => {
    const at = await explained();
    expect(at("cluster")).toMatchObject({ value: "local", layer: "detected" });
    expect(at("cluster")?.evidence).toMatch(/./);
    expect(at("name")).toMatchObject({ layer: "detected", evidence: expect.stringMatching(/./) });
  });

  test("a list of peers asks for static, in the options, the file and the environment", async () => {
    const peers = ["127.0.0.1:4100"];
    const byOptions = await explained({ peers });
    expect(byOptions("cluster")).toMatchObject({
      value: "static",
      evidence: "peers are listed in the options",
    });
    const byVariable = await explained({}, { FOUNDATION_PEERS: "127.0.0.1:4100" });
    expect(byVariable("cluster")).toMatchObject({ value: "static" });
    expect(byVariable("cluster")?.evidence).toContain("FOUNDATION_PEERS");
    const file = put({ peers });
    const byFile = await explained();
    expect(byFile("cluster")).toMatchObject({ value: "static" });
    expect(byFile("cluster")?.evidence).toContain(file);
  });

  test("an explicit strategy wins over a list, and an empty list asks for nothing", async () => {
    const peers = ["127.0.0.1:4100"];
    expect((await explained({ peers, cluster: "local" }))("cluster")?.value).toBe("local");
    expect((await explained({ peers: [] }))("cluster")?.value).toBe("local");
  });

  test("a recognised environment is used where its nodes can prove who they are", async () => {
    const secret = "a secret that is long enough for this";
    const production = {
      profile: "production",
      name: "shop",
      security: { secret: secret + secret },
    };
    const at = async (options: object) => (await load(options, pod)).values;
    expect(await at(production)).toMatchObject({ cluster: "consul", overlay: { host: "0.0.0.0" } });
    expect(await at({ security: { secret } })).toMatchObject({ cluster: "consul" });
    expect(await at({})).toMatchObject({ cluster: "local", overlay: { host: "127.0.0.1" } });
    expect(await at({ ...production, cluster: "local" })).toMatchObject({ cluster: "local" });
    expect(await at({ ...production, peers: ["a:1"] })).toMatchObject({ cluster: "static" });
    const laptop = await explained({}, pod);
    expect(laptop("cluster")?.evidence).toContain("CONSUL_HTTP_ADDR is set");
    expect(laptop("cluster")?.evidence).toContain("set FOUNDATION_SECRET");
  });

  test("production in a recognised environment refuses to start without a secret", async () => {
    await expect(load({ profile: "production", name: "shop" }, pod)).rejects.toMatchObject({
      code: "ERR_CONFIG_INVALID",
      message: expect.stringContaining("security.secret"),
    });
  });

  test.each<[object, string]>([
    [{ cluster: "shop" }, "expected one of local, static, dns"],
    [{ consensus: { voters: "me" } }, 'expected "operator", or a list of names'],
    [{ overlay: { channels: [5] } }, "expected a name, or { name, parallelism"],
  ])("says of %j what was expected in words", async (options, says) => {
    await expect(load(options)).rejects.toThrow(says);
  });

  test("a strategy that finds other machines listens for them, on a shared port where it tells none", async () => {
    const secret = "a secret that is long enough for this";
    const at = await explained({ cluster: "kubernetes", security: { secret } });
    expect(at("overlay.host")).toMatchObject({ value: "0.0.0.0", layer: "reach" });
    expect(at("overlay.port")).toMatchObject({ value: 4_100, layer: "reach" });
    const written = { cluster: "dns", overlay: { host: "127.0.0.2", port: 7_000 } };
    expect((await load(written)).values.overlay).toMatchObject(written.overlay);
    const announced = await explained({ cluster: "mdns", security: { secret } });
    expect(announced("overlay.port")).toMatchObject({ value: 0 });
  });

  test("primary and secondary strategies become one, which listens as the farthest of them does", async () => {
    const [near, far] = [
      { name: "local", discover },
      { name: "gossip", discover },
    ];
    const config = await load({ discovery: { primary: [near], secondary: [far, far] } });
    expect(config.values.cluster).toMatchObject({ name: "fallback(local, union(gossip, gossip))" });
    expect(config.values.overlay.host).toBe("0.0.0.0");
    const own = await load({ cluster: { name: "my-dns", discover } });
    expect(own.values.overlay).toMatchObject({ host: "127.0.0.1", port: 0 });
    const alone = await load({ discovery: { primary: [near] } });
    expect(alone.values.cluster).toBe(near);
    expect(alone.values.overlay.host).toBe("127.0.0.1");
  });

  test.each([
    [{ discovery: {} }, "no primary strategy"],
    [{ discovery: { primary: [] } }, "no primary strategy"],
    [{ discovery: { primary: ["local"] } }, "no primary strategy"],
    [{ discovery: { primary: [{ name: "x", discover }], tertiary: [] } }, "tertiary"],
    [{ discovery: { primary: [{ name: "x", discover }], secondary: ["x"] } }, "secondary"],
    [{ discovery: { primary: [{ name: "x", discover }] }, cluster: "local" }, "both"],
  ])("%j is refused with what is wrong", async (options, found) => {
    await expect(load(options as object)).rejects.toMatchObject({
      code: "ERR_INVALID_ARGUMENT",
      message: expect.stringContaining(found),
    });
  });

  test("a strategy that is none is refused with the ones there are", async () => {
    await expect(load({ cluster: "zeroconf" })).rejects.toMatchObject({
      code: "ERR_CONFIG_INVALID",
      message: expect.stringMatching(/cluster.*local.*static.*kubernetes.*zeroconf/s),
    });
  });
});

describe("a configuration in libcluster's shape", () => {
  const epmd = (...hosts: string[]) => ({ strategy: "Cluster.Strategy.Epmd", config: { hosts } });

  test("becomes strategy and peers, with where they came from", async () => {
    const file = put({ topologies: { main: epmd("a@10.0.0.7:4100"), more: epmd("b@10.0.0.8:1") } });
    const config = await load();
    expect(config.values).toMatchObject({
      cluster: "static",
      peers: ["10.0.0.7:4100", "10.0.0.8:1"],
    });
    expect(config.explain().find(({ path }) => path === "cluster")).toEqual({
      path: "cluster",
      value: "static",
      layer: "file",
      origin: file,
      evidence: "translated from topologies.main, topologies.more",
    });
  });

  test("LocalEpmd is this machine, also over a list of a lower layer", async () => {
    put({ peers: ["a:1"] });
    const topologies = { dev: { strategy: "Cluster.Strategy.LocalEpmd" } };
    expect((await load({ topologies })).values.cluster).toBe("local");
  });

  test("strategies with options become what they are here, several are united", async () => {
    const pods = { strategy: "Kubernetes.DNS", config: { service: "shop-nodes" } };
    const nameOf = async (topologies: object) => {
      const { cluster } = (await load({ topologies } as StartOptions)).values;
      return typeof cluster === "string" ? cluster : cluster.name;
    };
    expect(await nameOf({ pods })).toBe("dns");
    const several = { pods, list: epmd("a@10.0.0.7:4100"), here: { strategy: "LocalEpmd" } };
    expect(await nameOf(several)).toBe("union(dns, static, local)");
  });

  test("a later layer wins over it, as over everything", async () => {
    put({ topologies: { main: epmd("a@10.0.0.7:4100") } });
    expect((await load({}, { FOUNDATION_CLUSTER: "local" })).values.cluster).toBe("local");
  });

  test.each([
    ["a strategy that is none here", { a: { strategy: "Rancher" } }, "ERR_STRATEGY_UNAVAILABLE"],
    ["none", {}, "ERR_INVALID_ARGUMENT"],
    ["a list of them", [epmd("a:1")], "ERR_INVALID_ARGUMENT"],
    ["a text", "Epmd", "ERR_INVALID_ARGUMENT"],
    ["null", null, "ERR_INVALID_ARGUMENT"],
    ["a host without a port", { a: epmd("a@b") }, "ERR_PEER_ADDRESS"],
  ])("%s is a typed error", async (_what, topologies, code) => {
    await expect(load({ topologies })).rejects.toMatchObject({ code });
  });

  test("both shapes in one layer contradict each other", async () => {
    put({ topologies: { main: epmd("a:1") }, cluster: "local" });
    await expect(load()).rejects.toMatchObject({
      code: "ERR_CONFIG_INVALID",
      details: { problems: [{ path: "topologies", layer: "file", found: "both" }] },
    });
  });
});

describe("secrets", () => {
  test("explain() shows where a secret came from, never what it is", async () => {
    const at = await explained({}, { FOUNDATION_SECRET: secret });
    expect(at("security.secret")).toMatchObject({
      value: "[secret]",
      layer: "environment",
      origin: "FOUNDATION_SECRET",
    });
    const config = await load({ security: { secret } });
    expect(JSON.stringify(config.explain())).not.toContain(secret);
    expect(inspect(config.explain(), { depth: 9 })).not.toContain(secret);
  });

  test.each([
    ["in the place of its group", { security: secret }],
    ["in a list", { security: [secret] }],
    ["under a misspelt name", { security: { secrett: secret } }],
    ["at the top", { secret }],
    ["nested too deep", { security: { secret: { value: secret } } }],
    ["with a wrong neighbour", { security: { secret, other: 1 } }],
    ["as the wrong type", { security: { secret: { [secret]: secret } } }],
    ["in a ring with one that is too short", { security: { secret: [secret, "short"] } }],
    ["in a ring twice", { security: { secret: [secret, secret] } }],
  ])("no error shows one that stands %s", async (_where, options) => {
    const error: unknown = await load(options).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code: "ERR_CONFIG_INVALID" });
    expect(inspect(error, { depth: 9 })).not.toContain(secret);
  });
});
