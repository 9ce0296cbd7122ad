import { requires } from "@foundation-tooling/jest";
import { describe, expect, test } from "@jest/globals";
import { spawn } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { availableParallelism, getPriority } from "node:os";
import { processorMicrosOf, quietMoment, takePrecedence, watchForeign } from "../src/noise.js";

const autogroup = () => {
  try {
    return readFileSync("/proc/self/autogroup", "utf8");
  } catch {
    return undefined;
  }
};
const linux = await requires("Linux's /proc", () => existsSync("/proc/self/stat"));

describe("keeping noise out", () => {
  test("precedence is taken back", () => {
    const before = [getPriority(), autogroup()];
    const precedence = takePrecedence();
    if (precedence.isTaken) expect(getPriority()).toBe(-15);
    precedence[Symbol.dispose]();
    expect([getPriority(), autogroup()]).toEqual(before);
  });

  test("waits for a quiet moment no longer than its patience", async () => {
    const from = performance.now();
    await quietMoment(300);
    expect(performance.now() - from).toBeLessThan(1_500);
  });

  linux.test(
    "what the measured processes use is not counted as used by others",
    async () => {
      const child = spawn(process.execPath, ["-e", "for (;;);"]);
      const pid = child.pid ?? 0;
      try {
        await eventuallyUses(pid, 100_000);
        const cpu = processorMicrosOf(pid) ?? 0;
        const from = performance.now();
        const withChild = watchForeign([]);
        const withoutChild = watchForeign([pid]);
        await eventuallyUses(pid, cpu + 300_000);
        const share = (withChild() ?? 0) - (withoutChild() ?? 0);
        const usedMs = ((processorMicrosOf(pid) ?? 0) - cpu) / 1_000;
        const ofMachine = usedMs / (performance.now() - from) / availableParallelism();
        expect(share).toBeGreaterThan(ofMachine * 0.7);
        expect(share).toBeLessThan(ofMachine * 1.3);
      } finally {
        child.kill("SIGKILL");
      }
    },
    30_000,
  );
});

async function eventuallyUses(pid: number, micros: number): Promise<void> {
  while ((processorMicrosOf(pid) ?? 0) < micros) {
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
