import { describe, expect, test } from "@jest/globals";
import { resolveLimits, shown } from "../../src/index.js";

const defaults = { queueMax: 1_000, timeoutMs: 5_000 };

describe("limits", () => {
  test("that are given stand in the place of the defaults", () => {
    expect(resolveLimits(defaults)).toEqual(defaults);
    expect(resolveLimits(defaults, { queueMax: 1, timeoutMs: undefined })).toEqual({
      queueMax: 1,
      timeoutMs: 5_000,
    });
  });

  test.each([0, -1, 1.5, Number.NaN, Number.POSITIVE_INFINITY, "7", null])(
    "of %p are refused by name",
    (queueMax) => {
      expect(() => resolveLimits(defaults, { queueMax } as never)).toThrow(
        expect.objectContaining({
          code: "ERR_INVALID_ARGUMENT",
          details: expect.objectContaining({ argument: "limits.queueMax", found: shown(queueMax) }),
        }),
      );
    },
  );

  test("of another name are refused, and the error says which there are", () => {
    for (const name of ["qeueMax", "__proto__x", "toString"]) {
      expect(() => resolveLimits(defaults, { [name]: 1 } as never)).toThrow(
        `limits.${name} is not a limit; expected one of queueMax, timeoutMs`,
      );
    }
  });
});
