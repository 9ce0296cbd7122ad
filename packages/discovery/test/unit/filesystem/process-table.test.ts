import { describe, expect, test } from "@jest/globals";
import { ownProcess, parseStat, processState } from "../../../src/filesystem/process-table.js";

const fields = (state: string) =>
  `${state} ${Array.from({ length: 49 }, (_, i) => i + 4).join(" ")}`;

describe("the process table", () => {
  test("the start time is field 22, whatever the program is called", () => {
    for (const name of ["node", "a b", "x) S 1 (y", "((("]) {
      const state = parseStat(`42 (${name}) ${fields("S")}\n`);
      expect(state).toEqual({ type: "there", startTime: "22" });
    }
  });

  test("a process that ended but was not collected is gone", () => {
    expect(parseStat(`42 (node) ${fields("Z")}`)).toEqual({ type: "gone" });
  });

  test("this process is there, with the start time it announces", () => {
    const own = ownProcess();
    expect(own.pid).toBe(process.pid);
    expect(processState(process.pid)).toEqual({ type: "there", startTime: own.startTime });
  });

  test("a number no process has is gone", () => {
    expect(processState(2 ** 30)).toEqual({ type: "gone" });
  });
});
