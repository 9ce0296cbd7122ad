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
        find: "    if (pid !== undefined) this.#events.gone(child, pid);\n",
        replace:
          "    if (pid !== undefined && child.endReason === undefined) this.#events.gone(child, pid);\n",
      },
    ],
    bug: "A child that is told to end keeps its name: whoever told it would take care of that.",
    breaks: "A name leads to a process that runs, or nowhere.",
  },
];
