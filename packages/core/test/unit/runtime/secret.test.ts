import { format, inspect } from "node:util";
import { describe, expect, test } from "@jest/globals";
import { isSecret, Secret } from "../../../src/index.js";

describe("Secret", () => {
  const secret = new Secret("do-not-print-me");

  test("no way of printing it shows it", () => {
    const printed = [
      String(secret),
      `${secret}`,
      JSON.stringify({ deep: [secret] }),
      inspect(secret),
      inspect({ deep: { secret } }, { depth: 10, showHidden: true }),
      format("%s %o %j", secret, secret, secret),
      JSON.stringify(structuredClone(Object.assign({}, secret))),
      Object.values(secret).join(),
    ];
    for (const text of printed) expect(text).not.toContain("do-not-print-me");
    expect(printed[0]).toBe("[secret]");
  });

  test("reveal gives the text", () => {
    expect(secret.reveal()).toBe("do-not-print-me");
  });

  test("it is recognised, and by its mark also that of another copy of the package", () => {
    expect(isSecret(secret)).toBe(true);
    expect(isSecret({ [Symbol.for("foundation.secret")]: true })).toBe(true);
    for (const other of ["text", null, undefined, {}, 1]) expect(isSecret(other)).toBe(false);
  });

  test("an empty secret is refused", () => {
    expect(() => new Secret("")).toThrow(expect.objectContaining({ code: "ERR_INVALID_ARGUMENT" }));
  });
});
