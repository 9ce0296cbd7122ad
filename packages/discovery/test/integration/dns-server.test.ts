/** `dns` and a real name server, whose zone changes while the strategy runs. */
import { describe, expect } from "@jest/globals";
import { nodeClock, type FoundationError, type PeerSet } from "@foundation/core";
import { discoveryContext } from "@foundation/core/testing";
import { requires } from "@foundation-tooling/jest";
import { eventually } from "@foundation/testkit";
import { dns, type DnsOptions } from "../../src/strategies/dns.js";
import { hasNsd, startNsd, type NsdServer } from "../backends/nsd-server.js";

const nsd = await requires("nsd, a name server", hasNsd);
const FAST = { interval: "50ms", maxInterval: "100ms" } as const;
const WITHIN = { within: "20s", every: "10ms" } as const;

/** Runs the strategy against the server until the block ends. */
function run(server: NsdServer, options: DnsOptions) {
  const abort = new AbortController();
  const sets: PeerSet[] = [];
  const problems: FoundationError[] = [];
  const context = discoveryContext({
    clock: nodeClock(),
    signal: abort.signal,
    report: (problem) => problems.push(problem),
  });
  const strategy = dns({ ...FAST, servers: [server.server], port: 4100, ...options });
  const ended = (async () => {
    for await (const set of strategy.discover(context)) sets.push(set);
  })();
  const offered = () => sets.at(-1)?.peers.map(({ address }) => address);
  return {
    problems,
    offered,
    offers: (...addresses: string[]) =>
      eventually(() => expect(offered()).toEqual(addresses.sort()), WITHIN),
    [Symbol.asyncDispose]: async () => {
      abort.abort();
      await ended;
    },
  };
}

describe("dns against a real name server", () => {
  nsd.test("both families are found; who joins is seen, and who leaves", async () => {
    await using server = await startNsd();
    await server.publish(["app IN A 10.0.0.1", "app IN A 10.0.0.2", "app IN AAAA fd00::3"]);
    await using found = run(server, { query: "app.nodes.test." });
    await found.offers("ws://10.0.0.1:4100", "ws://10.0.0.2:4100", "ws://[fd00::3]:4100");
    await server.publish(["app IN A 10.0.0.1", "app IN A 10.0.0.4"]);
    await found.offers("ws://10.0.0.1:4100", "ws://10.0.0.4:4100");
    expect(found.problems).toEqual([]);
  });

  nsd.test("a service's targets are found at their own ports, or by name", async () => {
    await using server = await startNsd();
    await server.publish([
      "_app._tcp IN SRV 10 5 4101 n1",
      "_app._tcp IN SRV 10 5 4102 n2",
      "n1 IN A 10.0.0.1",
      "n1 IN AAAA fd00::1",
      "n2 IN AAAA fd00::2",
    ]);
    const query = "_app._tcp.nodes.test";
    await using byAddress = run(server, { query });
    await byAddress.offers("ws://10.0.0.1:4101", "ws://[fd00::2]:4102");
    await using byName = run(server, { query, targets: "name" });
    await byName.offers("ws://n1.nodes.test:4101", "ws://n2.nodes.test:4102");
  });

  nsd.test("a target without an address makes the answer a partial one", async () => {
    await using server = await startNsd();
    const targets = ["_app._tcp IN SRV 1 1 4101 n1", "_app._tcp IN SRV 1 1 4102 n2"];
    await server.publish([...targets, "n1 IN A 10.0.0.1", "n2 IN A 10.0.0.2"]);
    await using found = run(server, { query: "_app._tcp.nodes.test." });
    await found.offers("ws://10.0.0.1:4101", "ws://10.0.0.2:4102");
    await server.publish([...targets, "n1 IN A 10.0.0.1", "n3 IN A 10.0.0.3"]);
    await eventually(() => expect(found.problems.length).toBeGreaterThan(4), WITHIN);
    expect(found.problems[0]).toMatchObject({ code: "ERR_DISCOVERY_PARTIAL" });
    expect(found.problems[0]?.message).toContain("n2.nodes.test");
    expect(found.offered()).toEqual(["ws://10.0.0.1:4101", "ws://10.0.0.2:4102"]);
  });

  nsd.test("a short name is found by the search list", async () => {
    await using server = await startNsd();
    await server.publish(["app.shop IN A 10.0.0.1"]);
    const search = ["other.nodes.test", "shop.nodes.test", "nodes.test"];
    await using found = run(server, { query: "app", search });
    await found.offers("ws://10.0.0.1:4100");
  });

  nsd.test("an answer too large for a datagram comes by TCP, whole", async () => {
    await using server = await startNsd();
    const hosts = Array.from({ length: 200 }, (_, i) => `10.1.${i >> 6}.${(i & 63) + 1}`);
    await server.publish(hosts.map((host) => `app IN A ${host}`));
    await using found = run(server, { query: "app.nodes.test.", type: "A" });
    await found.offers(...hosts.map((host) => `ws://${host}:4100`));
    expect(found.problems).toEqual([]);
  });

  nsd.test("no such name, a refusal and a server that is gone are told apart", async () => {
    await using server = await startNsd();
    await server.publish(["app IN A 10.0.0.1"]);
    await using found = run(server, { query: "app.nodes.test." });
    await found.offers("ws://10.0.0.1:4100");
    await using refused = run(server, { query: "app.elsewhere.test." });
    const firstOf = (problems: readonly FoundationError[], part: string) =>
      eventually(() => expect(problems[0]?.message).toContain(part), WITHIN);
    await firstOf(refused.problems, "REFUSED");
    expect(refused.problems[0]?.code).toBe("ERR_LOOKUP_REFUSED");
    await server.publish([]);
    await firstOf(found.problems, "NXDOMAIN");
    found.problems.length = 0;
    await server.stop();
    await eventually(
      () => expect(found.problems.map(({ message }) => message).join()).toContain("ECONNREFUSED"),
      WITHIN,
    );
    expect(found.offered()).toEqual(["ws://10.0.0.1:4100"]);
    await server.write(["app IN A 10.0.0.1", "app IN A 10.0.0.2"]);
    await server.start();
    await found.offers("ws://10.0.0.1:4100", "ws://10.0.0.2:4100");
  });
});
