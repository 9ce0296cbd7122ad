import { describe, expect, test } from "@jest/globals";
import { memoryStorage, seededRandom } from "../../../src/testing/index.js";

const text = (bytes: Uint8Array | undefined): string => Buffer.from(bytes ?? []).toString("latin1");

describe("memoryStorage", () => {
  test("over many crashes unsynced bytes are lost, kept in part, kept whole and torn", async () => {
    const seen = new Set<string>();
    for (let seed = 0; seed < 300; seed++) {
      const storage = memoryStorage({ random: seededRandom(seed) });
      await storage.append("log", Buffer.from("safe"));
      await storage.sync("log");
      await storage.append("log", Buffer.from("1234"));
      storage.crash();
      const left = text(await storage.read("log"));
      expect(left.startsWith("safe")).toBe(true);
      const rest = left.slice(4);
      if (rest === "") seen.add("lost");
      else if (rest === "1234") seen.add("whole");
      else seen.add("1234".startsWith(rest) ? "part" : "torn");
    }
    expect([...seen].sort()).toEqual(["lost", "part", "torn", "whole"]);
  });

  test("a failure is told for as long as it was asked for", async () => {
    const storage = memoryStorage();
    storage.failOn("append", "ENOSPC: no space left on device");
    await expect(storage.append("log", Buffer.from("x"))).rejects.toMatchObject({
      code: "ERR_STORAGE",
      details: { file: "log", operation: "append", reason: "ENOSPC: no space left on device" },
    });
    storage.failOn("append", undefined);
    await storage.append("log", Buffer.from("y"));
    expect(text(await storage.read("log"))).toBe("y");
  });
});
