/** Bugs in connections: which one counts, what waits for it, and what is delivered when. */
import type { Swarm } from "../../../acceptance/simulation/swarm.js";
import type { Mutant } from "../mutant.js";

/** Links that break all the time on a slow network: where the order of a few messages decides. */
const weather: Partial<Swarm> = {
  faults: ["reset", "half-open", "isolate", "one-way", "heal", "clog", "pause"],
  conditions: { latencyMs: 1, jitterMs: 150, spikeChance: 0.05, spikeMs: 2_000, bytesPerMs: 5_000 },
  faultEveryMs: 400,
  workEveryMs: 30,
  heavyChance: 0,
};

const overlay = "packages/overlay/src/runtime";
const flow = "packages/overlay/src/protocol/flow";

export const linkMutants: readonly Mutant[] = [
  {
    name: "old-connection-delivers",
    file: `${overlay}/link.ts`,
    edits: [
      {
        find: "      if (this.connection === connection) this.world.owner.receive(this, frame);\n",
        replace: "      this.world.owner.receive(this, frame);\n",
      },
    ],
    bug: "What a replaced connection still brings is handled, after what came over the new one.",
    breaks: "Messages of one sender stay in order, and none comes after `node-down`.",
  },
  {
    name: "old-connection-ends-the-link",
    file: `${overlay}/link.ts`,
    edits: [
      {
        find: "      if (this.connection === connection) this.#onBroken(end);\n",
        replace: "      this.#onBroken(end);\n",
      },
    ],
    bug: "The end of a replaced connection is taken for the end of the one that took its place.",
    breaks: "A link that is up carries what is sent, and every connection is closed in the end.",
  },
  {
    name: "newest-frame-first",
    file: `${flow}/send-flow.ts`,
    edits: [
      {
        find: "    this.#waiting.push({ content, messages, memory });\n",
        replace:
          "    const before = [];\n" +
          "    if (!this.#isOpen) while (this.#waiting.length > 0) before.push(this.#waiting.shift()!);\n" +
          "    for (const item of [{ content, messages, memory }, ...before]) this.#waiting.push(item);\n",
      },
    ],
    bug: "Frames that wait for a connection are put in front instead of behind.",
    breaks: "Messages of one sender stay in order over a reconnect.",
  },
  {
    name: "resends-the-last-frame",
    file: `${overlay}/link-outflow.ts`,
    edits: [
      {
        find: "        this.world.metrics.messagesOut.add(outgoing.messages);\n",
        replace:
          "        this.world.metrics.messagesOut.add(outgoing.messages);\n" +
          "        Object.assign(this, { inFlight: frame });\n",
      },
      {
        find: "    const cutOff = this.outgoing.detach();\n",
        replace:
          "    const cutOff = this.outgoing.detach();\n" +
          "    const { inFlight } = this as unknown as { inFlight?: Uint8Array };\n" +
          "    const isLost = inFlight !== undefined && !this.retains;\n" +
          "    if (isLost) this.outgoing.queue(inFlight, 0);\n",
      },
    ],
    bug: "The last frame is sent again over the next connection, since it may not have arrived.",
    breaks: "No call runs twice.",
  },
  {
    name: "frame-numbers-restart",
    file: `${flow}/send-flow.ts`,
    edits: [
      {
        find: "      if (!this.#hasBegun(item)) this.begun += 1;\n",
        replace: "",
      },
    ],
    bug: "Frames that were dropped unsent are not counted, so later ones seem not written yet.",
    breaks: "A call that is reported as not delivered did not run.",
  },
  {
    name: "heard-before-member",
    file: `${overlay}/peer-table.ts`,
    edits: [
      {
        find: "      if (!isMember) held.held.push(connection.pause());\n",
        replace: "",
      },
    ],
    bug: "A channel delivers as soon as it is open, whether membership has told of its sender or not.",
    breaks: "Nothing of a node comes after its `node-down` and before its next `node-up`.",
    swarm: weather,
  },
  {
    name: "one-channel-stays-paused",
    file: `${overlay}/peer-table.ts`,
    edits: [
      {
        find: "held.held.push(connection.pause());",
        replace: "held.held.splice(0, 1, connection.pause());",
      },
    ],
    bug: "Of the channels that wait for `node-up` only the last one is remembered and resumed.",
    breaks: "After the heal every message arrives.",
    missed:
      "two channels of one node must be open and wait for its `node-up` at the same time: caught in other draws of this " +
      "weather, not in a minute of these",
    swarm: weather,
  },
  {
    name: "half-open-channel-is-trusted",
    file: `${overlay}/peer-table.ts`,
    edits: [
      {
        find: "    if (!link.isUp) return this.collaborators.opener.want(link);\n",
        replace: "    if (!link.isUp) this.collaborators.opener.want(link);\n    return;\n",
      },
    ],
    bug: "A request to open a channel that seems to be open is taken for a late one, and ignored.",
    breaks: "A half-open channel is opened anew when the other side asks for it.",
    swarm: weather,
  },
  {
    name: "first-dialler-stays",
    file: `${overlay}/peer-table.ts`,
    edits: [
      {
        find: "    peer.dialledBy = dialledBy;\n",
        replace: "    if (peer.coordination === undefined) peer.dialledBy = dialledBy;\n",
      },
    ],
    bug: "Who dialled is noted with the first connection of a peer only; a reconnect may be the other's.",
    breaks: "One of the two sides opens the channels.",
  },
  {
    name: "given-up-for-good",
    file: `${overlay}/channel-opener.ts`,
    edits: [
      {
        find: "    this.settled(link);\n    this.#dials.get(link)?.();\n",
        replace:
          "    this.settled(link);\n    link.opening = true;\n    this.#dials.get(link)?.();\n",
      },
    ],
    bug: "A channel that could not be opened in time keeps its mark and is never opened again.",
    breaks: "After the heal every channel carries messages.",
  },
  {
    name: "given-up-and-taken-all-the-same",
    file: `${overlay}/dialling.ts`,
    edits: [
      {
        find: "        if (signal.aborted) {\n",
        replace: "        if (this.#closed) {\n",
      },
    ],
    bug: "A dial that was given up is used when its welcome was already under way.",
    breaks: "An older connection of a channel never replaces a newer one.",
    missed:
      "a dial must be given up in the instant in which its welcome is under way, and the link must have a newer " +
      "connection with messages on it: too rare for a minute of seeds",
    swarm: {
      ...weather,
      conditions: {
        latencyMs: 700,
        jitterMs: 900,
        spikeChance: 0.1,
        spikeMs: 2_500,
        bytesPerMs: 5_000,
      },
    },
  },
  {
    name: "last-words-are-not-written",
    file: `${overlay}/link.ts`,
    edits: [
      {
        find: "  override disconnect(end: ConnectionEnd): void {\n    this.flush();\n",
        replace: "  override disconnect(end: ConnectionEnd): void {\n",
      },
    ],
    bug: "A close does not flush the batch of the turn: the farewell is in it.",
    breaks: "Who leaves in order is told as left, and what was accepted is written before a close.",
  },
  {
    name: "forgotten-address-is-dialled-on",
    file: `${overlay}/dial-targets.ts`,
    edits: [
      { find: "    target?.timer?.cancel();\n", replace: "" },
      {
        find: "    target.timer = undefined;\n    target.dialling = true;\n",
        replace:
          "    target.timer = undefined;\n" +
          "    if (this.#closed) return this.#retryLater(target);\n" +
          "    target.dialling = true;\n",
      },
    ],
    bug: "A forgotten address keeps its timer, and a closed dialler puts the attempt off for ever.",
    breaks: "A node that has left leaves no timer behind.",
  },
];
