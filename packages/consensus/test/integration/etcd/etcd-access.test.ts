/** Who may use an etcd: users, certificates, and one cluster at a time. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, expect, jest, test } from "@jest/globals";
import { requires } from "@foundation-tooling/jest";
import { rangeOf, type Engine } from "../../../src/engine/engine.js";
import { etcdEngine, type EtcdEngineOptions } from "../../../src/etcd/index.js";
import { certificates } from "./certificates.js";
import { hasEtcd, startEtcd, type EtcdCluster } from "./etcd-server.js";

jest.setTimeout(120_000);

const etcd = await requires("etcd", hasEtcd);
const VALUE = new TextEncoder().encode("1");

etcd.describe("access to etcd", () => {
  const clusters: EtcdCluster[] = [];
  const engines: Engine[] = [];

  const start = async (...args: Parameters<typeof startEtcd>): Promise<EtcdCluster> => {
    const cluster = await startEtcd(...args);
    clusters.push(cluster);
    return cluster;
  };
  const open = (options: EtcdEngineOptions): Engine => {
    const engine = etcdEngine({ timeout: "30s", ...options });
    engines.push(engine);
    return engine;
  };
  const put = (engine: Engine, key = "a") =>
    engine.txn({ then: [{ type: "put", key, value: VALUE }] });

  afterEach(async () => {
    await Promise.all(engines.splice(0).map((engine) => engine.close()));
    for (const cluster of clusters.splice(0)) await cluster[Symbol.asyncDispose]();
  });

  /** By etcd's JSON gateway, as an operator would with etcdctl. */
  const operate = async (cluster: EtcdCluster, path: string, body: object): Promise<void> => {
    const [endpoint] = cluster.endpoints;
    const response = await fetch(`${endpoint}/v3/auth/${path}`, {
      method: "POST",
      body: JSON.stringify(body),
      headers: { connection: "close" },
    });
    if (!response.ok) throw new Error(`${path}: ${await response.text()}`);
    await response.text();
  };

  const withUsers = async (): Promise<EtcdCluster> => {
    const cluster = await start();
    const base64 = (text: string) => Buffer.from(text).toString("base64");
    await operate(cluster, "user/add", { name: "root", password: "r" });
    await operate(cluster, "user/grant", { user: "root", role: "root" });
    await operate(cluster, "user/add", { name: "shop", password: "s" });
    await operate(cluster, "role/add", { name: "shop" });
    const perm = { permType: "READWRITE", key: base64("shop/"), range_end: base64("shop0") };
    await operate(cluster, "role/grant", { name: "shop", perm });
    await operate(cluster, "user/grant", { user: "shop", role: "shop" });
    await operate(cluster, "enable", {});
    return cluster;
  };

  test("a user works within its namespace, and is told in words what it may not", async () => {
    const cluster = await withUsers();
    const { endpoints } = cluster;
    const credentials = { username: "shop", password: "s" };
    const shop = open({ endpoints, credentials, namespace: "shop/" });
    const { revision } = await put(shop);
    const watch = shop.watch(rangeOf(""), { from: revision });
    expect(await watch.ready()).toBe(revision);

    const elsewhere = open({ endpoints, credentials, namespace: "bank/" });
    const forbidden = { code: "ERR_ENGINE_REFUSED" };
    const refused = put(elsewhere);
    await expect(refused).rejects.toMatchObject(forbidden);
    await expect(refused).rejects.toThrow(/permission denied.*readwrite on the prefix/);
    await expect(elsewhere.watch({ key: "a" }, { from: revision }).ready()).rejects.toMatchObject(
      forbidden,
    );
    const wrong = open({ endpoints, credentials: { username: "shop", password: "x" } });
    await expect(put(wrong)).rejects.toThrow(/signing in.*Check credentials/);
    const nobody = open({ endpoints, namespace: "shop/" });
    await expect(put(nobody)).rejects.toThrow(/give `credentials`/);
  });

  test("a token that etcd has forgotten is asked for anew, by requests and by watches", async () => {
    const cluster = await withUsers();
    const [server] = cluster.servers;
    const credentials = { username: "shop", password: "s" };
    const shop = open({ endpoints: cluster.endpoints, credentials, namespace: "shop/" });
    const watch = shop.watch(rangeOf(""));
    const first = await watch.ready();
    await put(shop);
    // Its tokens are in its memory alone.
    await server?.kill();
    await server?.start();
    // The one that is under way while the connection breaks may be of unknown outcome; none is refused.
    for (let i = 0; i < 3; i += 1) {
      await put(shop, `k${i}`).catch((error: unknown) => {
        expect(error).toMatchObject({ code: "ERR_OUTCOME_UNKNOWN" });
      });
    }
    const last = await put(shop, "last");
    const seen: number[] = [];
    for await (const { revision } of watch) {
      seen.push(revision);
      if (revision === last.revision) break;
    }
    expect(seen).toEqual(Array.from({ length: seen.length }, (_, i) => first + i));
  });

  test("credentials that an etcd without users does not want are no hindrance", async () => {
    const { endpoints } = await start();
    const credentials = { username: "shop", password: "s" };
    const warnings: string[] = [];
    const silent = () => {};
    const logger = { debug: silent, info: silent, error: silent, child: () => logger } as never;
    Object.assign(logger as object, { warn: (message: string) => warnings.push(message) });
    const engine = open({ endpoints, credentials, runtime: { logger } });
    await put(engine);
    await put(engine);
    expect(warnings).toEqual([expect.stringContaining("knows no users")]);
  });

  test("servers and clients prove themselves by certificates, and a stranger is told why not", async () => {
    const folder = mkdtempSync(join(tmpdir(), "foundation-etcd-access-"));
    try {
      const own = certificates(folder);
      const strangers = certificates(folder);
      const at = (name: string) => join(own.folder, name);
      const cluster = await start({
        scheme: "https",
        flags: [
          ...["--cert-file", at("node.crt"), "--key-file", at("node.key")],
          ...["--client-cert-auth", "--trusted-ca-file", at("ca.crt")],
        ],
      });
      const { endpoints } = cluster;
      const { ca, cert, key } = own;
      const engine = open({ endpoints, tls: { ca, cert, key } });
      await put(engine);
      const fooled = open({ endpoints, tls: { ca: strangers.ca, cert, key }, timeout: "2s" });
      const refused = put(fooled);
      await expect(refused).rejects.toMatchObject({ code: "ERR_NO_QUORUM" });
      await expect(refused).rejects.toThrow(/certificate|signature/i);
      const plain = open({ endpoints: endpoints.map((each) => each.slice(8)), timeout: "1s" });
      await expect(put(plain)).rejects.toMatchObject({
        code: expect.stringMatching(/^ERR_(NO_QUORUM|OUTCOME_UNKNOWN)$/),
      });
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });

  test("endpoints of two clusters are found out before their revisions are mixed", async () => {
    const clusters = [await start(), await start()];
    const [first, second] = clusters.map(({ servers }) => servers[0]);
    const endpoints = clusters.flatMap((cluster) => cluster.endpoints);
    const engine = open({ endpoints });
    const watch = engine.watch({ key: "a" });
    await watch.ready();
    // Whichever it was: with one of them gone it comes to the other.
    const read = () => engine.txn({ then: [{ type: "range", key: "a" }] });
    const foreign = { code: "ERR_CLUSTER_FOREIGN" };
    await first?.kill();
    const failure = await read().then(
      () => undefined,
      (error: unknown) => error,
    );
    if (failure === undefined) {
      await first?.start();
      await second?.kill();
      await expect(read()).rejects.toMatchObject(foreign);
    } else expect(failure).toMatchObject(foreign);
    // A write does not get there either: an endpoint is asked for its cluster before anything else.
    await expect(put(engine)).rejects.toMatchObject(foreign);
    const alone = open({
      endpoints: [`http://${(failure === undefined ? first : second)?.address}`],
    });
    const { results } = await alone.txn({ then: [{ type: "range", key: "a" }] });
    expect(results).toEqual([{ type: "range", pairs: [], count: 0 }]);
    await expect(watch[Symbol.asyncIterator]().next()).rejects.toMatchObject(foreign);
  });
});
