/** Client sessions: section 6.3 of Ongaro's thesis. */
import { describe, expect, test } from "@jest/globals";
import {
  SessionTable,
  type SessionCommand,
  type SessionResult,
} from "../../../src/protocol/sessions/session-table.js";

const limits = { sessionsMax: 3, responsesMax: 2, ttlMs: 1_000 };

/** A counter behind a table: each execution adds. */
class Counter {
  readonly table: SessionTable<number, number>;
  total = 0;
  #index = 0;

  constructor(table = new SessionTable<number, number>(limits)) {
    this.table = table;
  }

  apply(command: SessionCommand<number>): SessionResult<number> {
    this.#index += 1;
    return this.table.apply(this.#index, command, (payload) => (this.total += payload));
  }

  open(timeMs = 0): number {
    const result = this.apply({ type: "open", timeMs });
    if (result.type !== "opened") throw new Error(result.type);
    return result.session;
  }

  add(session: number, sequence: number, answeredBelow = 1, timeMs = 0): SessionResult<number> {
    return this.apply({ type: "command", timeMs, session, sequence, answeredBelow, payload: 5 });
  }
}

describe("sessions", () => {
  test("a command that is sent again is answered again and not executed again", () => {
    const counter = new Counter();
    const session = counter.open();
    expect(counter.add(session, 1)).toEqual({ type: "done", response: 5, isRepeat: false });
    expect(counter.add(session, 2)).toEqual({ type: "done", response: 10, isRepeat: false });
    expect(counter.add(session, 1)).toEqual({ type: "done", response: 5, isRepeat: true });
    expect(counter.total).toBe(10);
  });

  test("commands of one client under way at once may arrive in any order", () => {
    const counter = new Counter();
    const session = counter.open();
    expect(counter.add(session, 2)).toMatchObject({ isRepeat: false });
    expect(counter.add(session, 1)).toMatchObject({ isRepeat: false });
    expect(counter.add(session, 2)).toMatchObject({ isRepeat: true });
  });

  test("answers the client has are forgotten, and their commands not executed either", () => {
    const counter = new Counter();
    const session = counter.open();
    counter.add(session, 1);
    counter.add(session, 2, 2);
    expect(counter.add(session, 1)).toEqual({ type: "answered" });
    expect(counter.total).toBe(10);
  });

  test("two clients' equal numbers are two commands", () => {
    const counter = new Counter();
    const [one, other] = [counter.open(), counter.open()];
    counter.add(one, 1);
    expect(counter.add(other, 1)).toMatchObject({ isRepeat: false });
  });

  test("a client that acknowledges nothing is stopped, and goes on when it does", () => {
    const counter = new Counter();
    const session = counter.open();
    counter.add(session, 1);
    counter.add(session, 2);
    expect(counter.add(session, 3)).toEqual({ type: "busy" });
    expect(counter.add(session, 3, 2)).toMatchObject({ type: "done", isRepeat: false });
    expect(counter.total).toBe(15);
  });

  test("a session silent for its time in the log is closed; then nothing is executed for it", () => {
    const counter = new Counter();
    const [silent, kept] = [counter.open(), counter.open()];
    counter.apply({ type: "keep", timeMs: 900, session: kept });
    expect(counter.add(kept, 1, 1, 1_000)).toMatchObject({ type: "done" });
    expect(counter.add(silent, 1, 1, 1_001)).toEqual({ type: "no-session" });
    expect(counter.total).toBe(5);
  });

  test("a leader whose clock is behind does not take the time back", () => {
    const counter = new Counter();
    counter.open(5_000);
    expect(counter.table.timeMs).toBe(5_000);
    const late = counter.open(1_000);
    expect(counter.table.timeMs).toBe(5_000);
    expect(counter.add(late, 1, 1, 5_999)).toMatchObject({ type: "done" });
  });

  test("when the table is full the session that was silent longest is closed", () => {
    const counter = new Counter();
    const [first, second] = [counter.open(), counter.open(), counter.open()];
    counter.add(first as number, 1);
    counter.open();
    expect(counter.add(second as number, 1)).toEqual({ type: "no-session" });
    expect(counter.add(first as number, 1)).toMatchObject({ isRepeat: true });
  });

  test("a closed session stays closed", () => {
    const counter = new Counter();
    const session = counter.open();
    expect(counter.apply({ type: "close", timeMs: 0, session })).toEqual({ type: "closed" });
    expect(counter.add(session, 1)).toEqual({ type: "no-session" });
  });

  test("a table made from a snapshot goes on like the one it was taken from", () => {
    const counter = new Counter();
    const [one, other] = [counter.open(), counter.open(10)];
    counter.add(one, 1);
    counter.add(other, 1, 1, 20);
    counter.add(one, 2, 1, 30);
    const state = counter.table.state();
    const copy = new SessionTable<number, number>(limits, structuredClone(state));
    expect(copy.state()).toEqual(state);
    const commands: SessionCommand<number>[] = [
      { type: "command", timeMs: 40, session: one, sequence: 1, answeredBelow: 1, payload: 5 },
      { type: "open", timeMs: 50 },
      { type: "open", timeMs: 60 },
      { type: "command", timeMs: 70, session: other, sequence: 1, answeredBelow: 1, payload: 5 },
      { type: "keep", timeMs: 1_040, session: one },
      { type: "command", timeMs: 1_070, session: one, sequence: 3, answeredBelow: 3, payload: 5 },
    ];
    commands.forEach((command, i) => {
      const run = (table: SessionTable<number, number>) => table.apply(90 + i, command, () => i);
      expect(run(copy)).toEqual(run(counter.table));
    });
    expect(copy.state()).toEqual(counter.table.state());
  });
});
