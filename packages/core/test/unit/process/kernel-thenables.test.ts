/** Handlers that give something that only looks like a promise: user code, wherever it is touched. */
import { describe, expect, test } from "@jest/globals";
import { defineProcess } from "../../../src/process/define-process.js";
import { codeOf, world } from "./world.js";

const throwing = (): never => {
  throw new Error("a trap");
};

const results: Record<string, () => unknown> = {
  "a `then` that throws when it is read": () =>
    Object.defineProperty({}, "then", { get: throwing }),
  "a `then` that throws when it is called": () => ({ then: throwing }),
  "a proxy that throws": () => new Proxy({}, { get: throwing }),
};

describe("a handler that gives", () => {
  test.each(Object.keys(results))("%s crashes its process and nothing else", async (what) => {
    const { name, start, clock, watch } = world();
    const odd = defineProcess({
      name: name(),
      init: () => ({}),
      call: { give: () => results[what]?.() },
    });
    const well = defineProcess({ name: name(), init: () => ({}), call: { give: () => 1 } });
    const { pid, ref } = await start(odd);
    const reasons = watch(pid);
    expect(await codeOf(clock.run(ref.call("give")))).toBe("ERR_HANDLER_FAILED");
    expect(reasons).toMatchObject([{ type: "error" }]);
    const other = await start(well);
    expect(await clock.run(other.ref.call("give"))).toBe(1);
  });

  test("a thenable of another library is awaited, once", async () => {
    const { name, start, clock } = world();
    const twice = { then: (done: (value: number) => void) => [1, 2].forEach(done) };
    const odd = defineProcess({ name: name(), init: () => ({}), call: { give: () => twice } });
    const { ref } = await start(odd);
    expect(await clock.run(ref.call("give"))).toBe(1);
    expect(await clock.run(ref.call("give"))).toBe(1);
  });
});
