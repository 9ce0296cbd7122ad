import { describe, expect, test } from "@jest/globals";
import { compareVersions, takeoverSpec, versionOf } from "../../../src/protocol/child-spec.js";
import {
  movedVersion,
  passiveCopy,
  stepSource,
  stepTarget,
  type PassiveCopy,
  type SourceEvent,
  type SourceState,
  type TargetEvent,
} from "../../../src/protocol/migration.js";
import { owner, spec } from "./cast.js";

const times = { commitWithinMs: 10, holdMs: 30, handOverMs: 5 };

/** Plays the events from the beginning; every effect, in order, and where it ended. */
function source(...events: SourceEvent[]) {
  let state: SourceState = { phase: "freezing" };
  const effects: string[] = [];
  for (const event of events) {
    const step = stepSource(state, event, times);
    state = step.state;
    effects.push(...step.effects);
  }
  return { effects, state };
}

const frozen = { type: "frozen", nowMs: 100 } as const;
const accepted = { type: "accepted", nowMs: 105, isCurrent: true } as const;
const ended = (as: string) => ({ phase: "ended", as });

describe("the source of a move", () => {
  test("commits once the copy is installed, hands the mailbox over and is done", () => {
    const { effects, state } = source(
      ...[frozen, accepted],
      ...[{ type: "committed" } as const, { type: "begun" } as const],
    );
    expect(effects).toEqual(["offer", "commit", "hand-over"]);
    expect(state).toEqual(ended("moved"));
  });

  test("goes on as if nothing had been when it fails before the commit", () => {
    expect(source({ type: "failed" })).toEqual({ effects: [], state: ended("stayed") });
    const offered = source(frozen, { type: "failed" });
    expect(offered).toEqual({ effects: ["offer", "thaw", "withdraw"], state: ended("stayed") });
    const refused = source(frozen, accepted, { type: "not-committed" });
    expect(refused.effects).toEqual(["offer", "commit", "thaw", "withdraw"]);
  });

  test("does not commit a copy that the target may have dropped, nor one that is outdated", () => {
    for (const late of [
      { ...accepted, nowMs: 111 },
      { ...accepted, isCurrent: false },
    ]) {
      expect(source(frozen, late).effects).toEqual(["offer", "thaw", "withdraw"]);
    }
  });

  test("never resumes once it has asked for the commit and was not told that it did not happen", () => {
    const asked = source(frozen, accepted, { type: "failed" }, { type: "unanswered" });
    expect(asked).toEqual({ effects: ["offer", "commit"], state: { phase: "committing" } });
    const unknown = source(frozen, accepted, { type: "commit-unknown" }, { type: "not-committed" });
    expect(unknown).toEqual({ effects: ["offer", "commit", "end"], state: ended("lost") });
    const silent = source(frozen, accepted, { type: "committed" }, { type: "unanswered" });
    expect(silent.state).toEqual(ended("unknown"));
  });
});

const base = versionOf(spec({ generation: 3 }));
const moved = movedVersion(base, owner(2));
const held = passiveCopy(base, owner(2), 1, 100, times);

function phaseAfter(...events: TargetEvent[]): PassiveCopy["phase"] {
  return events.reduce((copy, event) => stepTarget(copy, event, times), held).phase;
}

const heard = (version: typeof base) => ({ type: "spec", version, nowMs: 110 }) as const;
const time = (nowMs: number) => ({ type: "time", nowMs }) as const;
const gone = { type: "source-gone" } as const;

describe("the target of a move", () => {
  test("begins when the mailbox was handed over", () => {
    expect(phaseAfter(heard(moved))).toBe("committed");
    expect(phaseAfter(heard(moved), { type: "handed-over", version: moved })).toBe("begun");
    expect(phaseAfter({ type: "handed-over", version: moved })).toBe("begun");
    expect(phaseAfter({ type: "handed-over", version: base })).toBe("held");
  });

  test("begins without the rest of the mailbox when its source has gone or is silent", () => {
    expect(phaseAfter(heard(moved), gone)).toBe("begun");
    expect(phaseAfter(gone, heard(moved))).toBe("begun");
    expect(phaseAfter(heard(moved), time(114))).toBe("committed");
    expect(phaseAfter(heard(moved), time(115))).toBe("begun");
  });

  test("drops the copy when it is withdrawn, outdated, or its time is over", () => {
    expect(phaseAfter({ type: "withdrawn" })).toBe("dropped");
    expect(phaseAfter(time(129))).toBe("held");
    expect(phaseAfter(gone, time(130))).toBe("dropped");
    expect(phaseAfter(heard({ ...moved, state: "stopped" }))).toBe("dropped");
    expect(phaseAfter(heard({ ...moved, generation: 6 }))).toBe("dropped");
  });

  test("keeps a committed copy whatever its source says later", () => {
    expect(phaseAfter(heard(moved), { type: "withdrawn" })).toBe("committed");
  });

  test("takes over with the copy, but not what has gone on since", () => {
    expect(phaseAfter(gone, { type: "inherit", version: base })).toBe("begun");
    expect(phaseAfter(gone, { type: "inherit", version: { ...base, generation: 4 } })).toBe(
      "dropped",
    );
  });
});

test("a move outranks the takeover of whoever did not hear of it", () => {
  for (const node of [0, 1, 2, 3, 9]) {
    const taken = takeoverSpec(spec({ generation: 3 }), owner(node));
    expect(compareVersions(moved, versionOf(taken))).toBeGreaterThan(0);
    expect(phaseAfter(heard(versionOf(taken)))).toBe("held");
  }
});
