import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, describe, expect, test } from "@jest/globals";
import { nodeClock, type FoundationError, type PeerSet } from "@foundation/core";
import { discoveryContext } from "@foundation/core/testing";
import { eventually } from "@foundation/testkit";
import { connectByHttps } from "../../../src/kubernetes/api-connection.js";
import { kubernetes, type KubernetesOptions } from "../../../src/kubernetes/kubernetes.js";
import { watchPeers } from "../../../src/kubernetes/watch-peers.js";
import { FakeKubernetes } from "../../kubernetes/fake-kubernetes.js";
import { endpointSlice, type FakePod } from "../../kubernetes/fake-objects.js";
import {
  serveFakeKubernetes,
  type ServedKubernetes,
  type ServeOptions,
} from "../../kubernetes/serve-fake.js";

const pod = (n: number): FakePod => ({ name: `shop-${n}`, ips: [`10.0.0.${n}`] });
const slice = (count: number) =>
  endpointSlice(
    { service: "shop" },
    [...Array(count).keys()].map((i) => pod(i + 1)),
  );

const closing: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

async function serve(options: ServeOptions = {}) {
  const fake = new FakeKubernetes({ clock: nodeClock() });
  fake.put(slice(2));
  const served = await serveFakeKubernetes(fake, options);
  closing.push(() => served.close());
  return { fake, served };
}

function run(served: ServedKubernetes, options: KubernetesOptions = {}) {
  const abort = new AbortController();
  const sets: PeerSet[] = [];
  const problems: FoundationError[] = [];
  const context = discoveryContext({
    cluster: "shop",
    signal: abort.signal,
    clock: nodeClock(),
    report: (problem) => problems.push(problem),
  });
  const all = { serviceAccountDirectory: served.directory, ...options };
  const world = { environment: served.environment, connect: connectByHttps };
  const ended = (async () => {
    for await (const set of watchPeers(all, context, world)) sets.push(set);
  })();
  const stop = async (): Promise<void> => {
    abort.abort();
    await ended;
  };
  closing.push(stop);
  return { sets, problems, stop, size: () => sets.at(-1)?.peers.length ?? -1 };
}

describe("kubernetes over HTTPS", () => {
  test("finds its peers with what a pod has, and sees a join in less than a second without polling", async () => {
    const { fake, served } = await serve();
    const { sets, problems, size } = run(served);
    await eventually(() => size() === 2);
    await eventually(() => fake.watching === 1);
    const startedAt = performance.now();
    fake.put(slice(3));
    await eventually(() => size() === 3, { every: "1ms" });
    expect(performance.now() - startedAt).toBeLessThan(1_000);
    expect(fake.requests.map((each) => each.split(" ")[0])).toEqual(["list", "watch"]);
    expect(sets[0]?.peers[0]).toEqual({ address: "ws://10.0.0.1:4100" });
    expect(problems).toEqual([]);
  });

  test("reads the token again for each request, so that a renewed one is used", async () => {
    const { fake, served } = await serve();
    const { problems, size } = run(served);
    await eventually(() => fake.watching === 1);
    writeFileSync(join(served.directory, "token"), "token-2");
    fake.tokens.set("token-2", "system:serviceaccount:shop:default");
    fake.tokens.delete("token-1");
    fake.cut();
    fake.put(slice(4));
    await eventually(() => size() === 4);
    expect(problems.map(({ code }) => code)).toEqual(["ERR_KUBERNETES_UNAVAILABLE"]);
  });

  test("a token that is not accepted is told, and never shown", async () => {
    const { fake, served } = await serve();
    fake.tokens.clear();
    const { problems } = run(served);
    await eventually(() => problems.length > 0);
    expect(problems[0]?.code).toBe("ERR_KUBERNETES_UNAUTHORIZED");
    expect(JSON.stringify(problems) + String(problems[0]?.message)).not.toContain("token-1");
  });

  test("a server of another authority gets no token", async () => {
    const [{ served }, elsewhere] = [await serve(), await serve({ names: "DNS:elsewhere" })];
    const { problems } = run(served, { caFile: join(elsewhere.served.directory, "ca.crt") });
    await eventually(() => problems.length > 0);
    expect(problems[0]?.message).toMatch(/its certificate|its CA/);
    const { problems: byName } = run(elsewhere.served);
    await eventually(() => byName.length > 0);
    expect(byName[0]?.message).toContain("its certificate is for another name");
  });

  test("a server at an IPv6 address is reached", async () => {
    const { served } = await serve({ host: "::1" });
    const { size } = run(served);
    await eventually(() => size() === 2);
  });

  test("the end leaves no connection, also while a request hangs", async () => {
    const { fake, served } = await serve();
    const first = run(served);
    await eventually(() => fake.watching === 1);
    await first.stop();
    await eventually(() => served.connections() === 0);
    fake.fail({ type: "hang" });
    const second = run(served);
    await eventually(() => served.connections() === 1);
    await second.stop();
    await eventually(() => served.connections() === 0);
  });

  test("the strategy that users make asks the same server", async () => {
    const { fake, served } = await serve();
    const abort = new AbortController();
    const { server, directory: serviceAccountDirectory } = served;
    const strategy = kubernetes({ server, serviceAccountDirectory, service: "shop" });
    const context = discoveryContext({ signal: abort.signal, clock: nodeClock() });
    for await (const { source, peers } of strategy.discover(context)) {
      expect([source, peers.length]).toEqual(["kubernetes", 2]);
      abort.abort();
    }
    expect(fake.requests[0]).toContain("kubernetes.io%2Fservice-name%3Dshop");
  });
});
