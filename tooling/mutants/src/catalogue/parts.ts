/** Bugs in what many processes are together: trees, groups, kept states, conflicts, rebalancing. */
import type { Mutant } from "../mutant.js";

const registry = "packages/registry/src";

export const partMutants: readonly Mutant[] = [
  {
    name: "rest-for-one-forgets-the-rest",
    file: "packages/core/src/process/protocol/supervision.ts",
    edits: [
      {
        find: "? all : all.slice(all.indexOf(failed));\n",
        replace: "? all : all.slice(0, all.indexOf(failed) + 1);\n",
      },
    ],
    bug: "Where one child ends, those before it are started again instead of those after it.",
    breaks: "A tree restarts whom its strategy says, in the order of their start.",
    game: "processes",
  },
  {
    name: "snapshot-of-its-own-generation",
    file: `${registry}/runtime/snapshots/snapshots.ts`,
    edits: [
      {
        find: "    if (stamp === undefined || stamp.stopped || stamp.incarnation !== spec.incarnation) {\n",
        replace:
          "    if (stamp === undefined || stamp.stopped || stamp.generation !== spec.generation) {\n",
      },
    ],
    bug: "Whoever takes a process over looks for what it kept itself.",
    breaks: "State restarts from the last `persist` snapshot, wherever that is.",
    game: "processes",
  },
  {
    name: "conflicts-are-for-the-application",
    file: `${registry}/runtime/conflicts/conflicts.ts`,
    edits: [
      {
        find: "    const isWanted = definition.resolveConflict !== undefined || this.#onConflict !== undefined;\n",
        replace: "    const isWanted = definition.version < 0 || this.#onConflict !== undefined;\n",
      },
    ],
    bug: "Without `onConflict` the loser of a name ends before anybody was given its state.",
    breaks: "Losers end with `name-conflict` and their state is offered to `resolveConflict`.",
    game: "processes",
  },
  {
    name: "member-stays-where-it-was",
    file: `${registry}/runtime/groups/group-store.ts`,
    edits: [
      {
        find: "    for (const { group } of memberships) this.#put(group, identity);\n",
        replace:
          "    for (const { group, pid } of memberships) if (pid) this.#put(group, identity);\n",
      },
    ],
    bug: "A member that runs nowhere for a moment is looked at no more when it runs again.",
    breaks: "A child is a member through crashes, takeovers and migrations.",
    game: "processes",
  },
  {
    name: "rebalances-without-end",
    file: `${registry}/runtime/placement/rebalancer.ts`,
    edits: [
      {
        find: "    for (const move of plan.moves.slice(0, options.maxMoves)) {\n",
        replace: "    for (const move of plan.moves) {\n",
      },
    ],
    bug: "The limit of a rebalancing's moves is checked and forgotten.",
    breaks: "A rebalancing moves no more than `maxMoves`.",
    game: "processes",
  },
];
