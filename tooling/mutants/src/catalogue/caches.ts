/** Bugs in caches: what a quorum overlooks, what a copy outlives, what a hand-over leaves behind. */
import type { Mutant } from "../mutant.js";

const cache = "packages/cache/src";

export const cacheMutants: readonly Mutant[] = [
  {
    name: "reads-of-a-quorum-less-one",
    file: `${cache}/runtime/reader.ts`,
    edits: [
      {
        find: "      const needed = quorumOf(owners.length);\n",
        replace: "      const needed = Math.max(1, quorumOf(owners.length) - 1);\n",
      },
    ],
    bug: "A read is content with one owner less than most.",
    breaks: "A read of a quorum is never behind an acknowledged write.",
    game: "caches",
  },
  {
    name: "copies-of-any-epoch",
    file: `${cache}/runtime/copies.ts`,
    edits: [
      {
        find: '        const seen = consistency === "quorum" ? item.version.epoch : (ring?.number ?? ANY_VIEW);\n',
        replace: "        const seen = ring?.number ?? ANY_VIEW;\n",
      },
    ],
    bug: "A copy that is sent again names the epoch of the moment, and counts for the write of the one before.",
    breaks: "A quorum counts only what is taken in the epoch that gave the version.",
    game: "caches",
  },
  {
    name: "version-without-its-epoch",
    file: `${cache}/protocol/version.ts`,
    edits: [
      {
        find: "  if (a.epoch !== b.epoch) return a.epoch - b.epoch;\n",
        replace: "",
      },
    ],
    bug: "Versions are compared by their counters alone, which each epoch begins anew.",
    breaks: "A write of a newer epoch is newer than all before.",
    game: "caches",
  },
  {
    name: "near-copy-is-not-withdrawn",
    file: `${cache}/runtime/keeper.ts`,
    edits: [
      {
        find: "      const withdrawn = this.#copies.withdraw(op.key, this.#book.take(op.key));\n",
        replace:
          "      const withdrawn = this.#copies.withdraw(op.key, existed ? [] : this.#book.take(op.key));\n",
      },
    ],
    bug: "Only what is new is withdrawn, since what is replaced expires by itself.",
    breaks: "A near copy is withdrawn before a write is acknowledged.",
    game: "caches",
  },
  {
    name: "late-answer-is-kept-near",
    file: `${cache}/protocol/near-copies.ts`,
    edits: [
      {
        find: "    for (const question of this.#open.get(key) ?? []) question.isDirty = true;\n",
        replace: "",
      },
    ],
    bug: "A withdrawal that overtakes an answer marks nothing.",
    breaks: "An answer that a withdrawal overtook is not kept.",
    game: "caches",
  },
  {
    name: "hand-over-of-what-there-was",
    file: `${cache}/runtime/pulls.ts`,
    edits: [
      {
        find: '    if (this.#standing.ring?.members.includes(from) !== true) return ["wait"];\n    const held',
        replace: '    if (this.#standing.ring === undefined) return ["wait"];\n    const held',
      },
    ],
    bug: "An old owner says what it holds to a node that it does not see as a member yet.",
    breaks: "What is written while a bucket is pulled is not lost.",
    game: "caches",
  },
  {
    name: "former-owner-just-drops",
    file: `${cache}/runtime/mending.ts`,
    edits: [
      {
        find: "      await this.#send(node, bucket, isSame ? isDeletion : undefined);\n",
        replace: "      if (isSame) await this.#send(node, bucket, isDeletion);\n",
      },
    ],
    bug: "Who is no owner any more leaves it to the owners to pull what differs, and drops it.",
    breaks: "What was acknowledged on one side of a partition is there after it.",
    game: "caches",
  },
  {
    name: "deletion-leaves-no-trace",
    file: `${cache}/protocol/replica.ts`,
    edits: [
      {
        find: "      this.#bury(item.key, { bucket, version: item.version, isExpired: item.bytes !== undefined });\n",
        replace: "",
      },
    ],
    bug: "A deletion removes the entry and leaves no tombstone.",
    breaks: "What was deleted does not come back with a node that missed it.",
    game: "caches",
  },
  {
    name: "copy-lives-for-ever",
    file: `${cache}/protocol/item.ts`,
    edits: [
      {
        find: "  const left = freshForMs === Infinity ? null : freshForMs;\n",
        replace:
          "  const left = freshForMs === Infinity || staleForMs === 0 ? null : freshForMs;\n",
      },
    ],
    bug: "What is left of its time goes with an entry only when it has a time after that.",
    breaks: "An entry ends with its time, whichever node keeps it.",
    game: "caches",
  },
  {
    name: "late-fill-is-kept",
    file: `${cache}/protocol/flights.ts`,
    edits: [
      {
        find: "    if (this.#flights.get(key)?.token !== token) return false;\n",
        replace: "    if ((this.#flights.get(key)?.token ?? token) !== token) return false;\n",
      },
    ],
    bug: "A grant counts unless another one was given since: a write ended it, and nobody looks.",
    breaks: "What was computed before a write is not kept after it.",
    game: "caches",
  },
  {
    name: "every-node-computes",
    file: `${cache}/protocol/flights.ts`,
    edits: [
      {
        find: "    if (flight.deadlineMs <= nowMs) {\n",
        replace: "    if (flight.deadlineMs <= nowMs || flight.node !== waiter.node) {\n",
      },
    ],
    bug: "A grant passes to whoever asks from another node.",
    breaks: "A key is computed once in the cluster.",
    game: "caches",
  },
];
