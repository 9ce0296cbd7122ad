/** Pods of a service, as far as one machine has them: three nodes at three loopback addresses and an API server over HTTPS. */
import { createServer, type AddressInfo } from "node:net";
import { afterEach, describe, expect, test } from "@jest/globals";
import { nodeClock } from "@foundation/core";
import { kubernetes, type Cluster } from "@foundation/foundation";
import { eventually } from "@foundation/testkit";
import { FakeKubernetes } from "../../../../packages/discovery/test/kubernetes/fake-kubernetes.js";
import {
  endpointSlice,
  type FakePod,
} from "../../../../packages/discovery/test/kubernetes/fake-objects.js";
import {
  serveFakeKubernetes,
  type ServedKubernetes,
} from "../../../../packages/discovery/test/kubernetes/serve-fake.js";
import { startNode } from "../../support/clusters.js";

const SERVICE = "shop";
let served: ServedKubernetes | undefined;
afterEach(async () => {
  await served?.close();
  served = undefined;
});

/** The API server, what its controllers do when pods come and go, and the pods' own clusters. */
async function kubernetesWorld() {
  const fake = new FakeKubernetes({ clock: nodeClock() });
  served = await serveFakeKubernetes(fake);
  const { server, directory: serviceAccountDirectory } = served;
  const port = await freePort();
  const pods = new Map<number, FakePod>();
  const publish = (): void => {
    const list = [...pods.values()];
    fake.put(endpointSlice({ service: SERVICE, ports: { foundation: port } }, list));
  };
  const start = async (n: number): Promise<Cluster> => {
    const host = `127.0.0.${n + 1}`;
    pods.set(n, { name: `shop-${n}`, ips: [host] });
    publish();
    const { cluster } = await startNode({
      name: SERVICE,
      node: { name: `shop-${n}` },
      cluster: kubernetes({ server, serviceAccountDirectory }),
      overlay: { host, port },
      security: { secret: "a secret of this test, long enough for everybody" },
    });
    return cluster;
  };
  const change = (n: number, pod: Partial<FakePod> | undefined): void => {
    const before = pods.get(n);
    if (pod === undefined || before === undefined) pods.delete(n);
    else pods.set(n, { ...before, ...pod });
    publish();
  };
  return { fake, start, change };
}

/** One that is free at 127.0.0.1: most likely at its neighbours, too. */
async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

describe("a cluster on Kubernetes", () => {
  test("forms of three pods, outlives its API server, and lets one go", async () => {
    const { fake, start, change } = await kubernetesWorld();
    const nodes = [await start(1), await start(2)];
    await nodes[0]!.ready({ nodes: 2, timeout: "10s" });
    nodes.push(await start(3));
    for (const node of nodes) await node.ready({ nodes: 3, timeout: "10s" });
    expect(nodes[0]!.info().strategy).toBe("kubernetes");

    fake.fail({ type: "empty" });
    await eventually(() => fake.requests.filter((each) => each.startsWith("list")).length > 5);
    fake.fail({ type: "cut" });
    for (const node of nodes) expect(node.nodes()).toHaveLength(3);
    fake.fail(undefined);

    change(3, { terminating: true });
    await nodes[2]!.leave();
    change(3, undefined);
    await eventually(() => nodes[0]!.nodes().length === 2);
  }, 60_000);
});
