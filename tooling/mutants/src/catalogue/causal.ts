/** Bugs in replicated state of all types: what is lost, back, or counted wrongly. */
import type { Mutant } from "../mutant.js";

const causal = "packages/crdt/src/protocol/causal";
const types = "packages/crdt/src/protocol/types";
const game = "state";

export const causalMutants: readonly Mutant[] = [
  {
    name: "part-claims-what-it-leaves-out",
    game,
    file: `${causal}/delta-writer.ts`,
    edits: [
      {
        find: "      const last = isCut ? (entries.at(-1)?.sequence ?? first - 1) : through;\n",
        replace: "      const last = through;\n",
      },
    ],
    bug: "A transfer that is cut off says it was whole, as delta_crdt's does: the rest counts as removed.",
    breaks: "A truncated sync delays and never loses.",
  },
  {
    name: "absence-is-removal",
    game,
    file: `${causal}/removals.ts`,
    edits: [
      {
        find: "        if (isOurs && theirs.has(sequence)) here.add(sequence, sequence);\n",
        replace: "        if (isOurs) here.add(sequence, sequence);\n",
      },
    ],
    bug: "What the peer does not have was removed there, also if it never heard of it.",
    breaks: "Nothing is concluded from what a peer does not know.",
  },
  {
    name: "removals-are-not-compared",
    game,
    file: `${causal}/exchange.ts`,
    edits: [
      {
        find: "  return strand.live !== live || strand.high !== high || strand.low !== low;\n",
        replace: "  return strand.live < 0 && live + high + low < 0;\n",
      },
    ],
    bug: "Two replicas that saw the same writes are taken for equal, whatever was removed.",
    breaks: "Anti-entropy finds whatever differs.",
  },
  {
    name: "write-beside-what-it-replaces",
    game,
    file: `${causal}/causal-state.ts`,
    edits: [
      {
        find: "    this.#table.clear(key);\n    this.#table.strands",
        replace: "    this.#table.strands",
      },
    ],
    bug: "A write of a key leaves the writes before it alive.",
    breaks: "A write takes the place of what its writer had seen.",
  },
  {
    name: "kept-before-it-is-durable",
    game,
    file: "packages/crdt/src/runtime/causal/persistence.ts",
    edits: [{ find: "    await storage.sync(this.#logFile);\n", replace: "" }],
    bug: "A write is acknowledged when it was handed to the disk, not when it is on it.",
    breaks: "What was acknowledged as durable is there after a power cut.",
  },
  {
    name: "rights-stay-when-given",
    game,
    file: `${types}/bounded-counter.ts`,
    edits: [
      {
        find: "  for (const [to, given] of Object.entries(own.given)) if (to !== writer) rights -= given;\n",
        replace: "",
      },
    ],
    bug: "Who hands rights over keeps them too.",
    breaks: "A bounded counter is never below zero.",
  },
];
