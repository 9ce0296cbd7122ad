/** Real sockets without privileges: multicast over the loopback interface of this machine. */
import { networkInterfaces } from "node:os";
import { afterEach, expect, test } from "@jest/globals";
import { createNodeId, nodeClock, nodeRandom, type DiscoveryStrategy } from "@foundation/core";
import { discoveryContext } from "@foundation/core/testing";
import { leakCheck } from "@foundation/testkit";
import { gossip } from "../../../src/gossip/gossip.js";
import { mdns } from "../../../src/mdns/mdns.js";
import { eventually } from "../../support/lan-machines.js";

const loopback = Object.entries(networkInterfaces()).find(([, addresses]) =>
  addresses?.some(({ internal, family }) => internal && family === "IPv4"),
)?.[0];
const interfaces = [loopback ?? "lo"];
const running: { stop(): Promise<void> }[] = [];
/** Other runs of this test on this machine are another cluster. */
const secrets = [`a secret of process ${process.pid}`];

afterEach(async () => {
  await Promise.all(running.splice(0).map((each) => each.stop()));
});

function start(strategy: DiscoveryStrategy, port: number) {
  const abort = new AbortController();
  const address = `ws://127.0.0.1:${port}`;
  const node = { address, peers: [] as readonly string[], codes: [] as string[], stop };
  const random = nodeRandom();
  const context = discoveryContext({
    ...{ clock: nodeClock(), random, secrets, signal: abort.signal },
    self: { id: createNodeId(random), address, name: address },
    report: ({ code }) => node.codes.push(code),
  });
  const ended = (async () => {
    for await (const { peers } of strategy.discover(context)) {
      node.peers = peers.map((peer) => peer.address);
    }
  })();
  function stop(): Promise<void> {
    abort.abort();
    return ended;
  }
  running.push(node);
  return node;
}

test.each([
  ["gossip", () => gossip({ interfaces, port: 45_893 })],
  ["gossip by broadcast", () => gossip({ interfaces, port: 45_894, broadcast: true })],
  ["mdns", () => mdns({ interfaces })],
])("%s finds nodes of this machine over loopback, and closes every socket", async (_, make) => {
  const leaks = leakCheck();
  const [a, b] = [start(make(), 4_101), start(make(), 4_102)];
  await eventually("they meet", () => a.peers.join() === b.address && b.peers.join() === a.address);
  await b.stop();
  await eventually("the goodbye is heard", () => a.peers.length === 0);
  await a.stop();
  await leaks.assertNone();
  // Other runs of this test may be heard; nothing else may be wrong.
  expect([...a.codes, ...b.codes].filter((code) => code !== "ERR_LAN_STRANGER")).toEqual([]);
});
