/** What the keeper of voters decides, view by view. */
import { expect, test } from "@jest/globals";
import type { NodeId } from "@foundation/core";
import { VOTER_POLICY } from "../../../src/membership/limits.js";
import {
  decideVoters,
  type VoterDecision,
  type VoterNode,
  type VoterView,
} from "../../../src/membership/protocol/voter-decision.js";
import { configurationOf, type Configuration } from "../../../src/protocol/raft/configuration.js";

const NOW = 10_000_000;
const LONG_AGO = 0;

const idOf = (name: string): NodeId => name.charCodeAt(0).toString(16).padStart(32, "0") as NodeId;

/** "a:east" is alive in the zone east, "b-" will leave, "c?" is suspected, "d*" has not joined. */
function nodeOf(text: string): VoterNode {
  const [, name = "", mark, zone] = /^(\w)([-?*]?)(?::(\w+))?$/.exec(text) ?? [];
  const status = mark === "-" ? "draining" : mark === "?" ? "suspect" : "alive";
  return { id: idOf(name), name, zone, status, hasJoined: mark !== "*" };
}

function view(voters: string, nodes: string, given: Partial<VoterView> = {}): VoterView {
  return {
    now: NOW,
    self: idOf("a"),
    configuration: configurationOf(voters.split("").map(idOf)),
    nodes: nodes.split(" ").map(nodeOf),
    goneSince: new Map(),
    superseded: new Set(),
    learningSince: new Map(),
    changedAt: LONG_AGO,
    replacedAt: [],
    wellSince: LONG_AGO,
    ...given,
  };
}

const gone = (name: string, forMs: number): ReadonlyMap<NodeId, number> => {
  return new Map([[idOf(name), NOW - forMs]]);
};

function decide(given: VoterView, voters = 3): VoterDecision {
  return decideVoters(given, { ...VOTER_POLICY, voters });
}

/** "+d" is added, "-c" removed. */
function shown(decision: VoterDecision): string {
  if (decision.type === "transfer") return `to ${nameOf(decision.to)}`;
  if (decision.type === "none") return "none";
  const signs = { "add-voter": "!", "add-when-caught-up": "+", "add-learner": "~", remove: "-" };
  return decision.changes.map(({ type, id }) => signs[type] + nameOf(id)).join(" ");
}

const nameOf = (id: NodeId): string => String.fromCharCode(Number.parseInt(id.slice(-2), 16));

const dead = VOTER_POLICY.deadAfterMs;

test.each<[string, VoterView, string]>([
  ["three that are well stay", view("abc", "a b c d"), "none"],
  ["from one, two are added at once", view("a", "a b c d"), "+b +c"],
  ["from two, one", view("ab", "a b c d"), "+c"],
  ["one of two nodes votes", view("a", "a b"), "none"],
  ["a suspected node is no candidate", view("a", "a b c?"), "none"],
  [
    "a voter that is gone for a while stays",
    view("abc", "a b d", { goneSince: gone("c", dead - 1) }),
    "none",
  ],
  ["a dead one gets a successor first", view("abc", "a b d", { goneSince: gone("c", dead) }), "+d"],
  ["and goes once that votes", view("abcd", "a b d", { goneSince: gone("c", dead) }), "-c"],
  [
    "without a successor it stays: two survive no more",
    view("abc", "a b", { goneSince: gone("c", dead) }),
    "none",
  ],
  ["one that will leave gets a successor at once", view("abc", "a b c- d"), "+d"],
  [
    "of three, one dead and one leaving, the last one must vote alone",
    view("abc", "a b-", { goneSince: gone("c", dead) }),
    "-c",
  ],
  ["which it does next", view("ab", "a b-"), "-b"],
  ["a leader that will leave hands over", view("abc", "a- b c d"), "to b"],
  ["more voters than wanted: not the leader goes", view("abcd", "a b c d"), "-d"],
  ["the zone of fewest voters is chosen", view("a", "a:east b:east c:west d:north"), "+c +d"],
  [
    "a second voter in a zone moves to one that has none",
    view("abc", "a:east b:east c:west d:north"),
    "+d",
  ],
  ["and goes from where two are", view("abcd", "a:east b:east c:west d:north"), "-b"],
])("%s", (_, given, expected) => {
  expect(shown(decide(given))).toBe(expected);
});

test("nothing is done while a joint configuration stands, or right after a change", () => {
  const joint: Configuration = { ...configurationOf([idOf("a")]), outgoing: [idOf("b")] };
  expect(decide(view("a", "a b c", { configuration: joint })).type).toBe("none");
  const just = decide(view("a", "a b c", { changedAt: NOW - 1 }));
  expect(just).toEqual({
    type: "none",
    why: "the last change was just now",
    at: NOW - 1 + VOTER_POLICY.changeIntervalMs,
  });
});

test("replacements have a limit for each hour, and growth has none", () => {
  const replacedAt = [NOW - 300, NOW - 200, NOW - 100];
  const held = decide(view("abc", "a b d", { goneSince: gone("c", dead), replacedAt }));
  expect(held).toMatchObject({ type: "none", at: NOW - 300 + VOTER_POLICY.replacementWindowMs });
  expect(held.why).toMatch(/3 voters were replaced lately, which is the limit/);
  expect(shown(decide(view("a", "a b c", { replacedAt })))).toBe("+b +c");
});

test("a voter whose name another node bears is dead sooner", () => {
  const forMs = VOTER_POLICY.supersededAfterMs;
  const goneSince = gone("c", forMs);
  expect(shown(decide(view("abc", "a b d", { goneSince })))).toBe("none");
  const superseded = new Set([idOf("c")]);
  expect(shown(decide(view("abc", "a b d", { goneSince, superseded })))).toBe("+d");
});

test("a learner that is gone or does not catch up gives its place to another", () => {
  const configuration: Configuration = {
    ...configurationOf([idOf("a")], [idOf("b")]),
    promotable: [idOf("b")],
  };
  const goneSince = gone("b", dead);
  expect(shown(decide(view("a", "a c", { configuration, goneSince })))).toBe("-b");
  const learningSince = new Map([[idOf("b"), NOW - VOTER_POLICY.catchUpMs]]);
  expect(shown(decide(view("a", "a b c", { configuration, learningSince })))).toBe("-b");
  expect(shown(decide(view("a", "a b", { configuration, learningSince })))).toBe("none");
});

test("it looks again when the next one may be called dead", () => {
  const goneSince = gone("c", 1_000);
  expect(decide(view("abc", "a b d", { goneSince }))).toMatchObject({
    type: "none",
    at: NOW - 1_000 + dead,
  });
});
