/** Supervision: inputs → effects, strategy by strategy. */
import { describe, expect, test } from "@jest/globals";
import { coreErrors } from "../../../src/errors/index.js";
import type { ExitReason } from "../../../src/process/kernel-port.js";
import {
  Supervision,
  type RestartPolicy,
  type SupervisionEffect,
  type SupervisionInput,
  type SupervisionRules,
} from "../../../src/process/protocol/supervision.js";

const CRASH: ExitReason = {
  type: "error",
  error: coreErrors.ERR_HANDLER_FAILED("boom", { thrown: "boom" }),
};
const SHUTDOWN: ExitReason = { type: "shutdown" };

/** `start-child a` as `start a`, and so on: what a person reads in a trace. */
function text(effect: SupervisionEffect): string {
  switch (effect.type) {
    case "start-child":
      return `start ${effect.id}`;
    case "stop-child":
      return `stop ${effect.id}`;
    case "set-backoff":
      return `wait ${effect.id} ${effect.delayMs}`;
    case "restarting":
      return `restarting ${effect.id} ${effect.restarts}`;
    case "removed":
      return `removed ${effect.id}`;
    case "gave-up":
      return `gave up ${effect.restarts}`;
    case "stopped":
      return `stopped: ${effect.outcome}`;
    case "ready":
      return "ready";
  }
}

class Script {
  readonly supervision: Supervision;
  now = 0;

  constructor(rules: Partial<SupervisionRules>, ids: string, restart: RestartPolicy = "permanent") {
    const defaults = { strategy: "one-for-one", maxRestarts: 3, withinMs: 5_000 } as const;
    this.supervision = new Supervision(
      { ...defaults, backoffMs: 0, backoffMsMax: 0, ...rules },
      Array.from(ids).map((id) => ({ id, restart, dynamic: false })),
    );
  }

  do(input: SupervisionInput): string[] {
    return this.supervision.handle(input, this.now).map(text);
  }

  crash(id: string, reason: ExitReason = CRASH): string[] {
    return this.do({ type: "exited", id, reason });
  }

  started(id: string): string[] {
    return this.do({ type: "started", id });
  }

  /** Starts all children. */
  up(): this {
    const effects = this.do({ type: "start" });
    for (let next = effects.shift(); next !== undefined; next = effects.shift()) {
      if (next.startsWith("start ")) effects.push(...this.started(next.slice(6)));
    }
    return this;
  }

  get states(): string {
    return this.supervision.children.map(({ id, status }) => `${id}:${status}`).join(" ");
  }
}

describe("the start", () => {
  test("is in order, one child after the other", () => {
    const script = new Script({}, "abc");
    expect(script.do({ type: "start" })).toEqual(["start a"]);
    expect(script.started("a")).toEqual(["start b"]);
    expect(script.started("b")).toEqual(["start c"]);
    expect(script.started("c")).toEqual(["ready"]);
  });

  test("of no children is ready at once", () => {
    expect(new Script({}, "").do({ type: "start" })).toEqual(["ready"]);
  });

  test("that fails stops in reverse what had started", () => {
    const script = new Script({}, "abc");
    script.do({ type: "start" });
    script.started("a");
    script.started("b");
    expect(script.do({ type: "start-failed", id: "c" })).toEqual(["stop b"]);
    expect(script.crash("b", SHUTDOWN)).toEqual(["stop a"]);
    expect(script.crash("a", SHUTDOWN)).toEqual(["stopped: start-failed"]);
  });

  test("is cut off by a stop", () => {
    const script = new Script({}, "ab");
    script.do({ type: "start" });
    expect(script.do({ type: "stop" })).toEqual(["stop a"]);
    expect(script.crash("a")).toEqual(["stopped: stopped"]);
  });

  test("restarts a child that ends while a later one starts", () => {
    const script = new Script({}, "ab");
    script.do({ type: "start" });
    script.started("a");
    expect(script.crash("a")).toEqual(["restarting a 1", "start a"]);
    expect(script.started("b")).toEqual([]);
    expect(script.started("a")).toEqual(["ready"]);
  });
});

describe("one-for-one", () => {
  test("restarts the one that ended", () => {
    const script = new Script({}, "abc").up();
    expect(script.crash("b")).toEqual(["restarting b 1", "start b"]);
    expect(script.started("b")).toEqual([]);
    expect(script.states).toBe("a:up b:up c:up");
  });

  test("restarts others while one takes long to start", () => {
    const script = new Script({}, "abc").up();
    script.crash("a");
    expect(script.crash("c")).toEqual(["restarting c 2", "start c"]);
  });

  test("tries a restart that fails again, and counts it", () => {
    const script = new Script({ maxRestarts: 2 }, "ab").up();
    script.crash("a");
    const again = script.do({ type: "start-failed", id: "a" });
    expect(again).toEqual(["restarting a 2", "start a"]);
    const last = script.do({ type: "start-failed", id: "a" });
    expect(last).toEqual(["gave up 3", "stop b"]);
  });
});

describe("one-for-all", () => {
  test("stops the others in reverse, then starts all in order", () => {
    const script = new Script({ strategy: "one-for-all" }, "abc").up();
    expect(script.crash("b")).toEqual(["restarting b 1", "stop c"]);
    expect(script.crash("c", SHUTDOWN)).toEqual(["stop a"]);
    expect(script.crash("a", SHUTDOWN)).toEqual(["start a"]);
    expect(script.started("a")).toEqual(["start b"]);
    expect(script.started("b")).toEqual(["start c"]);
    expect(script.started("c")).toEqual([]);
  });

  test("another end halfway through begins the restart anew", () => {
    const script = new Script({ strategy: "one-for-all" }, "abc").up();
    script.crash("a");
    script.crash("c", SHUTDOWN);
    script.crash("b", SHUTDOWN);
    expect(script.started("a")).toEqual(["start b"]);
    expect(script.crash("a")).toEqual(["restarting a 2", "stop b"]);
    expect(script.crash("b", { type: "killed" })).toEqual(["start a"]);
  });

  test("a child that ends by itself while others are stopped counts, and is not stopped twice", () => {
    const script = new Script({ strategy: "one-for-all" }, "abc").up();
    script.crash("a");
    expect(script.crash("b")).toEqual(["restarting b 2"]);
    expect(script.crash("c", SHUTDOWN)).toEqual(["start a"]);
  });

  test("starts a transient child that had ended in order along with the others", () => {
    const script = new Script({ strategy: "one-for-all" }, "ab", "transient").up();
    expect(script.crash("b", SHUTDOWN)).toEqual([]);
    expect(script.states).toBe("a:up b:down");
    expect(script.crash("a")).toEqual(["restarting a 1", "start a"]);
    expect(script.started("a")).toEqual(["start b"]);
  });
});

describe("rest-for-one", () => {
  test("replaces the one that ended and those after it, and leaves those before it alone", () => {
    const script = new Script({ strategy: "rest-for-one" }, "abcd").up();
    expect(script.crash("b")).toEqual(["restarting b 1", "stop d"]);
    expect(script.crash("d", SHUTDOWN)).toEqual(["stop c"]);
    expect(script.crash("c", SHUTDOWN)).toEqual(["start b"]);
    expect(script.states).toBe("a:up b:starting c:down d:down");
  });

  test("widens when one before it ends meanwhile", () => {
    const script = new Script({ strategy: "rest-for-one" }, "abc").up();
    script.crash("b");
    expect(script.crash("a")).toEqual(["restarting a 2"]);
    expect(script.crash("c", SHUTDOWN)).toEqual(["start a"]);
    expect(script.started("a")).toEqual(["start b"]);
    expect(script.started("b")).toEqual(["start c"]);
  });

  test("ends temporary children after the one that ended for good", () => {
    const script = new Script({ strategy: "rest-for-one" }, "a").up();
    const child = { id: "t", restart: "temporary", dynamic: true } as const;
    expect(script.do({ type: "add", child })).toEqual(["start t"]);
    script.started("t");
    expect(script.crash("a")).toEqual(["restarting a 1", "stop t"]);
    expect(script.crash("t", SHUTDOWN)).toEqual(["removed t", "start a"]);
  });
});

describe("whether a child is restarted", () => {
  const orderly = ["normal", "shutdown"] as const;
  const unorderly: ExitReason[] = [CRASH, { type: "killed" }];

  test.each([...orderly.map((type): ExitReason => ({ type })), ...unorderly])(
    "a permanent child always, after %o",
    (reason) => {
      const script = new Script({}, "a").up();
      expect(script.crash("a", reason)).toEqual(["restarting a 1", "start a"]);
    },
  );

  test.each(orderly)("a transient child not after an orderly end (%s)", (type) => {
    const script = new Script({}, "a", "transient").up();
    expect(script.crash("a", { type })).toEqual([]);
    expect(script.states).toBe("a:down");
  });

  test.each(unorderly)("a transient child after an unorderly end", (reason) => {
    const script = new Script({}, "a", "transient").up();
    expect(script.crash("a", reason)).toEqual(["restarting a 1", "start a"]);
  });

  test("a temporary child never: it is forgotten", () => {
    expect(new Script({}, "a", "temporary").up().crash("a")).toEqual(["removed a"]);
  });

  test.each(["permanent", "transient"] as const)(
    "a %s child not after a name conflict: another serves its name",
    (restart) => {
      const script = new Script({}, "a", restart).up();
      expect(script.crash("a", { type: "name-conflict" })).toEqual([]);
    },
  );

  test("a dynamic transient child that ends in order is forgotten, so that many leave no trace", () => {
    const script = new Script({}, "").up();
    script.do({ type: "add", child: { id: "x", restart: "transient", dynamic: true } });
    script.started("x");
    expect(script.crash("x", { type: "normal" })).toEqual(["removed x"]);
    expect(script.states).toBe("");
  });
});

describe("the intensity", () => {
  test("restarts maxRestarts times within the window, and gives up at one more", () => {
    const script = new Script({ maxRestarts: 3, withinMs: 5_000 }, "ab").up();
    for (let n = 1; n <= 3; n++) {
      expect(script.crash("a")).toEqual([`restarting a ${n}`, "start a"]);
      script.started("a");
      script.now += 1_000;
    }
    expect(script.crash("a")).toEqual(["gave up 4", "stop b"]);
    expect(script.crash("b", SHUTDOWN)).toEqual(["stopped: gave-up"]);
  });

  test("forgets restarts that are older than the window", () => {
    const script = new Script({ maxRestarts: 1, withinMs: 1_000 }, "a").up();
    for (let n = 0; n < 20; n++) {
      expect(script.crash("a")).toEqual(["restarting a 1", "start a"]);
      script.started("a");
      script.now += 1_000;
    }
  });

  test("counts restarts of all children together", () => {
    const script = new Script({ maxRestarts: 1 }, "ab").up();
    script.crash("a");
    script.started("a");
    expect(script.crash("b")).toEqual(["gave up 2", "stop a"]);
  });

  test("does not count what the supervisor itself stops", () => {
    const script = new Script({ strategy: "one-for-all", maxRestarts: 1 }, "abc").up();
    script.crash("a");
    script.crash("c", SHUTDOWN);
    expect(script.crash("b", CRASH)).toEqual(["start a"]);
  });

  test("of zero gives up at the first end", () => {
    expect(new Script({ maxRestarts: 0 }, "a").up().crash("a")).toEqual([
      "gave up 1",
      "stopped: gave-up",
    ]);
  });
});

describe("backoff", () => {
  test("doubles with each restart within the window, up to its ceiling", () => {
    const script = new Script({ maxRestarts: 9, backoffMs: 100, backoffMsMax: 300 }, "a").up();
    for (const delayMs of [100, 200, 300, 300]) {
      expect(script.crash("a")).toContain(`wait a ${delayMs}`);
      expect(script.states).toBe("a:waiting");
      expect(script.do({ type: "backoff-over", id: "a" })).toEqual(["start a"]);
      script.started("a");
    }
  });

  test("a child that waits is stopped without a word", () => {
    const script = new Script({ backoffMs: 100, backoffMsMax: 100 }, "a").up();
    script.crash("a");
    expect(script.do({ type: "stop" })).toEqual(["stopped: stopped"]);
    expect(script.do({ type: "backoff-over", id: "a" })).toEqual([]);
  });
});

describe("children that come and go", () => {
  test("are added at the end and removed at will", () => {
    const script = new Script({}, "a").up();
    const child = { id: "b", restart: "permanent", dynamic: true } as const;
    expect(script.do({ type: "add", child })).toEqual(["start b"]);
    script.started("b");
    expect(script.do({ type: "remove", id: "b" })).toEqual(["stop b"]);
    expect(script.crash("b", SHUTDOWN)).toEqual(["removed b"]);
    expect(script.do({ type: "remove", id: "nobody" })).toEqual([]);
  });

  test("one that does not start is forgotten and harms nobody", () => {
    const script = new Script({}, "a").up();
    script.do({ type: "add", child: { id: "b", restart: "permanent", dynamic: true } });
    expect(script.do({ type: "start-failed", id: "b" })).toEqual(["removed b"]);
    expect(script.states).toBe("a:up");
  });

  test("one that is removed while it starts is stopped, however its start ends", () => {
    for (const end of ["start-failed", "started"] as const) {
      const script = new Script({}, "a").up();
      script.do({ type: "add", child: { id: "b", restart: "permanent", dynamic: true } });
      expect(script.do({ type: "remove", id: "b" })).toEqual(["stop b"]);
      const effects = script.do({ type: end, id: "b" });
      expect([...effects, ...(end === "started" ? script.crash("b") : [])]).toEqual(["removed b"]);
    }
  });

  test("one that is being removed does not come back with the others", () => {
    const script = new Script({ strategy: "one-for-all" }, "ab").up();
    expect(script.do({ type: "remove", id: "b" })).toEqual(["stop b"]);
    expect(script.crash("a")).toEqual(["restarting a 1"]);
    expect(script.crash("b", SHUTDOWN)).toEqual(["removed b", "start a"]);
  });

  test("one added to a supervisor that has stopped is removed at once", () => {
    const script = new Script({}, "").up();
    script.do({ type: "stop" });
    const child = { id: "b", restart: "permanent", dynamic: true } as const;
    expect(script.do({ type: "add", child })).toEqual(["removed b"]);
  });

  test("the stop is in reverse order", () => {
    const script = new Script({}, "abc").up();
    expect(script.do({ type: "stop" })).toEqual(["stop c"]);
    expect(script.crash("c", SHUTDOWN)).toEqual(["stop b"]);
    expect(script.crash("a")).toEqual([]);
    expect(script.crash("b", SHUTDOWN)).toEqual(["stopped: stopped"]);
  });
});

describe("a child that is held", () => {
  test("stops, keeps its place, and starts there again when it is resumed", () => {
    const script = new Script({}, "abc").up();
    expect(script.do({ type: "hold", id: "b" })).toEqual(["stop b"]);
    expect(script.crash("b", SHUTDOWN)).toEqual([]);
    expect(script.states).toBe("a:up b:down c:up");
    expect(script.do({ type: "resume", id: "b" })).toEqual(["start b"]);
    script.started("b");
    expect(script.states).toBe("a:up b:up c:up");
  });

  test("is not started by the end of its wait", () => {
    const script = new Script({ backoffMs: 10, backoffMsMax: 10 }, "ab").up();
    expect(script.crash("a")).toEqual(["restarting a 1", "wait a 10"]);
    expect(script.do({ type: "hold", id: "a" })).toEqual([]);
    expect(script.do({ type: "backoff-over", id: "a" })).toEqual([]);
  });

  test("comes back when its group is restarted, as in OTP", () => {
    const script = new Script({ strategy: "one-for-all" }, "ab").up();
    script.do({ type: "hold", id: "b" });
    script.crash("b", SHUTDOWN);
    expect(script.crash("a")).toEqual(["restarting a 1", "start a"]);
    expect(script.started("a")).toEqual(["start b"]);
  });
});

describe("an end that is nobody's fault", () => {
  test("restarts the group and is not counted", () => {
    const script = new Script({ strategy: "rest-for-one", maxRestarts: 0 }, "abc").up();
    const lost = { type: "exited", id: "b", reason: CRASH, blameless: true } as const;
    expect(script.do(lost)).toEqual(["stop c"]);
    expect(script.crash("c", SHUTDOWN)).toEqual(["start b"]);
    expect(script.started("b")).toEqual(["start c"]);
    script.started("c");
    expect(script.crash("a")).toEqual(["gave up 1", "stop c"]);
  });

  test("leaves a temporary child ended", () => {
    const script = new Script({}, "ab", "temporary").up();
    const lost = { type: "exited", id: "a", reason: CRASH, blameless: true } as const;
    expect(script.do(lost)).toEqual(["removed a"]);
  });
});

describe("a child that has run before the supervisor began", () => {
  test("does not fail the supervisor's start when it does not start: that is a failure of its own", () => {
    const rules = { maxRestarts: 3, withinMs: 5_000, backoffMs: 0, backoffMsMax: 0 } as const;
    const supervision = new Supervision({ strategy: "one-for-one", ...rules }, [
      { id: "a", restart: "permanent", dynamic: false, ran: true },
    ]);
    expect(supervision.handle({ type: "start" }, 0).map(text)).toEqual(["start a"]);
    const failed = supervision.handle({ type: "start-failed", id: "a" }, 0).map(text);
    expect(failed).toEqual(["restarting a 1", "start a"]);
  });
});
