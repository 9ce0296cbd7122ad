import { describe, expect, test } from "@jest/globals";
import { virtualClock } from "@foundation/core/testing";
import { eventually } from "../../src/index.js";

describe("eventually", () => {
  test("tries until the check neither throws nor gives false, and gives its result", async () => {
    const clock = virtualClock();
    let tries = 0;
    const check = () => {
      tries += 1;
      if (tries < 3) throw new Error("not yet");
      return tries < 5 ? false : "done";
    };
    expect(await clock.run(eventually(check, { clock, every: "10ms" }))).toBe("done");
    expect([tries, clock.now()]).toEqual([5, 40]);
  });

  test("fails with the last reason when the time is up", async () => {
    const clock = virtualClock();
    const check = () => Promise.reject(new Error(`at ${clock.now()}`));
    const failing = eventually(check, { clock, within: "1s", every: "400ms" });
    await expect(clock.run(failing)).rejects.toThrow("Not within 1000 ms: at 1200");
  });

  test("a check that never holds is tried at least once", async () => {
    const clock = virtualClock();
    const failing = eventually(() => false as const, { clock, within: 0 });
    await expect(clock.run(failing)).rejects.toThrow("the check gave false");
  });
});
