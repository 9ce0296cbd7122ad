/** Bugs in names and children: who holds a name, who takes over, and who gives way. */
import type { Mutant } from "../mutant.js";

const registry = "packages/registry/src";

export const registryMutants: readonly Mutant[] = [
  {
    name: "own-claim-wins",
    file: `${registry}/runtime/names/name-store.ts`,
    edits: [
      {
        find: "    const winner = resolve(claims);\n",
        replace:
          "    const mine = claims.find(({ owner }) => sameOwner(owner, this.#wiring.self));\n" +
          "    const winner = mine ?? resolve(claims);\n",
      },
    ],
    bug: "A node prefers the process it runs itself to another one of the same name.",
    breaks: "Every node picks the same winner from the same claims.",
  },
  {
    name: "equal-generations-tie",
    file: `${registry}/protocol/child-spec.ts`,
    edits: [
      {
        find: "    a.generation - b.generation ||\n    compareOwners(a.owner, b.owner) ||\n",
        replace: "    a.generation - b.generation ||\n",
      },
    ],
    bug: "Two nodes that take a child over at once write versions that nobody can order.",
    breaks: "One owner of an identity after the heal.",
  },
  {
    name: "loser-runs-on",
    file: `${registry}/protocol/takeover.ts`,
    edits: [
      {
        find: '    return { type: "end", reason: spec.state === "running" ? "name-conflict" : "shutdown" };\n  }\n  return { type: "end", reason: "name-conflict" };\n',
        replace:
          '    return { type: "end", reason: spec.state === "running" ? "name-conflict" : "shutdown" };\n  }\n  return undefined;\n',
      },
    ],
    bug: "Who lost an identity to another node leaves its own instance to the next restart.",
    breaks: "One instance of an identity after the heal.",
  },
  {
    name: "owner-without-boot",
    file: `${registry}/runtime/wiring.ts`,
    edits: [
      {
        find: "  return membership.member(owner.node)?.boot === owner.boot;\n",
        replace: "  return membership.member(owner.node) !== undefined;\n",
      },
    ],
    bug: "A node that was started anew is taken for the owner of what ran on it before.",
    breaks: "A child whose owner (node, boot) is gone is taken over.",
    // Back under the same id before anybody has noticed.
    swarm: {
      faults: ["crash", "power"],
      faultEveryMs: 1_500,
      downMsMax: 500,
      wipeChance: 0,
      restoreChance: 0,
    },
  },
  {
    name: "failed-start-keeps-the-incarnation",
    file: `${registry}/protocol/child-spec.ts`,
    edits: [
      {
        find: "    incarnation: (known?.incarnation ?? 0) + 1,\n",
        replace: "    incarnation: known?.incarnation ?? 1,\n",
      },
    ],
    bug: "A start after a stop or a failure reuses the incarnation that ended.",
    breaks: "What was given up or stopped can be started again.",
  },
  {
    name: "name-outlives-its-process",
    file: `${registry}/runtime/supervision/children.ts`,
    edits: [
      {
        find: "    if (pid !== undefined) this.#events.gone(child, pid, reason);\n",
        replace:
          "    if (pid !== undefined && child.endReason === undefined) this.#events.gone(child, pid, reason);\n",
      },
    ],
    bug: "A child that is told to end keeps its name: whoever told it would take care of that.",
    breaks: "A name leads to a process that runs, or nowhere.",
  },
  {
    name: "source-goes-on-after-the-commit",
    file: `${registry}/runtime/migration/departures.ts`,
    game: "processes",
    edits: [
      {
        find: "    this.#supervision.children.handOff(identity, this.#forwards.to(successor));\n",
        replace: "    this.#wiring.kernel.thaw(from);\n",
      },
    ],
    bug: "A process that has moved runs on where it was until somebody says that it shall end.",
    breaks: "After the commit of a migration the source never resumes.",
  },
  {
    name: "stragglers-are-dropped",
    file: `${registry}/runtime/migration/forwards.ts`,
    game: "processes",
    edits: [
      {
        find: '      if (message.type === "call") void this.#call(route, pid, message);\n',
        replace: '      if (message.type === "call") return;\n',
      },
    ],
    bug: "What waited in the mailbox of a process that moved is left behind.",
    breaks: "No call between surviving nodes fails because a process moves.",
  },
  {
    name: "lease-is-believed-for-ever",
    file: `${registry}/runtime/strong/strong-names.ts`,
    game: "processes",
    edits: [
      {
        find: '    claim.signal.addEventListener("abort", onLost, { once: true });\n',
        replace: "",
      },
      {
        find: "    if (this.#closing.signal.aborted) void this.release(identity);\n    return claim;\n",
        replace:
          "    if (this.#closing.signal.aborted) void this.release(identity);\n" +
          "    return { token: claim.token, isHeld: true };\n",
      },
    ],
    bug: "Whoever was given a strong name takes it for its own until it gives it back.",
    breaks: "At most one instance of a strong process has effect.",
  },
  {
    name: "living-owner-is-taken-over",
    file: `${registry}/protocol/takeover.ts`,
    game: "processes",
    edits: [
      {
        find: "  return view.isMember(spec.owner) ? undefined : decideForOrphan(spec, view);\n",
        replace: "  return decideForOrphan(spec, view);\n",
      },
    ],
    bug: "The node that the placement names takes a child even where its owner lives.",
    breaks: "A node never takes over what a living owner has.",
  },
  {
    name: "stop-does-not-outrank",
    file: `${registry}/protocol/child-spec.ts`,
    game: "processes",
    edits: [
      {
        find: '    Number(a.state === "stopped") - Number(b.state === "stopped") ||\n',
        replace: "",
      },
    ],
    bug: "A stop is a version like any other, so a takeover behind a partition brings the child back.",
    breaks: "What was stopped stays stopped.",
  },
  {
    name: "copy-begins-without-its-commit",
    file: `${registry}/protocol/migration.ts`,
    game: "processes",
    edits: [
      {
        find: '      return { ...copy, phase: copy.phase === "committed" ? "begun" : "dropped" };\n',
        replace: '      return { ...copy, phase: "begun" };\n',
      },
      {
        find: '      return copy.phase === "held" ? { ...copy, phase: "dropped" } : copy;\n',
        replace: '      return copy.phase === "held" ? { ...copy, phase: "begun" } : copy;\n',
      },
    ],
    bug: "A copy whose move was given up begins all the same: better two than none.",
    breaks: "The target of a migration begins only under the committed version.",
  },
  {
    name: "unknown-outcome-is-tried-again",
    file: `${registry}/runtime/calls/remote-calls.ts`,
    game: "processes",
    edits: [
      {
        find: '        if (isFoundationError(error, "ERR_UNKNOWN_SUBJECT")) return notRun(new NotRun());\n',
        replace:
          '        if (isFoundationError(error, "ERR_UNKNOWN_SUBJECT")) return notRun(new NotRun());\n' +
          '        if (isFoundationError(error, "ERR_OUTCOME_UNKNOWN")) return notRun(new NotRun());\n',
      },
    ],
    bug: "A call whose connection broke is sent to wherever the name leads by then.",
    breaks:
      "In-flight calls of a dead host end `ERR_OUTCOME_UNKNOWN` and are never silently retried.",
  },
  {
    name: "half-is-a-quorum",
    file: `${registry}/protocol/partition.ts`,
    game: "processes",
    edits: [
      {
        find: "  return of > 0 && present * 2 > of;\n",
        replace: "  return of > 0 && present > 0;\n",
      },
    ],
    bug: "A node that sees itself has a quorum: it counts whom it sees against nobody.",
    breaks: "A guarded process stops on the side of the minority.",
  },
  {
    name: "takeover-counts-no-generation",
    file: `${registry}/protocol/child-spec.ts`,
    game: "processes",
    edits: [
      {
        find: "    generation: spec.generation + 1,\n",
        replace: "    generation: spec.generation,\n",
      },
    ],
    bug: "Whoever takes a child over writes the generation that it had.",
    breaks: "The last takeover wins on every node.",
  },
];
