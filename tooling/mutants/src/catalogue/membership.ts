/** Bugs in who is a member, who lives, and which of two statements is the newer one. */
import type { Mutant } from "../mutant.js";

const protocol = "packages/overlay/src/protocol/membership";

export const membershipMutants: readonly Mutant[] = [
  {
    name: "refutes-death-only",
    file: `${protocol}/gossip.ts`,
    edits: [
      {
        find: 'if (status === "left" || compareEntries(same, self) <= 0) return;',
        replace:
          'if (status === "left" || status === "suspect" || compareEntries(same, self) <= 0) return;',
      },
    ],
    bug: "A suspicion is dropped instead of refuted: only a death seemed worth an answer.",
    breaks: "A living node is alive on every node once the network is whole.",
  },
  {
    name: "incarnation-before-boot",
    file: `${protocol}/entry.ts`,
    edits: [
      {
        find: "  if (a.boot !== b.boot) return a.boot > b.boot ? 1 : -1;\n",
        replace:
          "  if (a.boot !== b.boot && a.incarnation === b.incarnation) return a.boot > b.boot ? 1 : -1;\n",
      },
    ],
    bug: "The incarnation is compared first, so an old boot that refuted often beats a newer start.",
    breaks: "A newer boot always wins.",
  },
  {
    name: "tombstones-for-one-round",
    file: `${protocol}/directory.ts`,
    edits: [
      {
        find: "now - slot.endedAt >= times.tombstoneMs) expired.push(id);",
        replace: "slot.endedAt < now) expired.push(id);",
      },
    ],
    bug: "Who has left is forgotten at the next round of anti-entropy: a day seemed a waste of memory.",
    breaks: "A stale rumour revives nobody: tombstones outlive it.",
    // Who was paused for long enough brings the rumour; who starts anew under its id would hide it.
    swarm: {
      faults: ["pause", "leave"],
      faultEveryMs: 1_500,
      pauseMsMax: 20_000,
      downMsMax: 25_000,
      wipeChance: 1,
      restoreChance: 0,
    },
  },
  {
    name: "boot-is-not-counted",
    file: "packages/core/src/runtime/identity.ts",
    edits: [
      {
        find: "Math.max((kept?.order ?? 0) + 1, wallMs);",
        replace: "Math.max(kept?.order ?? 1, wallMs);",
      },
    ],
    bug: "The order of a start is kept but not raised: with a clock that was set back it is used twice.",
    breaks: "A later start always has the greater boot.",
  },
  {
    name: "damage-that-reads-well",
    file: "packages/core/src/runtime/identity.ts",
    edits: [
      {
        find: "  return sum === sumOf(id, order) ? { id, order } : undefined;\n",
        replace: '  return typeof sum === "string" ? { id, order } : undefined;\n',
      },
    ],
    bug: "The checksum of the identity is read and not compared.",
    breaks: "Damage on a disk never turns a node into another one.",
  },
];
