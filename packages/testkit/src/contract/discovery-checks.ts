/**
 * discoveryChecks: the promises of a strategy to a cluster that runs, each as code that tries it.
 *
 * They are values, so that a test runner makes tests of them and a report makes a table. Every check takes a fresh
 * backend, closes it, and then asks that nothing was left open: no socket, and no timer on a virtual clock.
 */
import assert from "node:assert/strict";
import { leakCheck } from "../leaks.js";
import { testkitLimits } from "../limits.js";
import { until } from "../time.js";
import type {
  DiscoveryBackend,
  DiscoveryBackendSetup,
  DiscoveryCheck,
  DiscoveryCheckName,
  DiscoveryFailure,
} from "./discovery-backend.js";
import { addressesOf, runDiscovery, type DiscoveryRun } from "./discovery-run.js";
import { pausesOf, watchRequests } from "./request-watch.js";

/** The checks that apply to the backend. */
export function discoveryChecks(setup: DiscoveryBackendSetup): readonly DiscoveryCheck[] {
  const canFail = setup.failures.includes("error") || setup.failures.includes("hang");
  return [
    check("finds-three", "three peers are found, at the addresses they have", findsThree),
    check("join", "a peer that joins is seen", join),
    check("leave", "a peer that leaves is seen to leave, and only that one", leave),
    ...setup.failures.map((kind) =>
      check(kind, `${FAILURES[kind]} keeps the last good set and is reported`, keepsSet(kind)),
    ),
    check("abort", "the signal ends it at once, also while a request waits for its answer", abort),
    check("pace", "it asks no more often than its options say", pace),
    ...(canFail
      ? [check("backoff", "it asks ever more rarely while it gets errors", backoff)]
      : []),
  ];
}

const FAILURES: Readonly<Record<DiscoveryFailure, string>> = {
  error: "an outage",
  forbidden: "a refusal",
  "not-found": "an answer that there is no such name",
  empty: "an empty answer",
  partial: "a partial answer",
  stale: "an answer older than the last",
  malformed: "a malformed answer",
  hang: "no answer at all",
};

type Body = (
  backend: DiscoveryBackend,
  setup: Required<DiscoveryBackendSetup>,
) => Promise<{ readonly joinMs?: number } | void>;

function check(name: DiscoveryCheckName, says: string, body: Body): DiscoveryCheck {
  return {
    name,
    says,
    run: async (given) => {
      const setup = { ...DEFAULTS, ...given };
      const leaks = leakCheck();
      const backend = await setup.create();
      let result: { readonly joinMs?: number } | void;
      try {
        result = await body(backend, setup);
      } finally {
        await backend.close();
      }
      await leaks.assertNone();
      const { clock } = backend.time;
      if ("pendingTimers" in clock) assert.equal(clock.pendingTimers, 0, "timers were left");
      return result ?? {};
    },
  };
}

const DEFAULTS = {
  addresses: ["ws://10.77.0.1:4100", "ws://10.77.0.2:4100", "ws://10.77.0.3:4100"],
  withinMs: testkitLimits.untilMs,
  failureMs: 2_000,
} as const;

const findsThree: Body = async (backend, { addresses, withinMs }) => {
  for (const address of addresses) await backend.add(address);
  const run = runDiscovery(backend);
  await untilAll(backend, run, addresses, withinMs);
  await run.stop();
  assert.deepEqual(
    run.problems.map(({ message }) => message),
    [],
    "nothing was wrong, so nothing is reported",
  );
};

const join: Body = async (backend, { addresses: [first, second, third], withinMs }) => {
  await backend.add(first);
  await backend.add(second);
  const run = runDiscovery(backend);
  await untilAll(backend, run, [first, second], withinMs);
  const { clock } = backend.time;
  const startedAtMs = clock.now();
  await backend.add(third);
  await until(backend.time, "the third is seen", () => run.knows(third), withinMs);
  const joinMs = clock.now() - startedAtMs;
  assert.deepEqual(addressesOf(run.sets.at(-1)), [first, second, third].sort());
  await run.stop();
  return { joinMs };
};

const leave: Body = async (backend, { addresses, withinMs }) => {
  const [first, second, third] = addresses;
  for (const address of addresses) await backend.add(address);
  const run = runDiscovery(backend);
  await untilAll(backend, run, addresses, withinMs);
  await backend.remove(second);
  await until(backend.time, "the second is gone", () => !run.knows(second), withinMs);
  assert.deepEqual(addressesOf(run.sets.at(-1)), [first, third].sort());
  await run.stop();
};

function keepsSet(kind: DiscoveryFailure): Body {
  return async (backend, { addresses: [first, second, third], withinMs, failureMs }) => {
    await backend.add(first);
    await backend.add(second);
    const run = runDiscovery(backend);
    await untilAll(backend, run, [first, second], withinMs);
    const before = run.sets.length;
    await backend.fail(kind);
    await until(backend.time, "it is reported", () => run.problems.length > 0, withinMs);
    await backend.time.pass(failureMs);
    const problem = run.problems[0];
    assert.match(problem?.code ?? "", /^ERR_/);
    assert.ok((problem?.message.length ?? 0) > 40, `it says too little: ${problem?.message}`);
    await backend.recover();
    await backend.add(third);
    await until(backend.time, "the third is seen afterwards", () => run.knows(third), withinMs);
    for (const set of run.sets.slice(before - 1)) {
      const known = addressesOf(set);
      assert.ok(
        known.includes(first) && known.includes(second),
        `a set lost a peer: ${known.join(", ")}`,
      );
    }
    await run.stop();
  };
}

const abort: Body = async (backend, setup) => {
  const { addresses, withinMs, failures } = setup;
  await backend.add(addresses[0]);
  const run = runDiscovery(backend);
  await until(backend.time, "it is found", () => run.knows(addresses[0]), withinMs);
  await stopsAtOnce(backend, run);
  const again = runDiscovery(backend, { name: "again" });
  await stopsAtOnce(backend, again);
  if (!failures.includes("hang")) return;
  await backend.fail("hang");
  const before = backend.requests();
  const hanging = runDiscovery(backend, { name: "hanging" });
  await until(backend.time, "it asks", () => backend.requests() > before, withinMs);
  await backend.time.pass(testkitLimits.pollMs);
  await stopsAtOnce(backend, hanging);
};

async function stopsAtOnce({ time }: DiscoveryBackend, run: DiscoveryRun): Promise<void> {
  const askedAtMs = time.clock.now();
  await run.stop();
  const tookMs = time.clock.now() - askedAtMs;
  const { abortMs } = testkitLimits;
  assert.ok(tookMs <= abortMs, `it stopped after ${tookMs.toFixed(0)} ms, not within ${abortMs}`);
}

/** So many spans are watched, that a pace twice as fast cannot hide. */
const PACES = 5;

const pace: Body = async (backend, { addresses, withinMs, pace: { requests, perMs } }) => {
  await backend.add(addresses[0]);
  const run = runDiscovery(backend);
  await until(backend.time, "it is found", () => run.knows(addresses[0]), withinMs);
  const before = backend.requests();
  await backend.time.pass(PACES * perMs);
  const asked = backend.requests() - before;
  // What was asked at the edge of the time counts as one more.
  const most = (PACES + 1) * requests;
  assert.ok(asked <= most, `${asked} requests in ${PACES * perMs} ms, at most ${most} are allowed`);
  await run.stop();
};

const backoff: Body = async (backend, setup) => {
  const { retryMaxMs } = setup;
  const pauses = await pausesWhileFailing(backend, setup, "one");
  const shown = pauses.map((each) => each.toFixed(0)).join(", ");
  assert.ok(pauses.length >= 2, `it gave up: pauses of ${shown || "none"} ms`);
  const longest = Math.max(...pauses);
  const [first = longest] = pauses;
  const hasGrown = longest >= 1.3 * first || first >= 0.5 * retryMaxMs;
  assert.ok(hasGrown, `the pauses do not grow: ${shown} ms`);
  assert.ok(longest <= 1.6 * retryMaxMs, `a pause is above ${retryMaxMs} ms: ${shown} ms`);
  const another = await setup.create();
  let others: readonly number[];
  try {
    others = await pausesWhileFailing(another, setup, "another");
  } finally {
    await another.close();
  }
  const isSame = others.every((each, i) => each === pauses[i]);
  assert.ok(!isSame, `the pauses of all nodes are the same, without jitter: ${shown} ms`);
};

/** The pauses of a node of this name between its attempts while the backend is out. */
async function pausesWhileFailing(
  backend: DiscoveryBackend,
  { addresses, withinMs, retryMaxMs, failures }: Required<DiscoveryBackendSetup>,
  name: string,
): Promise<readonly number[]> {
  await backend.add(addresses[0]);
  const run = runDiscovery(backend, { name });
  await until(backend.time, "it is found", () => run.knows(addresses[0]), withinMs);
  await backend.fail(failures.includes("error") ? "error" : "hang");
  await until(backend.time, "it is reported", () => run.problems.length > 0, withinMs);
  const instants = await watchRequests(backend, PACES, 4 * retryMaxMs);
  await run.stop();
  return pausesOf(instants);
}

async function untilAll(
  backend: DiscoveryBackend,
  run: DiscoveryRun,
  addresses: readonly string[],
  withinMs: number,
): Promise<void> {
  const expected = [...addresses].sort();
  const all = (): boolean => {
    const found = addressesOf(run.sets.at(-1));
    return found.length === expected.length && found.every((each, i) => each === expected[i]);
  };
  await until(backend.time, `the set is ${expected.join(", ")}`, all, withinMs).catch(
    (error: unknown) => {
      const found = addressesOf(run.sets.at(-1)).join(", ") || "nobody";
      const said = run.problems.map(({ message }) => message).join("; ") || "nothing";
      throw new Error(`${String(error)}; found ${found}; reported ${said}`, { cause: error });
    },
  );
}
