/** Whatever becomes of its attempts: what a request is told is true, and nothing that counts is done twice. */
import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import { silentLogger } from "@foundation/core";
import { seededRandom, virtualClock } from "@foundation/core/testing";
import type { Effect } from "../../../src/etcd/outcomes.js";
import { Requests } from "../../../src/etcd/requests.js";
import { settingsOf } from "../../../src/etcd/settings.js";
import { fakeEtcd, type Fate } from "./fake-etcd.js";

const fates: readonly Fate[] = [
  "answered",
  "no leader",
  "too many",
  "bad token",
  "not connected",
  "applied, cut",
  "cut",
  "applied, timed out",
  "applied, silent",
  "silent",
];

interface Play {
  readonly effect: Effect;
  readonly script: readonly Fate[];
  readonly withUser: boolean;
  /** When the caller gives up, or the engine is closed; undefined: never. */
  readonly end: { readonly how: "abort" | "close"; readonly afterMs: number } | undefined;
}

const plays: fc.Arbitrary<Play> = fc.record({
  effect: fc.constantFrom<Effect>("none", "idempotent", "once"),
  script: fc.array(fc.constantFrom(...fates), { maxLength: 8 }),
  withUser: fc.boolean(),
  end: fc.option(
    fc.record({ how: fc.constantFrom("abort" as const, "close" as const), afterMs: fc.nat(6_000) }),
    { nil: undefined },
  ),
});

async function play({ effect, script, withUser, end }: Play) {
  const clock = virtualClock();
  const left = [...script];
  const etcd = fakeEtcd({ clock, next: () => left.shift() ?? "answered" });
  const settings = settingsOf({
    endpoints: ["a:1", "b:1", "c:1"],
    ...(withUser && { credentials: { username: "u", password: "p" } }),
    runtime: { clock, random: seededRandom("requests"), logger: silentLogger() },
  });
  const requests = new Requests(settings, async () => etcd.library);
  const controller = new AbortController();
  if (end !== undefined) {
    clock.setTimer(end.afterMs, () => {
      if (end.how === "abort") controller.abort();
      else void requests.close();
    });
  }
  const asked = requests.ask(
    { name: "LeaseRevoke", request: { ID: "1" }, effect, refused: { what: "a request" } },
    { signal: controller.signal },
  );
  const outcome = await clock.run(
    asked.then(
      () => "done",
      (error: { code?: string }) => error.code ?? String(error),
    ),
    { withinMs: 60_000 },
  );
  const tookMs = clock.now();
  await requests.close();
  return { outcome, applied: etcd.applied.get("1") ?? 0, calls: etcd.calls, tookMs, clock };
}

describe("requests to etcd", () => {
  test("are told the truth, and one that counts is never done twice", async () => {
    await fc.assert(
      fc.asyncProperty(plays, async (each) => {
        const { outcome, applied, tookMs } = await play(each);
        if (outcome === "done") expect(applied).toBeGreaterThanOrEqual(1);
        else if (outcome === "ERR_OUTCOME_UNKNOWN") expect(each.effect).not.toBe("none");
        else {
          // Any other error says that nothing was changed; a read changes nothing.
          expect([
            "ERR_ABORTED",
            "ERR_CLOSED",
            "ERR_ENGINE_REFUSED",
            "ERR_NO_QUORUM",
            "ERR_TIMEOUT",
          ]).toContain(outcome);
          if (each.effect !== "none") expect(applied).toBe(0);
        }
        if (each.effect === "once") expect(applied).toBeLessThanOrEqual(1);
        expect(tookMs).toBeLessThanOrEqual(settingsOf({ endpoints: ["a:1"] }).timeoutMs + 1);
      }),
      { numRuns: 500 },
    );
  });

  test("leave no timer behind", async () => {
    await fc.assert(
      fc.asyncProperty(plays, async (each) => {
        const { clock } = await play({ ...each, end: undefined });
        // Those of answers that are on their way end within a millisecond.
        await clock.advance(1);
        expect(clock.pendingTimers).toBe(0);
      }),
      { numRuns: 200 },
    );
  });

  test("that may be repeated go to another endpoint when one is silent, and come to their end", async () => {
    // An endpoint is asked first for its cluster, which each of them says.
    const script: Fate[] = ["answered", "silent", "answered", "cut", "answered", "no leader"];
    const { outcome, calls } = await play({
      effect: "none",
      script,
      withUser: false,
      end: undefined,
    });
    expect(outcome).toBe("done");
    const asked = calls.filter((call) => call.endsWith("LeaseRevoke"));
    expect(new Set(asked.slice(0, 3)).size).toBe(3);
    expect(asked).toHaveLength(4);
    expect(calls).toHaveLength(7);
  });

  test("wait for nobody who does not say of which cluster it is", async () => {
    const { outcome, applied, calls } = await play({
      effect: "once",
      script: ["silent", "cut"],
      withUser: false,
      end: undefined,
    });
    expect([outcome, applied, calls.length]).toEqual(["done", 1, 4]);
  });

  test("that count are sent again only after a refusal", async () => {
    const refused = await play({
      effect: "once",
      script: ["no leader", "too many", "bad token", "not connected"],
      withUser: true,
      end: undefined,
    });
    expect([refused.outcome, refused.applied]).toEqual(["done", 1]);
    const script: Fate[] = ["answered", "cut"];
    const cut = await play({ effect: "once", script, withUser: false, end: undefined });
    expect([cut.outcome, cut.applied, cut.calls.length]).toEqual(["ERR_OUTCOME_UNKNOWN", 0, 2]);
  });
});
