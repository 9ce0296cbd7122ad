/** Bugs in how nodes are linked, and in how broadcasts pass from neighbour to neighbour. */
import type { Swarm } from "../../../acceptance/simulation/swarm.js";
import type { Mutant } from "../mutant.js";

/** Few links, and much is published while they come and go. */
const treeful: Partial<Swarm> = {
  nodes: 10,
  topology: "hyparview",
  faults: ["reset", "half-open", "partition", "isolate", "heal", "pause"],
  faultEveryMs: 800,
  workEveryMs: 15,
  channelEveryMs: 0,
  heavyChance: 0,
};
/** The topology is another one every second or so. */
const switching: Partial<Swarm> = {
  nodes: 8,
  faults: ["switch", "reset", "heal"],
  faultEveryMs: 900,
  workEveryMs: 15,
  channelEveryMs: 0,
  heavyChance: 0,
};
/** Two halves decide differently, and meet again. */
const divided: Partial<Swarm> = {
  ...switching,
  faults: ["switch", "partition", "heal"],
  faultEveryMs: 2_500,
};

const protocol = "packages/overlay/src/protocol";

export const topologyMutants: readonly Mutant[] = [
  {
    name: "broadcasts-as-they-come",
    file: `${protocol}/plumtree/ordering.ts`,
    edits: [
      {
        find: "    if (entry.seq === source.next) {\n",
        replace: "    if (entry.seq >= source.next) {\n",
      },
    ],
    bug: "What comes is delivered at once: a message that overtook another one need not wait for it.",
    breaks: "Broadcasts of one origin are delivered in the order they were sent, each once.",
    missed:
      "links keep the order, so one broadcast seldom overtakes another; it would take a tree that is mended while much is sent",
    swarm: treeful,
  },
  {
    name: "copies-are-news",
    file: `${protocol}/plumtree/intake.ts`,
    edits: [
      {
        find: "    if (source !== undefined && (source.has(seq) || source === own)) {\n",
        replace: "    if (source !== undefined && source === own) {\n",
      },
    ],
    bug: "Each neighbour sends a message once, so whatever comes is taken for new.",
    breaks: "A broadcast is delivered once, however many neighbours send it.",
    swarm: treeful,
  },
  {
    name: "announced-and-never-asked-for",
    file: `${protocol}/plumtree/repair.ts`,
    edits: [
      {
        find: "    if (source.offers !== undefined && now >= source.askedUntil) this.#ask(source, now);\n",
        replace: "",
      },
    ],
    bug: "The tree brings everything, so nothing is asked for that was only announced.",
    breaks: "No broadcast is missed while neighbours are connected.",
    swarm: treeful,
  },
  {
    name: "handed-over-before-the-member",
    file: "packages/overlay/src/runtime/broadcast/handing-over.ts",
    edits: [
      {
        find: "    if (this.#bootOf(origin) !== boot || this.#early.has(origin, boot)) {\n",
        replace: "    if (this.#early.has(origin, boot)) {\n",
      },
    ],
    bug: "A broadcast that came by way of others is handed over whoever sent it.",
    breaks: "Nothing of a node is heard after its end was told.",
    missed:
      "membership is told as soon as the broadcast comes; it would take news of a member that is slower than its broadcasts",
    swarm: { ...treeful, faults: ["partition", "isolate", "crash", "heal"], faultEveryMs: 2_500 },
  },
  {
    name: "the-older-topology-wins",
    file: `${protocol}/switching/topology-switch.ts`,
    edits: [
      {
        find: "    const order = compareRecords(record, this.#record);\n",
        replace: "    const order = compareRecords(this.#record, record);\n",
      },
    ],
    bug: "The comparison is written the wrong way round: what was decided first is kept.",
    breaks: "All members have one topology, the one decided last.",
    swarm: divided,
  },
  {
    name: "neighbour-of-a-broken-link",
    file: `${protocol}/hyparview/edges.ts`,
    edits: [
      {
        find: "    const wasNeighbor = this.#bonds.remove(id) !== undefined;\n",
        replace: "    const wasNeighbor = this.#state.active.find(id) !== undefined;\n",
      },
    ],
    bug: "A link that broke is expected to come back, so the neighbour stays in the view.",
    breaks: "Neighbours have a link, and a node that is gone leaves every view.",
    swarm: treeful,
  },
];
