import { describe, expect, test } from "@jest/globals";
import { seededRandom } from "@foundation/core/testing";
import { clientServerTimes as times } from "../../../../src/protocol/client-server/limits.js";
import { Retries } from "../../../../src/protocol/client-server/retries.js";
import { idOf } from "../../../support/membership-entries.js";

const id = idOf(1);

describe("retries", () => {
  const failedOften = (): Retries => {
    const retries = new Retries(seededRandom(1), times);
    for (let attempt = 0; attempt < 4; attempt += 1) retries.failed(id, 0);
    expect(retries.notBefore(id)).toBeGreaterThan(4 * times.retryMinMs);
    return retries;
  };

  test("begin anew after a link that held", () => {
    const retries = failedOften();
    retries.up(id, 0);
    retries.failed(id, times.steadyMs);
    expect(retries.notBefore(id) - times.steadyMs).toBeLessThanOrEqual(1.2 * times.retryMinMs);
  });

  test("go on after a link that was up for a moment", () => {
    const retries = failedOften();
    retries.up(id, 0);
    retries.failed(id, times.steadyMs - 1);
    expect(retries.notBefore(id) - times.steadyMs).toBeGreaterThan(8 * times.retryMinMs);
  });

  test("count each dial once, until it is answered or forgotten", () => {
    const retries = new Retries(seededRandom(1), times);
    retries.dialled(id);
    retries.dialled(id);
    retries.dialled(idOf(2));
    retries.dialled(idOf(3));
    expect(retries.inFlight).toBe(3);
    retries.up(id, 0);
    retries.failed(idOf(2), 0);
    expect(retries.inFlight).toBe(1);
    retries.forget(idOf(3));
    expect(retries.inFlight).toBe(0);
    expect(retries.isDialling(idOf(3))).toBe(false);
  });
});
