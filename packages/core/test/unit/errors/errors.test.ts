import { describe, expect, test } from "@jest/globals";
import {
  coreErrors,
  defineErrors,
  error,
  FoundationError,
  fromWireError,
  isFoundationError,
  toWireError,
} from "../../../src/index.js";

const shopErrors = defineErrors({
  ERR_OUT_OF_STOCK: error<{ readonly id: string }>({
    summary: "The article is sold out.",
    fix: "Order fewer.",
    retryable: true,
  }),
});

describe("defineErrors", () => {
  test("a declared error has code, details, retryability and cause, and knows itself", () => {
    const cause = new Error("why");
    const made = shopErrors.ERR_OUT_OF_STOCK("No o-1 left", { id: "o-1" }, cause);
    expect(made).toBeInstanceOf(FoundationError);
    expect(made).toMatchObject({
      name: "FoundationError",
      code: "ERR_OUT_OF_STOCK",
      message: "No o-1 left",
      details: { id: "o-1" },
      retryable: true,
      cause,
    });
    expect(shopErrors.ERR_OUT_OF_STOCK.is(made)).toBe(true);
    expect(coreErrors.ERR_TIMEOUT.is(made)).toBe(false);
  });
});

describe("isFoundationError", () => {
  test("knows an error of another copy of the package by its name and code", () => {
    const foreign = Object.assign(new Error("x"), { name: "FoundationError", code: "ERR_X" });
    expect(isFoundationError(foreign)).toBe(true);
    expect(isFoundationError(foreign, "ERR_X")).toBe(true);
    expect(isFoundationError(foreign, "ERR_Y")).toBe(false);
  });

  test("refuses everything else", () => {
    for (const other of [
      new Error("x"),
      { name: "FoundationError", code: "ERR_X" },
      null,
      "ERR_X",
    ]) {
      expect(isFoundationError(other)).toBe(false);
    }
  });
});

describe("errors on the wire", () => {
  test("code, message, details and retryability travel; cause and stack stay", () => {
    const sent = shopErrors.ERR_OUT_OF_STOCK("No o-1 left", { id: "o-1" }, new Error("secret"));
    const wire = toWireError(sent);
    expect(JSON.stringify(wire)).not.toContain("secret");
    const received = fromWireError(JSON.parse(JSON.stringify(wire)));
    expect(shopErrors.ERR_OUT_OF_STOCK.is(received)).toBe(true);
    expect(received).toMatchObject({
      message: "No o-1 left",
      details: { id: "o-1" },
      retryable: true,
    });
    expect(received.cause).toBeUndefined();
  });

  test("an error of another copy of the package keeps its code, even with half its fields", () => {
    const foreign = Object.assign(new Error("x"), { name: "FoundationError", code: "ERR_X" });
    expect(toWireError(foreign)).toEqual({
      code: "ERR_X",
      message: "x",
      details: {},
      retryable: false,
    });
  });

  test.each<[unknown, string]>([
    [new TypeError("oops"), "TypeError: oops"],
    ["a text", "a text"],
    [undefined, "undefined"],
  ])("anything else that was thrown becomes ERR_HANDLER_FAILED: %p", (thrown, said) => {
    expect(toWireError(thrown)).toMatchObject({
      code: "ERR_HANDLER_FAILED",
      details: { thrown: said },
      retryable: false,
    });
  });

  test.each([
    null,
    undefined,
    1,
    "x",
    [],
    {},
    { code: 1, message: 2, details: 3, retryable: "yes" },
  ])("whatever a peer sends becomes an error and never throws: %p", (data) => {
    expect(fromWireError(data)).toMatchObject({ code: "ERR_HANDLER_FAILED", retryable: false });
  });
});
