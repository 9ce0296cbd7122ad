import { describe, expect, test } from "@jest/globals";
import { DisposalStack } from "../../../src/index.js";

describe("DisposalStack", () => {
  test("closes last first, each once, and waits for each", async () => {
    const log: string[] = [];
    const stack = new DisposalStack();
    const handle = stack.use({ close: async () => void log.push("handle") });
    stack.defer(async () => {
      await Promise.resolve();
      log.push("deferred");
    });
    stack.use({
      [Symbol.asyncDispose]: async () => {
        log.push("disposable");
      },
    });
    expect(handle).toHaveProperty("close");
    await Promise.all([stack.close(), stack.close(), stack[Symbol.asyncDispose]()]);
    expect(log).toEqual(["disposable", "deferred", "handle"]);
    expect(stack.closed).toBe(true);
  });

  test("what fails does not keep the others open; one failure is thrown as it is, several together", async () => {
    const log: string[] = [];
    const failing = (message: string) => () => Promise.reject(new Error(message));
    const one = new DisposalStack();
    one.defer(() => log.push("closed"));
    one.defer(failing("first"));
    await expect(one.close()).rejects.toThrow("first");
    const two = new DisposalStack();
    two.defer(failing("first"));
    two.defer(() => {
      throw new Error("second");
    });
    two.defer(() => log.push("closed"));
    await expect(two.close()).rejects.toMatchObject({
      errors: [new Error("second"), new Error("first")],
    });
    expect(log).toEqual(["closed", "closed"]);
  });

  test("what is added after close is closed at once", async () => {
    const log: string[] = [];
    const stack = new DisposalStack();
    await stack.close();
    stack.defer(() => log.push("late"));
    await stack.close();
    expect(log).toEqual(["late"]);
  });
});
