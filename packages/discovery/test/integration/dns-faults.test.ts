/** `dns` and answers that real servers hardly give on demand: cut ones, with and without the way to the whole. */
import { describe, expect, test } from "@jest/globals";
import type { FoundationError, PeerSet } from "@foundation/core";
import { discoveryContext, virtualClock } from "@foundation/core/testing";
import { socketTime, until } from "@foundation/testkit";
import { dns } from "../../src/strategies/dns.js";
import { fakeDns } from "../backends/fake-dns.js";

async function world() {
  const server = await fakeDns();
  server.records = ["10.0.0.1", "10.0.0.2"].map((data) => {
    return { name: "app.test", type: "A", ttl: 1, data };
  });
  const time = socketTime(virtualClock());
  const abort = new AbortController();
  const sets: PeerSet[] = [];
  const problems: FoundationError[] = [];
  const context = discoveryContext({
    clock: time.clock,
    signal: abort.signal,
    report: (problem) => problems.push(problem),
  });
  const options = { query: "app.test.", type: "A", interval: "1s", port: 1 } as const;
  const strategy = dns({ ...options, servers: [server.server] });
  const run = (): Promise<void> =>
    (async () => {
      for await (const set of strategy.discover(context)) sets.push(set);
    })();
  return { server, time, sets, problems, abort, run };
}

describe("dns", () => {
  test("asks again by TCP when a datagram was cut", async () => {
    const { server, time, sets, problems, abort, run } = await world();
    server.fault = "cut";
    const ended = run();
    await until(time, "both are found", () => sets.at(-1)?.peers.length === 2);
    expect(problems).toEqual([]);
    abort.abort();
    await time.wait(ended);
    await server.close();
  });

  test("takes a cut answer without a way to the whole for a failure, not for an answer", async () => {
    const { server, time, sets, problems, abort, run } = await world();
    const ended = run();
    await until(time, "both are found", () => sets.at(-1)?.peers.length === 2);
    server.fault = "cut";
    server.hasTcp = false;
    await until(time, "it is reported", () => problems.length > 0, 60_000);
    expect(problems[0]?.code).toBe("ERR_LOOKUP_FAILED");
    expect(sets).toHaveLength(1);
    abort.abort();
    await time.wait(ended);
    await server.close();
  });
});
