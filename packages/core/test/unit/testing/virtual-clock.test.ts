import { AsyncLocalStorage } from "node:async_hooks";
import { describe, expect, test } from "@jest/globals";
import { virtualClock } from "../../../src/testing/index.js";

describe("virtualClock", () => {
  test("timers run in the order of their time, then of their setting, and never inside setTimer", async () => {
    const clock = virtualClock();
    const ran: string[] = [];
    clock.setTimer(20, () => ran.push("c"));
    clock.setTimer(10, () => ran.push("a"));
    clock.setTimer(10, () => ran.push("b"));
    clock.setTimer(0, () => ran.push("zero"));
    expect(ran).toEqual([]);
    await clock.advance(10);
    expect(ran).toEqual(["zero", "a", "b"]);
    await clock.advance(9);
    expect(ran).toHaveLength(3);
    await clock.advance(1);
    expect(ran).toEqual(["zero", "a", "b", "c"]);
    expect(clock.now()).toBe(20);
    expect(clock.pendingTimers).toBe(0);
  });

  test("a cancelled timer never runs, also when it is cancelled by another due at the same instant", async () => {
    const clock = virtualClock();
    const ran: string[] = [];
    clock.setTimer(5, () => {
      ran.push("first");
      second.cancel();
    });
    const second = clock.setTimer(5, () => ran.push("second"));
    await clock.advance(100);
    expect(ran).toEqual(["first"]);
    expect(clock.pendingTimers).toBe(0);
  });

  test("promise chains and endOfTurn functions run between two timers", async () => {
    const clock = virtualClock();
    const log: string[] = [];
    clock.setTimer(1, () => {
      clock.endOfTurn(() => log.push("end of turn"));
      void (async () => {
        for (let i = 0; i < 1_000; i++) await undefined;
        log.push("a thousand awaits");
      })();
    });
    clock.setTimer(2, () => log.push("next timer"));
    await clock.advance(2);
    expect(log).toEqual(["a thousand awaits", "end of turn", "next timer"]);
  });

  test("a timer set by a timer runs in the same advance when it falls due in it", async () => {
    const clock = virtualClock();
    const at: number[] = [];
    const tick = (): void => {
      at.push(clock.now());
      if (at.length < 4) clock.setTimer(10, tick);
    };
    clock.setTimer(10, tick);
    await clock.advance(35);
    expect(at).toEqual([10, 20, 30]);
    expect(clock.now()).toBe(35);
  });

  test("promise reactions, ticks and ends of turns run between two timers of one instant", async () => {
    const clock = virtualClock();
    const seen: string[] = [];
    for (const name of ["a", "b", "c"]) {
      clock.setTimer(1, () => {
        seen.push(name);
        clock.endOfTurn(() => seen.push(`${name} end of turn`));
        void Promise.resolve().then(() => {
          seen.push(`${name} promise`);
          process.nextTick(() => seen.push(`${name} tick`));
        });
      });
    }
    await clock.advance(1);
    const each = ["", " promise", " tick", " end of turn"];
    expect(seen).toEqual(["a", "b", "c"].flatMap((name) => each.map((what) => name + what)));
  });

  test("run lets time pass until the promise settles and no further", async () => {
    const clock = virtualClock();
    await clock.run(clock.sleep(250));
    expect(clock.now()).toBe(250);
  });

  test("run fails when nothing is left that could settle the promise", async () => {
    const clock = virtualClock();
    await expect(clock.run(new Promise(() => {}))).rejects.toMatchObject({ code: "ERR_TIMEOUT" });
    clock.setTimer(1_000_000, () => {});
    await expect(clock.run(new Promise(() => {}), { withinMs: 10 })).rejects.toMatchObject({
      code: "ERR_TIMEOUT",
    });
  });

  test("an aborted sleep rejects and leaves no timer", async () => {
    const clock = virtualClock();
    const abort = new AbortController();
    const sleeping = clock.sleep(1_000, { signal: abort.signal });
    abort.abort();
    await expect(sleeping).rejects.toMatchObject({ code: "ERR_ABORTED" });
    expect(clock.pendingTimers).toBe(0);
    await expect(clock.sleep(1, { signal: abort.signal })).rejects.toMatchObject({
      code: "ERR_ABORTED",
    });
  });

  test("an error thrown by a timer fails the advance that ran it", async () => {
    const clock = virtualClock();
    clock.setTimer(1, () => {
      throw new Error("boom");
    });
    await expect(clock.advance(1)).rejects.toThrow("boom");
  });

  test("a world that never settles is told of with the stack of who asks for another round", async () => {
    const clock = virtualClock({ startMs: 0.1 });
    clock.setTimer(5, function again() {
      // So small a part of a millisecond that adding it to the time changes nothing.
      clock.setTimer(1e-20, again);
    });
    await expect(clock.advance(10)).rejects.toThrow(
      /never settles: more than 1000000 rounds of timers of 0 ms.* 100 of 100 [^]*\n +at .*virtual-clock\.test\.ts/,
    );
  });

  test("many timers of one instant, and many ends of one turn, are no world that never settles", async () => {
    const clock = virtualClock();
    let ran = 0;
    const again = (): void => {
      ran += 1;
      if (ran % 20_000 > 0) clock.setTimer(0, again);
      else clock.setTimer(1, again);
    };
    again();
    await clock.advance(3);
    expect(ran).toBe(80_000);
  });

  test("timers run in the async context of who set them", async () => {
    const clock = virtualClock();
    const storage = new AsyncLocalStorage<string>();
    const seen: (string | undefined)[] = [];
    storage.run("mine", () => clock.setTimer(1, () => seen.push(storage.getStore())));
    await clock.advance(1);
    expect(seen).toEqual(["mine"]);
  });

  test("the wall clock can be skewed without touching the monotonic one", async () => {
    const clock = virtualClock({ wallStartMs: 1_000 });
    await clock.advance(5);
    clock.skewWall(-100);
    expect([clock.now(), clock.wallNow()]).toEqual([5, 905]);
  });
});
