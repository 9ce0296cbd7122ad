/** Bugs in replicated state: what is missed, revived, or concluded too early. */
import type { Mutant } from "../mutant.js";

const owned = "packages/crdt/src/protocol/owned";

export const stateMutants: readonly Mutant[] = [
  {
    name: "a-gap-of-one-fits",
    file: `${owned}/shard.ts`,
    edits: [
      {
        find: "  if (delta.from > at.sequence) return false;\n",
        replace: "  if (delta.from > at.sequence + 1) return false;\n",
      },
    ],
    bug: "A delta that begins one write too late is merged: the write between is lost for good.",
    breaks: "Replicas of a shard agree with its owner.",
  },
  {
    name: "last-write-is-not-pulled",
    file: `${owned}/owned-state.ts`,
    edits: [
      {
        find: "    if (shard.sequence <= pull.sequence) return;\n",
        replace: "    if (shard.sequence <= pull.sequence + 1) return;\n",
      },
    ],
    bug: "A replica that lacks the last write alone is taken for complete.",
    breaks: "Anti-entropy repairs whatever a delta missed.",
  },
  {
    name: "returning-shard-stays-hidden",
    file: `${owned}/view.ts`,
    edits: [
      {
        find: "    for (const entry of shard.live()) this.note({ before: undefined, after: entry });\n",
        replace: "",
      },
    ],
    bug: "A node that comes back is a member again, but what it said before is not shown again.",
    breaks: "After the heal every node has the same names and subscriptions.",
  },
  {
    name: "shard-of-another-boot",
    file: `${owned}/owned-state.ts`,
    edits: [
      {
        find: "    if (owner === this.#own.owner || this.#members.get(owner) !== boot) return undefined;\n",
        replace:
          "    if (owner === this.#own.owner || !this.#members.has(owner)) return undefined;\n",
      },
      {
        find: "    if (replica !== undefined && replica.shard.boot !== boot) this.#drop(id, replica);\n    else if",
        replace: "    if",
      },
    ],
    bug: "A shard is known by its node alone: what an earlier start wrote stands for the present one.",
    breaks: "A shard is visible exactly while its (owner, boot) is a member.",
  },
  {
    name: "fingerprint-of-the-key-alone",
    file: "packages/crdt/src/protocol/versioned/bucket-table.ts",
    edits: [
      {
        find: '${canonicalText(stamp)}\\u0000${deleted ? "-" : "+"}${text}',
        replace: '${deleted ? "-" : "+"}${text.slice(0, 0)}',
      },
    ],
    bug: "The fingerprint of a write leaves its stamp and its value out: two versions of a key look the same.",
    breaks: "Anti-entropy finds whatever differs.",
  },
  {
    name: "last-arrival-wins",
    file: "packages/crdt/src/protocol/versioned/versioned-state.ts",
    edits: [
      {
        find: "    if (before !== undefined && !this.#beats(item, before)) {\n      // A ripe",
        replace:
          "    if (before !== undefined && this.#order(item, before) === 0) {\n      // A ripe",
      },
    ],
    bug: "What arrives replaces what is there unless it is the same, older or not.",
    breaks: "A key's stamp never goes back.",
  },
  {
    name: "deletion-leaves-nothing",
    file: "packages/crdt/src/protocol/versioned/versioned-state.ts",
    edits: [
      {
        find: "    this.#table.put(item);\n    const { key, stamp } = item;\n",
        replace:
          "    this.#table.put(item);\n" +
          "    if (item.deleted && !local) this.#table.remove(item);\n" +
          "    const { key, stamp } = item;\n",
      },
    ],
    bug: "Only the node that deletes keeps a tombstone; the others just forget the key.",
    breaks: "What was deleted does not come back.",
  },
  {
    name: "clock-does-not-learn",
    file: "packages/core/src/ids/hybrid-logical-clock.ts",
    edits: [
      {
        find: "    if (compareHybridTimestamps(remote, this.last) > 0) {\n",
        replace: "    if (remote.wallMs > this.#wallMs && remote.wallMs <= wallNow) {\n",
      },
    ],
    bug: "A timestamp ahead of the own wall clock is not believed, so later writes lose against it.",
    breaks: "A write made after reading another one is the newer one, however clocks are skewed.",
  },
  {
    name: "counter-starts-at-each-receipt",
    file: "packages/core/src/ids/hybrid-logical-clock.ts",
    edits: [
      {
        find: "      this.#wallMs = remote.wallMs;\n      this.#counter = remote.counter;\n",
        replace: "      this.#wallMs = remote.wallMs;\n      this.#counter = 0;\n",
      },
    ],
    bug: "The counter of a remote timestamp is dropped: the next write may be older than what was read.",
    breaks: "Every timestamp given is greater than every one received before.",
  },
  {
    name: "prunes-living-branches",
    file: "packages/pubsub/src/protocol/topic-trie.ts",
    edits: [
      {
        find: "      if (leaf === undefined || leaf.values.size > 0 || leaf.children.size > 0) break;\n",
        replace: "      if (leaf === undefined || leaf.values.size > 0) break;\n",
      },
    ],
    bug: "An end of a subscription takes the longer patterns below the same branch with it.",
    breaks: "A subscription lasts until it is closed.",
  },
];
