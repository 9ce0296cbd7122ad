import { afterEach, describe, expect, test } from "@jest/globals";
import type { DiscoveryStep, FoundationError, PeerSet } from "@foundation/core";
import { discoveryContext, virtualClock } from "@foundation/core/testing";
import type { DnsResolver } from "../../../src/dns/dns-resolver.js";
import { dnsTroubleOf } from "../../../src/protocol/dns/trouble.js";
import { dns, type DnsOptions } from "../../../src/strategies/dns.js";

type Answers = Record<string, readonly unknown[] | string>;

/** Answers from a table, `A name` to records or to an error's code; what is not in it does not exist. */
function resolverOf(answers: Answers) {
  const asked: string[] = [];
  const ask = async (question: string): Promise<never> => {
    asked.push(question);
    const answer = answers[question] ?? "ENOTFOUND";
    if (typeof answer === "string") throw Object.assign(new Error(answer), { code: answer });
    return answer as never;
  };
  const resolver: DnsResolver = {
    resolve4: (name) => ask(`A ${name}`),
    resolve6: (name) => ask(`AAAA ${name}`),
    resolveSrv: (name) => ask(`SRV ${name}`),
  };
  return { resolver, asked };
}

async function runFor(ms: number, answers: Answers, options: DnsOptions, own?: string) {
  const clock = virtualClock();
  const abort = new AbortController();
  const { resolver, asked } = resolverOf(answers);
  const sets: PeerSet[] = [];
  const problems: FoundationError[] = [];
  const steps: DiscoveryStep[] = [];
  const context = discoveryContext({
    clock,
    signal: abort.signal,
    report: (problem) => problems.push(problem),
    trace: (step) => steps.push(step),
  });
  const self = { ...context.self, address: own ?? "ws://10.0.0.9:4100" };
  const strategy = dns({ resolver, search: [], ...options });
  const ended = (async () => {
    for await (const set of strategy.discover({ ...context, self })) sets.push(set);
  })();
  // The implementation is loaded when it is used, which takes turns of the event loop and no virtual time.
  while (steps.length === 0 && problems.length === 0) await clock.advance(0);
  await clock.advance(0);
  for (let passed = 0; passed < ms; passed += 100) await clock.advance(100);
  abort.abort();
  await clock.run(ended);
  const addresses = sets.at(-1)?.peers.map(({ address }) => address);
  return { addresses, asked, problems, sets, steps };
}

/** The same answers, but after the first time this question has that one. */
function changingLater(answers: Answers, question: string, later: Answers[string]): Answers {
  let times = 0;
  return new Proxy(answers, {
    get: (target, name: string) => (name === question && times++ > 0 ? later : target[name]),
  }) as Answers;
}

const at = (address: string, ttl = 60) => ({ address, ttl });

describe("dns", () => {
  test("takes the scheme and the port of this node where the records say none", async () => {
    const answers = { "A app.test": [at("10.0.0.1")], "AAAA app.test": "ENODATA" };
    const { addresses, problems } = await runFor(0, answers, { query: "app.test." }, "wss://me:7");
    expect(addresses).toEqual(["wss://10.0.0.1:7"]);
    expect(problems).toEqual([]);
  });

  test("one family that cannot be asked makes the answer a partial one", async () => {
    const answers = { "A app.test": [at("10.0.0.1")], "AAAA app.test": "ETIMEOUT" };
    const { addresses, problems } = await runFor(0, answers, { query: "app.test." });
    expect(addresses).toEqual(["ws://10.0.0.1:4100"]);
    expect(problems[0]?.code).toBe("ERR_DISCOVERY_PARTIAL");
    expect(problems[0]?.message).toContain("AAAA app.test: the name server did not answer in time");
  });

  test("a target's two families are one node, reached as this node is", async () => {
    const answers = {
      "SRV _app._tcp.test": [{ name: "n1.test", port: 1 }],
      "A n1.test": [at("10.0.0.1")],
      "AAAA n1.test": [at("fd00::1")],
    };
    const query = "_app._tcp.test.";
    expect((await runFor(0, answers, { query })).addresses).toEqual(["ws://10.0.0.1:1"]);
    const six = await runFor(0, answers, { query }, "ws://[fd00::9]:1");
    expect(six.addresses).toEqual(["ws://[fd00::1]:1"]);
  });

  test("a target whose family is away for now keeps its address, however long", async () => {
    const answers: Answers = {
      "SRV _app._tcp.test": [{ name: "n1.test", port: 1 }],
      "A n1.test": [at("10.0.0.1", 1)],
      "AAAA n1.test": [at("fd00::1", 1)],
    };
    const away = changingLater(answers, "A n1.test", "ETIMEOUT");
    const query = "_app._tcp.test.";
    const { addresses, problems } = await runFor(120_000, away, { query });
    expect(addresses).toContain("ws://10.0.0.1:1");
    expect(problems[0]?.message).toContain("A n1.test: the name server did not answer in time");
  });

  test("a name without records names nobody, which is no failure", async () => {
    const answers = { "A app.test": "ENODATA", "AAAA app.test": "ENODATA" };
    const { addresses, problems } = await runFor(0, answers, { query: "app.test." });
    expect(addresses).toEqual([]);
    expect(problems).toEqual([]);
  });

  test("a server that is out of order ends the search: a longer name proves nothing then", async () => {
    const answers = { "A app.a.test": "ESERVFAIL", "AAAA app.a.test": "ENODATA" };
    const options = { query: "app", search: ["a.test", "b.test"] };
    const { asked, problems } = await runFor(0, answers, options);
    expect(asked).toEqual(["A app.a.test", "AAAA app.a.test"]);
    expect(problems[0]?.message).toContain("SERVFAIL");
  });

  test("of several names those that answer count, and the others make it partial", async () => {
    const answers = { "A a.test": [at("10.0.0.1")], "A b.test": "EREFUSED" };
    const query = ["a.test.", "b.test."];
    const { addresses, problems } = await runFor(0, answers, { query, type: "A" });
    expect(addresses).toEqual(["ws://10.0.0.1:4100"]);
    expect(problems[0]).toMatchObject({ code: "ERR_DISCOVERY_PARTIAL" });
  });

  test("asks again when the records run out, within its bounds", async () => {
    const asks = async (ttl: number, options: DnsOptions) => {
      const answers = { "A app.test": [at("10.0.0.1", ttl)] };
      const found = await runFor(60_000, answers, { query: "app.test.", type: "A", ...options });
      return found.asked.length;
    };
    const [short, fitting, long] = [
      await asks(0, { interval: "5s" }),
      await asks(10, { interval: "5s" }),
      await asks(86_400, { interval: "5s", maxInterval: "20s" }),
    ];
    expect(short).toBeGreaterThanOrEqual(10);
    expect(short).toBeLessThanOrEqual(13);
    expect(fitting).toBeGreaterThanOrEqual(5);
    expect(fitting).toBeLessThanOrEqual(7);
    expect(long).toBeGreaterThanOrEqual(3);
    expect(long).toBeLessThanOrEqual(4);
  });

  test("every question and its answer is traced", async () => {
    const answers = { "A app.test": [at("10.0.0.1")], "AAAA app.test": "ENODATA" };
    const { steps } = await runFor(0, answers, { query: "app.test." });
    expect(steps.map(({ tried, answer }) => `${tried}: ${answer}`)).toEqual([
      "A app.test: 1 records",
      "AAAA app.test: the name is there, without records of this type",
      "A+AAAA app.test.: 1 peers",
    ]);
  });

  test.each([
    [{ query: "not a name" }, "dns.query"],
    [{ query: [] }, "dns.query"],
    [{ query: "a.test", type: "MX" }, "dns.type"],
    [{ query: "a.test", port: 0 }, "dns.port"],
    [{ query: "a.test", servers: ["ns.test"] }, "dns.servers"],
    [{ query: "a.test", interval: "10s", maxInterval: "5s" }, "dns.maxInterval"],
    [{ query: "a.test", interval: 0 }, "dns.interval"],
  ])("the options %j are refused, naming %s", (options, argument) => {
    expect(() => dns(options as unknown as DnsOptions)).toThrow(
      expect.objectContaining({
        code: "ERR_INVALID_ARGUMENT",
        details: expect.objectContaining({ argument }),
      }),
    );
  });
});

describe("dns without a query", () => {
  const names = ["FOUNDATION_DNS_SRV", "FOUNDATION_DNS_SERVICE"] as const;
  afterEach(() => {
    for (const name of names) delete process.env[name];
  });

  test("asks what the environment names, and says what to set when it names nothing", async () => {
    process.env["FOUNDATION_DNS_SERVICE"] = "app.test.";
    const answers = { "A app.test": [at("10.0.0.1")] };
    expect((await runFor(0, answers, {})).addresses).toEqual(["ws://10.0.0.1:4100"]);
    process.env["FOUNDATION_DNS_SRV"] = "app.test.";
    const srv = { ...answers, "SRV app.test": [{ name: "app.test", port: 7 }] };
    expect((await runFor(0, srv, {})).addresses).toEqual(["ws://10.0.0.1:7"]);
    for (const name of names) delete process.env[name];
    const looking = dns().discover(discoveryContext())[Symbol.asyncIterator]();
    await expect(looking.next()).rejects.toThrow(/FOUNDATION_DNS_SRV/);
  });
});

describe("a resolver's error", () => {
  test.each([
    ["ENOTFOUND", "no-name"],
    ["ENODATA", "no-records"],
    ["EREFUSED", "refused"],
    ["ESERVFAIL", "failed"],
    ["ETIMEOUT", "failed"],
    ["EWHATEVER", "failed"],
  ])("%s is %s", (code, kind) => {
    const { kind: found, words } = dnsTroubleOf(Object.assign(new Error("x"), { code }));
    expect(found).toBe(kind);
    expect(words.length).toBeGreaterThan(5);
  });
});
