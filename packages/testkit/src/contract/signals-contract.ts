/** signalsContract: what every Signals must do: tell each listener, in order, until it stopped listening. */
import assert from "node:assert/strict";
import { nodeClock } from "@foundation/core";
import type { Signals } from "@foundation/core/ports";
import { realTime, until } from "../time.js";
import { testsWith, type ContractRunner } from "./runner.js";

export interface SignalsFixture {
  readonly signals: Signals;
  /** Sends the signal to this process. */
  raise(signal: "SIGTERM" | "SIGINT"): void;
  close?(): void | Promise<void>;
}

/** Runs the suite against one Signals. Exiting is not part of it. */
export function signalsContract(runner: ContractRunner, setup: { create(): SignalsFixture }): void {
  const test = testsWith(runner, setup.create);
  const time = realTime(nodeClock());
  runner.describe("signals", () => {
    test("each listener is told of each signal, in the order they came", async ({
      signals,
      raise,
    }) => {
      const heard: string[] = [];
      const ends = ["one", "two"].map((name) =>
        signals.onTerminate((signal) => heard.push(`${name} ${signal}`)),
      );
      raise("SIGTERM");
      await until(time, "both hear SIGTERM", () => heard.length === 2);
      raise("SIGINT");
      await until(time, "both hear SIGINT", () => heard.length === 4);
      for (const end of ends) end();
      assert.deepEqual(heard, ["one SIGTERM", "two SIGTERM", "one SIGINT", "two SIGINT"]);
    });

    test("whoever stopped listening hears nothing; stopping twice does nothing", async ({
      signals,
      raise,
    }) => {
      const heard: string[] = [];
      const end = signals.onTerminate(() => heard.push("gone"));
      const stay = signals.onTerminate(() => heard.push("stays"));
      end();
      end();
      raise("SIGTERM");
      await until(time, "the other hears it", () => heard.length > 0);
      stay();
      assert.deepEqual(heard, ["stays"]);
    });
  });
}
