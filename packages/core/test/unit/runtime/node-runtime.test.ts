import { describe, expect, test } from "@jest/globals";
import { defaultRuntime, nodeClock, nodeRuntime, provideRuntime } from "../../../src/index.js";
import type { Runtime } from "../../../src/ports/index.js";
import { memoryRuntime, virtualClock } from "../../../src/testing/index.js";

describe("nodeRuntime", () => {
  test("what is given takes the place of Node's own, and undefined counts as not given", () => {
    const clock = virtualClock();
    const runtime = nodeRuntime({ clock, random: undefined } as unknown as Partial<Runtime>);
    expect(runtime.clock).toBe(clock);
    expect(typeof runtime.random.next()).toBe("number");
    expect("storage" in runtime).toBe(false);
    expect(nodeRuntime().clock).toBe(nodeClock());
  });

  test("every node gets a meter of its own", () => {
    expect(nodeRuntime().meter).not.toBe(nodeRuntime().meter);
  });

  test("an ambient runtime comes before Node's and after what is given", () => {
    const ambient = memoryRuntime();
    const end = provideRuntime(() => ambient);
    try {
      expect(defaultRuntime().clock).toBe(ambient.clock);
      const own = virtualClock();
      expect(nodeRuntime({ clock: own })).toMatchObject({ clock: own, meter: ambient.meter });
    } finally {
      end();
    }
    expect(defaultRuntime().clock).toBe(nodeClock());
  });

  test("an ambient source that knows nothing here leaves Node's own", () => {
    const end = provideRuntime(() => undefined);
    try {
      expect(defaultRuntime().clock).toBe(nodeClock());
    } finally {
      end();
    }
  });
});
