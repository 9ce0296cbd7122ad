/** The contract of recipes: elections. */
import { expect } from "@jest/globals";
import type { Leadership } from "../../../src/index.js";
import type { Test } from "./bench.js";

export function electionTests(run: Test): void {
  run(
    "one candidate leads; when it resigns the next does, with a greater token",
    async ({ a, b, settle, isOpen }) => {
      const first = a.elections.campaign("e");
      const term = await settle(first.elected());
      const second = b.elections.campaign("e");
      const next = second.elected();
      expect(await isOpen(next)).toBe(true);
      expect([first.isLeader, second.isLeader]).toEqual([true, false]);
      expect(await settle(b.elections.leader("e"))).toEqual({ client: "a", token: term.token });
      await settle(first.resign());
      expect(term.signal.aborted).toBe(true);
      expect((term.signal.reason as { details: object }).details).toMatchObject({
        reason: "resigned",
      });
      const { token } = await settle(next);
      expect(token).toBeGreaterThan(term.token);
      expect([first.isLeader, second.isLeader, second.token]).toEqual([false, true, token]);
    },
  );

  run(
    "the loop of a campaign yields the leaderships that are won, and ends when it resigns",
    async ({ a, settle }) => {
      const campaign = a.elections.campaign("e");
      const terms: Leadership[] = [];
      const loop = (async () => {
        for await (const term of campaign) {
          terms.push(term);
          expect(term.isLeader).toBe(true);
          void campaign.resign();
        }
      })();
      await settle(loop);
      expect(terms).toHaveLength(1);
      expect(await settle(a.elections.leader("e"))).toBeUndefined();
    },
  );

  run(
    "a leader that is cut off knows before another leads",
    async ({ b, client, settle, pass, isOpen, ttl, overMs }) => {
      const { recipes, cut } = client("mortal");
      const term = await settle(recipes.elections.campaign("e", { ttl }).elected());
      const next = b.elections.campaign("e", { ttl }).elected();
      let led: boolean | undefined;
      void next.then(() => {
        led = term.isLeader;
      });
      expect(await isOpen(next)).toBe(true);
      cut();
      await pass(overMs + 1_000);
      expect((await settle(next)).token).toBeGreaterThan(term.token);
      expect(led).toBe(false);
      expect((term.signal.reason as { code?: string }).code).toBe("ERR_LEADERSHIP_LOST");
    },
  );

  run(
    "a better candidate takes over, after it has been there for a while and the old leader has stopped",
    async ({ a, b, settle, pass, isOpen }) => {
      const old = await settle(
        a.elections.campaign("e", { preference: 1, settle: 1_500 }).elected(),
      );
      const better = b.elections.campaign("e", { preference: 2, settle: 1_500 });
      const elected = better.elected();
      expect(await isOpen(elected)).toBe(true);
      expect(old.isLeader).toBe(true);
      await pass(2_500);
      expect(old.signal.aborted).toBe(true);
      expect((old.signal.reason as { details: object }).details).toMatchObject({
        reason: "handed-over",
      });
      expect(await isOpen(elected)).toBe(true);
      old.done();
      expect((await settle(elected)).token).toBeGreaterThan(old.token);
    },
  );

  run(
    "one that is no better than the margin does not take over",
    async ({ a, b, settle, pass }) => {
      const old = a.elections.campaign("e", { preference: 1, settle: 100, margin: 5 });
      await settle(old.elected());
      const other = b.elections.campaign("e", { preference: 6, settle: 100 });
      await pass(1_000);
      expect([old.isLeader, other.isLeader]).toEqual([true, false]);
    },
  );

  run("a vacant leadership goes to the best candidate", async ({ a, b, settle, isOpen }) => {
    const first = a.elections.campaign("e", { preference: 9 });
    await settle(first.elected());
    const weak = a.elections.campaign("e", { preference: [{ label: "zone", is: "x" }] });
    expect(await isOpen(weak.elected())).toBe(true);
    const strong = b.elections.campaign("e", { preference: 5 });
    const elected = strong.elected();
    expect(await isOpen(elected)).toBe(true);
    await settle(first.resign());
    await settle(elected);
    expect([weak.isLeader, strong.isLeader]).toEqual([false, true]);
  });

  run("observers see who leads, from the first on", async ({ a, b, settle }) => {
    const seen: (string | undefined)[] = [];
    const observed = b.elections.observe("e");
    seen.push((await settle(observed.next())).value?.client);
    const campaign = a.elections.campaign("e");
    const won = observed.next();
    await settle(campaign.elected());
    seen.push((await settle(won)).value?.client);
    const over = observed.next();
    await settle(campaign.resign());
    seen.push((await settle(over)).value?.client);
    expect(seen).toEqual([undefined, "a", undefined]);
    await settle(observed.return(undefined));
  });

  run("a campaign that has resigned is over", async ({ a, settle, code }) => {
    const stop = new AbortController();
    const campaign = a.elections.campaign("e", { signal: stop.signal });
    await settle(campaign.elected());
    stop.abort();
    expect(campaign.isLeader).toBe(false);
    expect(await code(campaign.elected())).toBe("ERR_CLOSED");
    await settle(campaign.resign());
    expect(await settle(a.elections.leader("e"))).toBeUndefined();
  });
}
