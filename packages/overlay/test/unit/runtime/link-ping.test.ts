import { afterEach, describe, expect, test } from "@jest/globals";
import { FAIR, FLOW } from "../../../src/limits.js";
import { outcomeOf, VirtualOverlays } from "../../support/virtual-overlays.js";

describe("a sign of life that an application asks for", () => {
  const overlays = new VirtualOverlays("signs of life");
  afterEach(() => overlays.close());

  test("is refused before the peer would close the link for it", async () => {
    const [a, b] = await overlays.form(2);
    if (a === undefined || b === undefined) throw new Error("two nodes are there");
    const ask = () => outcomeOf(a.ping(b.self.id));
    const outcomes = Array.from({ length: 2 * FAIR.pingsPerSecondMax }, ask);
    const tooLarge = outcomeOf(
      a.ping(b.self.id, { payload: new Uint8Array(FLOW.pingBytesMax + 1) }),
    );
    await overlays.clock.advance(900);
    const refused = outcomes.filter(({ code }) => code === "ERR_QUEUE_FULL");
    expect(outcomes.length - refused.length).toBe(FAIR.pingsAskedPerSecondMax);
    const answered = outcomes.filter(({ value }) => value !== undefined);
    expect(answered).toHaveLength(FAIR.pingsAskedPerSecondMax);
    expect(tooLarge.code).toBe("ERR_INVALID_ARGUMENT");
    await overlays.clock.advance(200);
    const later = Array.from({ length: FAIR.pingsAskedPerSecondMax }, ask);
    await overlays.clock.advance(900);
    expect(later.every(({ value }) => value !== undefined)).toBe(true);
    const [link] = a.links().filter(({ peer }) => peer === b.self.id);
    expect([link?.up, link?.reconnects]).toEqual([true, 0]);
  });
});
