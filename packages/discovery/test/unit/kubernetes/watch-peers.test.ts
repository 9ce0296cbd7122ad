import { describe, expect, test } from "@jest/globals";
import type { DiscoveryStep, FoundationError, PeerSet } from "@foundation/core";
import { discoveryContext, recordingLogger, virtualClock } from "@foundation/core/testing";
import type { KubernetesOptions } from "../../../src/kubernetes/kubernetes.js";
import { watchPeers } from "../../../src/kubernetes/watch-peers.js";
import { FakeKubernetes } from "../../kubernetes/fake-kubernetes.js";
import { endpointSlice, podObject, type FakePod } from "../../kubernetes/fake-objects.js";
import { connectTo, IN_MEMORY } from "../../kubernetes/in-memory.js";

const pod = (n: number, more: Partial<FakePod> = {}): FakePod => ({
  name: `shop-${n}`,
  ips: [`10.0.0.${n}`],
  ...more,
});
const pods = (count: number) => [...Array(count).keys()].map((i) => pod(i + 1));
const slice = (list: readonly FakePod[], more: object = {}) =>
  endpointSlice({ service: "shop", ...more }, list);

interface Started {
  readonly options?: KubernetesOptions;
  readonly self?: string;
  readonly cluster?: string;
  readonly environment?: Readonly<Record<string, string>>;
  /** Before the strategy starts. */
  readonly prepare?: (fake: FakeKubernetes) => void;
}

function start({ options, self = "ws://10.0.0.99:4100", ...more }: Started = {}) {
  const clock = virtualClock();
  const fake = new FakeKubernetes({ clock });
  more.prepare?.(fake);
  const abort = new AbortController();
  const sets: PeerSet[] = [];
  const problems: FoundationError[] = [];
  const steps: DiscoveryStep[] = [];
  const { self: own } = discoveryContext();
  const logger = recordingLogger();
  const context = discoveryContext({
    cluster: more.cluster ?? "shop",
    self: { ...own, address: self },
    signal: abort.signal,
    clock,
    logger,
    report: (problem) => problems.push(problem),
    trace: (step) => steps.push(step),
  });
  const world = { environment: more.environment ?? {}, connect: connectTo(fake) };
  const ended = (async () => {
    for await (const set of watchPeers({ ...IN_MEMORY, ...options }, context, world))
      sets.push(set);
  })();
  const stop = async () => {
    abort.abort();
    await clock.run(ended);
    expect(clock.pendingTimers).toBe(0);
    expect(fake.watching).toBe(0);
  };
  const addresses = () =>
    sets.at(-1)?.peers.map((each) => (each.draining ? `${each.address} draining` : each.address));
  return { clock, fake, logger, sets, problems, steps, stop, addresses, ended };
}

describe("watching the peers of a service", () => {
  test("several slices of one service are one set, in which no pod stands twice", async () => {
    const { clock, fake, addresses, stop } = start({
      prepare: (fake) => {
        fake.put(slice(pods(2), { name: "shop-1" }));
        fake.put(slice([pod(2), pod(3)], { name: "shop-2" }));
        fake.put(endpointSlice({ service: "other" }, [pod(9)]));
      },
    });
    await clock.settle();
    expect(addresses()).toEqual([1, 2, 3].map((n) => `ws://10.0.0.${n}:4100`));
    fake.put(slice([pod(3)], { name: "shop-2" }));
    await clock.settle();
    expect(addresses()).toHaveLength(3);
    fake.put(slice([pod(1)], { name: "shop-1" }));
    await clock.settle();
    expect(addresses()).toEqual([1, 3].map((n) => `ws://10.0.0.${n}:4100`));
    await stop();
  });

  test.each([
    ["ws://10.0.0.99:4100", undefined, "ws://10.0.0.1:4100"],
    ["ws://[fd00::99]:4100", undefined, "ws://[fd00::1]:4100"],
    ["ws://10.0.0.99:4100", "IPv6", "ws://[fd00::1]:4100"],
  ] as const)(
    "%s with ipFamily %p sees a dual-stack pod at %s",
    async (self, ipFamily, expected) => {
      const dual = [pod(1, { ips: ["10.0.0.1", "fd00::1"] })];
      const { clock, addresses, stop } = start({
        self,
        options: ipFamily === undefined ? {} : { ipFamily },
        prepare: (fake) => {
          fake.put(slice(dual, { name: "shop-4" }));
          fake.put(slice(dual, { name: "shop-6", addressType: "IPv6" }));
        },
      });
      await clock.settle();
      expect(addresses()).toEqual([expected]);
      await stop();
    },
  );

  test("a pod that terminates is draining until it is gone", async () => {
    const { clock, fake, addresses, stop } = start({ prepare: (fake) => fake.put(slice(pods(2))) });
    await clock.settle();
    fake.put(slice([pod(1), pod(2, { terminating: true })]));
    await clock.settle();
    expect(addresses()).toEqual(["ws://10.0.0.1:4100", "ws://10.0.0.2:4100 draining"]);
    fake.put(slice([pod(1)]));
    await clock.settle();
    expect(addresses()).toEqual(["ws://10.0.0.1:4100"]);
    await stop();
  });

  test("this node is no peer, and that it is alone is not taken for an empty answer", async () => {
    const { clock, fake, addresses, problems, stop } = start({
      prepare: (fake) => fake.put(slice([pod(1), pod(99)])),
    });
    await clock.settle();
    expect(addresses()).toEqual(["ws://10.0.0.1:4100"]);
    fake.put(slice([pod(99)]));
    await clock.settle();
    expect(addresses()).toEqual([]);
    expect(problems).toEqual([]);
    await stop();
  });

  test("a service that suddenly has nobody keeps its peers, and it is reported once", async () => {
    const { clock, fake, addresses, problems, stop } = start({
      prepare: (fake) => fake.put(slice(pods(2))),
    });
    await clock.settle();
    fake.store.delete(slice([]));
    await clock.advance(1_000_000);
    expect(addresses()).toHaveLength(2);
    expect(problems.map(({ code }) => code)).toEqual(["ERR_DISCOVERY_EMPTY"]);
    fake.put(slice(pods(3)));
    await clock.settle();
    expect(addresses()).toHaveLength(3);
    await stop();
  });

  test("a burst of changes costs one set", async () => {
    const { clock, fake, sets, stop } = start({ prepare: (fake) => fake.put(slice(pods(2))) });
    await clock.settle();
    for (let n = 3; n <= 50; n += 1) fake.put(slice(pods(n)));
    await clock.settle();
    expect(sets.map(({ peers }) => peers.length)).toEqual([2, 50]);
    await stop();
  });

  test("a quiet hour costs a watch every few minutes, and no list", async () => {
    const { clock, fake, problems, stop } = start({ prepare: (fake) => fake.put(slice(pods(2))) });
    await clock.advance(3_600_000);
    expect(fake.requests.filter((each) => each.startsWith("list"))).toHaveLength(1);
    const watches = fake.requests.length - 1;
    expect(watches).toBeGreaterThan(8);
    expect(watches).toBeLessThan(20);
    // Each for another time, so that the watches of a thousand pods do not all end at once.
    const times = fake.requests.flatMap((each) => /timeoutSeconds=(\d+)/.exec(each)?.[1] ?? []);
    expect(new Set(times).size).toBeGreaterThan(watches / 2);
    for (const time of times) expect(Number(time)).toBeGreaterThanOrEqual(200);
    for (const time of times) expect(Number(time)).toBeLessThanOrEqual(400);
    expect(problems).toEqual([]);
    await stop();
  });

  test("a history that was cut off is listed again, without a word to people", async () => {
    const { clock, fake, addresses, problems, stop } = start({
      prepare: (fake) => fake.put(slice(pods(2))),
    });
    await clock.settle();
    fake.put(endpointSlice({ service: "other" }, []));
    fake.cut();
    fake.put(slice(pods(3)));
    fake.store.compact();
    await clock.advance(2_000);
    expect(addresses()).toHaveLength(3);
    expect(problems.map(({ code }) => code)).toEqual(["ERR_KUBERNETES_UNAVAILABLE"]);
    expect(fake.requests.filter((each) => each.startsWith("list"))).toHaveLength(2);
    await stop();
  });
});

describe("what is asked for", () => {
  const asked = async (started: Started) => {
    const { clock, fake, stop } = start(started);
    await clock.settle();
    await stop();
    return fake.requests
      .filter((each) => each.startsWith("list"))
      .map((each) => decodeURIComponent(each.slice(5).replace(/&limit=.*/, "")));
  };
  const SLICES = "/apis/discovery.k8s.io/v1/namespaces/shop/endpointslices?labelSelector=";

  test.each<[string, Started, string]>([
    ["the cluster's name", {}, "kubernetes.io/service-name=shop"],
    ["the service", { options: { service: "web" } }, "kubernetes.io/service-name=web"],
    [
      "the service of the environment",
      { environment: { FOUNDATION_KUBERNETES_SERVICE: "env" } },
      "kubernetes.io/service-name=env",
    ],
    ["a selector alone", { options: { selector: "app=a" } }, "app=a"],
    [
      "a selector of the environment",
      { environment: { FOUNDATION_KUBERNETES_SELECTOR: "app=b" } },
      "app=b",
    ],
    [
      "both",
      { options: { selector: "app=a", service: "web" } },
      "kubernetes.io/service-name=web,app=a",
    ],
  ])("endpoints are chosen by %s", async (_, started, selector) => {
    expect(await asked(started)).toEqual([SLICES + selector]);
  });

  test("pods are chosen by their labels", async () => {
    const options = { resource: "pods" } as const;
    expect(await asked({ options })).toEqual([
      "/api/v1/namespaces/shop/pods?labelSelector=app.kubernetes.io/name=shop",
    ]);
    expect(await asked({ options: { ...options, selector: "app in (a,b)" } })).toEqual([
      "/api/v1/namespaces/shop/pods?labelSelector=app+in+(a,b)",
    ]);
  });

  test("pods are found as slices are", async () => {
    const { clock, addresses, stop } = start({
      options: { resource: "pods", selector: "app=shop" },
      prepare: (fake) => {
        for (const each of pods(3)) fake.put(podObject({ ...each, labels: { app: "shop" } }));
        fake.put(podObject(pod(9)));
      },
    });
    await clock.settle();
    expect(addresses()).toEqual([1, 2, 3].map((n) => `ws://10.0.0.${n}:4100`));
    await stop();
  });

  test("a cluster's name that cannot be a service's is told at the start, with what to give", async () => {
    const { clock, ended } = start({ cluster: "@acme/shop" });
    const error = await clock.run(
      ended.then(
        () => undefined,
        (thrown: unknown) => thrown,
      ),
    );
    expect(error).toMatchObject({
      code: "ERR_KUBERNETES_SETTING",
      message: expect.stringContaining("FOUNDATION_KUBERNETES_SERVICE"),
    });
  });
});

test.each([
  [{ CLUSTER_DOMAIN: ".k8s.example." }, {}, "k8s.example"],
  [{ CLUSTER_DOMAIN: "" }, {}, "cluster.local"],
  [{ CLUSTER_DOMAIN: "a.example" }, { clusterDomain: "b.example" }, "b.example"],
] as const)("the domain is that of the option or of the environment: %j %j", async (...given) => {
  const [environment, options, domain] = given;
  const { clock, addresses, stop } = start({
    environment,
    options: { ...options, mode: "hostname" },
    prepare: (fake) => fake.put(slice([pod(1, { hostname: "one" })])),
  });
  await clock.settle();
  expect(addresses()).toEqual([`ws://one.shop.shop.svc.${domain}:4100`]);
  await stop();
});

describe("several namespaces", () => {
  const inNamespace = (namespace: string, list: readonly FakePod[]) =>
    endpointSlice({ service: "shop", namespace }, list);
  const prepare = (fake: FakeKubernetes) => {
    fake.put(inNamespace("shop", [pod(1)]));
    fake.put(inNamespace("beta", [pod(2)]));
    fake.put(inNamespace("gamma", [pod(3)]));
  };

  test("are one set, which comes when all of them have answered", async () => {
    const { clock, sets, stop } = start({ options: { namespace: ["shop", "beta"] }, prepare });
    await clock.settle();
    expect(sets.map(({ peers }) => peers.length)).toEqual([2]);
    await stop();
  });

  test("one that hangs hides the others' peers for a moment only", async () => {
    const { clock, fake, sets, stop } = start({
      options: { namespace: ["shop", "beta"] },
      prepare: (fake) => {
        prepare(fake);
        fake.silent.add("beta");
      },
    });
    await clock.advance(1_999);
    expect(sets).toEqual([]);
    await clock.advance(1);
    expect(sets.map(({ peers }) => peers.length)).toEqual([1]);
    fake.silent.clear();
    await clock.advance(20_000);
    expect(sets.map(({ peers }) => peers.length)).toEqual([1, 2]);
    await stop();
  });

  test("all of them are one list and one watch", async () => {
    const { clock, fake, addresses, stop } = start({ options: { namespace: "*" }, prepare });
    await clock.settle();
    expect(addresses()).toHaveLength(3);
    expect(fake.requests).toHaveLength(2);
    expect(fake.requests[0]).toContain("list /apis/discovery.k8s.io/v1/endpointslices?");
    await stop();
  });

  test("one that is forbidden does not hold up the others, and the rule to apply is told", async () => {
    const { clock, addresses, problems, stop } = start({
      options: { namespace: ["shop", "beta"] },
      prepare: (fake) => {
        prepare(fake);
        fake.forbidden.add("list endpointslices beta");
      },
    });
    await clock.settle();
    expect(addresses()).toEqual(["ws://10.0.0.1:4100"]);
    expect(problems[0]).toMatchObject({
      code: "ERR_KUBERNETES_FORBIDDEN",
      details: {
        verb: "list",
        resource: "endpointslices",
        namespace: "beta",
        serviceAccount: "system:serviceaccount:shop:default",
      },
    });
    expect(problems[0]?.message).toContain("kind: RoleBinding");
    await stop();
  });
});

describe("what is told", () => {
  test("each request is traced with its answer, and never with the token", async () => {
    const { clock, steps, stop } = start({
      prepare: (fake) => fake.put(slice([...pods(2), pod(3, { ready: false })])),
    });
    await clock.settle();
    expect(steps.map(({ answer }) => answer)).toEqual([
      "200, 1 objects with 2 endpoints, and 1 that are not ready and not offered",
      "200, watching",
    ]);
    expect(steps[0]?.tried).toContain("list /apis/discovery.k8s.io/v1/namespaces/shop");
    expect(JSON.stringify(steps)).not.toContain("token-1");
    await stop();
  });

  test("that nothing fits is said once, with what was looked for", async () => {
    const { clock, logger, stop, problems, addresses } = start();
    await clock.advance(1_000_000);
    expect(addresses()).toEqual([]);
    expect(problems).toEqual([]);
    expect(logger.lines).toMatchObject([
      {
        level: "info",
        fields: {
          what: 'endpointslices in "shop"',
          labelSelector: "kubernetes.io/service-name=shop",
        },
      },
    ]);
    await stop();
  });

  test.each([
    ["no-port", { port: "mesh" }, 'no TCP port named "mesh"'],
    ["no host name", { mode: "hostname" }, "StatefulSet"],
  ] as const)("%s is told with what to change", async (_, options, text) => {
    const { clock, problems, addresses, stop } = start({
      options,
      prepare: (fake) => fake.put(slice(pods(2))),
    });
    await clock.settle();
    expect(problems.map(({ code }) => code)).toEqual(["ERR_KUBERNETES_ENDPOINT"]);
    expect(problems[0]?.message).toContain(text);
    expect(addresses()).toEqual([]);
    await stop();
  });
});
