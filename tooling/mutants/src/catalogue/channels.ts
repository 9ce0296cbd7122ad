/** Bugs in what channels promise: exactly once over connections that break, credit, large messages, newest values. */
import type { Swarm } from "../../../acceptance/simulation/swarm.js";
import type { Mutant } from "../mutant.js";

/** Much is sent while connections break; nodes are seldom given up. */
const breaking: Partial<Swarm> = {
  faults: ["reset", "half-open", "heal", "clog", "pause"],
  faultEveryMs: 400,
  channelEveryMs: 15,
  workEveryMs: 60,
  heavyChance: 0,
};
/** Nodes are given up, and come back as they were or anew. */
const parting: Partial<Swarm> = {
  faults: ["partition", "isolate", "heal", "crash"],
  faultEveryMs: 3_000,
  downMsMax: 4_000,
  channelEveryMs: 25,
  workEveryMs: 60,
  heavyChance: 0,
};

const runtime = "packages/overlay/src/runtime";
const protocol = "packages/overlay/src/protocol";

export const channelMutants: readonly Mutant[] = [
  {
    name: "resume-sends-one-too-many",
    file: `${protocol}/flow/send-flow.ts`,
    edits: [
      {
        find: "      this.#acknowledge(receivedFrames, this.#retained.length);\n",
        replace: "      this.#acknowledge(receivedFrames - 1, this.#retained.length);\n",
      },
    ],
    bug: "After a reconnect the last frame that was counted is written again.",
    breaks: "A reliable message is handled once.",
    swarm: breaking,
  },
  {
    name: "resume-skips-one",
    file: `${protocol}/flow/send-flow.ts`,
    edits: [
      {
        find: "      this.#acknowledge(receivedFrames, this.#retained.length);\n",
        replace: "      this.#acknowledge(receivedFrames + 1, this.#retained.length);\n",
      },
    ],
    bug: "The count is taken for the number of the last frame: the next one is not written again.",
    breaks: "A reliable message arrives over connections that break.",
    swarm: breaking,
  },
  {
    name: "retained-until-it-breaks",
    file: `${protocol}/flow/send-flow.ts`,
    edits: [
      {
        find: "    return isWhole ? 0 : this.#dropBegun();\n",
        replace:
          "    this.#retained.clear();\n    this.#retainedBytes = 0;\n" +
          "    return isWhole ? 0 : this.#dropBegun();\n",
      },
    ],
    bug: "What was written is forgotten with its connection, as on a lane that keeps nothing.",
    breaks: "A reliable message arrives over connections that break.",
    swarm: breaking,
  },
  {
    name: "other-session-is-taken-for-the-same",
    file: `${protocol}/flow/send-flow.ts`,
    edits: [
      {
        find: "    const isSame = this.#peerSession === session;\n",
        replace: "    const isSame = this.#peerSession !== undefined;\n",
      },
    ],
    bug: "Any session counts as the one of before: what its receiver has handled is written again.",
    breaks: "A message is handled once, also when its receiver has forgotten its sender.",
    missed:
      "one side must forget the other for good while that one remembers, which takes a minute of a one-sided end; the " +
      "world of lanes (acceptance/cores) finds it in its first seed",
    swarm: parting,
  },
  {
    name: "credit-is-of-all-connections",
    file: `${protocol}/flow/send-flow.ts`,
    edits: [
      {
        find: "    this.#sentBytes = 0;\n    this.#creditBytes = 0;\n  }\n",
        replace: "    this.#creditBytes = 0;\n  }\n",
      },
    ],
    bug: "What was sent on older connections counts against the credit of the new one.",
    breaks: "A lane goes on after a reconnect.",
    swarm: breaking,
  },
  {
    name: "release-tells-nobody",
    file: `${runtime}/link-inflow.ts`,
    edits: [
      {
        find: "    this.#receive.onReleased = () => this.#consumed();\n",
        replace: "",
      },
    ],
    bug: "Credit is told when a frame comes; what a slow handler frees later is told with the next frame, which never comes.",
    breaks: "A sender that waits for credit goes on when the handlers have finished.",
    swarm: { ...breaking, channelEveryMs: 8 },
  },
  {
    name: "held-for-ever",
    file: `${runtime}/link-inflow.ts`,
    edits: [{ find: "      this.#receive.release(bytes);\n", replace: "" }],
    bug: "The bytes of a message whose handler is asynchronous are never given back.",
    breaks: "A consumed message takes no credit.",
    swarm: breaking,
  },
  {
    name: "control-frames-are-counted",
    file: `${runtime}/inbound.ts`,
    edits: [
      {
        find: "    const isData = frame[0] !== FrameKind.control;\n",
        replace: "    const isData = frame[0] !== FrameKind.control || frame.length > 25;\n",
      },
    ],
    bug: "Some control frames are counted by their receiver, and never by their sender.",
    breaks: "A reliable message arrives over connections that break.",
    swarm: breaking,
  },
  {
    name: "chunks-take-turns",
    file: `${protocol}/flow/send-flow.ts`,
    edits: [
      {
        find:
          "      if (content.leftBytes === 0 || isTakenBack) this.#waiting.shift();\n" +
          "      else this.messages = 0;\n",
        replace:
          "      this.#waiting.shift();\n" +
          "      if (content.leftBytes > 0 && !isTakenBack) {\n" +
          "        this.messages = 0;\n        this.#waiting.push(first);\n      }\n",
      },
    ],
    bug: "A large message goes to the end of its queue after each chunk, so that small ones wait less.",
    breaks: "Messages of one lane stay in order, whatever their size.",
    swarm: { channelEveryMs: 25, heavyChance: 0 },
  },
  {
    name: "parts-end-with-the-connection",
    file: `${runtime}/link-inflow.ts`,
    edits: [
      {
        find: "    this.#connection = connection;\n",
        replace: "    this.#connection = connection;\n    this.assembly.clear();\n",
      },
    ],
    bug: "The parts of a large message are thrown away with their connection, and only the rest comes again.",
    breaks: "A reliable message arrives over connections that break, whatever its size.",
    swarm: { ...breaking, channelEveryMs: 10 },
  },
  {
    name: "kept-for-any-start",
    file: `${runtime}/kept-flows.ts`,
    edits: [
      {
        find: "    if (kept.boot !== boot) {\n",
        replace: '    if (boot === "") {\n',
      },
    ],
    bug: "What was kept for a node is given to its next start.",
    breaks: "No message for one start of a node is handled by another.",
    swarm: parting,
  },
  {
    name: "kept-lanes-wait-for-their-use",
    file: `${runtime}/peer-table.ts`,
    edits: [
      {
        find: "    if (peer.coordination?.isUp !== true) return;\n    if (this.collaborators",
        replace: "    if (peer.coordination !== undefined) return;\n    if (this.collaborators",
      },
    ],
    bug: "What was kept for a node that returns leaves when something else is sent on its lane, or never.",
    breaks: "A reliable message arrives when its receiver returns in time.",
    swarm: { ...parting, channelEveryMs: 400 },
  },
  {
    name: "refused-request-leaves-with-its-lane",
    file: `${runtime}/outbound-requests.ts`,
    edits: [
      {
        find: "      if (entry.frame !== NOT_APPENDED) retract(entry);\n      entry.reject(unreachable(",
        replace: "      entry.reject(unreachable(",
      },
    ],
    bug: "A request that was refused when its node was given up stays in what is kept for it.",
    breaks: "A request that ended ERR_NODE_UNREACHABLE never runs.",
    swarm: parting,
  },
  {
    name: "refused-ack-leaves-with-its-lane",
    file: `${runtime}/delivery/acked-sends.ts`,
    edits: [
      {
        find: "    if (entry.frame !== NOT_APPENDED) retract(entry);\n    return unreachable(",
        replace: "    return unreachable(",
      },
    ],
    bug: "The same for a message of an acked channel.",
    breaks: "A send that ended ERR_NODE_UNREACHABLE never arrives.",
    swarm: parting,
  },
  {
    name: "acknowledged-when-it-came",
    file: `${runtime}/delivery/acked-calls.ts`,
    edits: [
      {
        find: "      if (!isPromise(result)) return this.#finish(link, id, undefined);\n",
        replace:
          "      if (!isPromise(result)) return this.#finish(link, id, undefined);\n" +
          "      this.#answer(link, id, undefined);\n",
      },
    ],
    bug: "A message is acknowledged when its handler has begun.",
    breaks: "An acked send ends when its handler has finished.",
  },
  {
    name: "forgets-what-it-has-handled",
    file: `${protocol}/delivery/acked-inbox.ts`,
    edits: [
      {
        find: "    sender.done.set(id, Math.floor(now / 1_000));\n    sender.order.push(id);\n",
        replace: "",
      },
    ],
    bug: "A message is known while it is being handled; a repetition that comes later is handled again.",
    breaks: "An acked message is handled once.",
    swarm: { ...breaking, faults: [...(breaking.faults ?? []), "network", "slow-node"] },
  },
  {
    name: "older-value-stays",
    file: `${protocol}/delivery/latest.ts`,
    edits: [{ find: "      older.message = message;\n", replace: "" }],
    bug: "A newer value of a key that waits takes the older one's place in the count, and not in the queue.",
    breaks: "The last value of each key arrives.",
    swarm: { channelEveryMs: 25 },
  },
  {
    name: "waiting-values-end-with-the-lane",
    file: `${runtime}/link.ts`,
    edits: [
      {
        find: "    this.#takeLatest();\n    this.batch.seal();\n",
        replace: "",
      },
    ],
    bug: "Of a lane that was never up nothing is kept: nothing was written on it.",
    breaks: "The last value of each key arrives at a node that returns in time.",
    swarm: { ...parting, channelEveryMs: 100 },
  },
  {
    name: "small-pieces-last",
    file: `${protocol}/streams/inbound-stream.ts`,
    edits: [
      {
        find: "  #keepLarge(piece: Uint8Array): void {\n    this.#sealBlock();\n",
        replace: "  #keepLarge(piece: Uint8Array): void {\n",
      },
    ],
    bug: "Small pieces are gathered in a block that is read when no large one waits.",
    breaks: "The bytes of a stream come in order.",
    swarm: { channelEveryMs: 15, heavyChance: 0 },
  },
  {
    name: "stream-credit-ends-with-the-connection",
    file: `${runtime}/streams/inbound-streams.ts`,
    edits: [
      {
        find: "      if (stream.link === link) stream.tellAgain();\n",
        replace: "",
      },
    ],
    bug: "What a reader granted just before a connection broke is not told again.",
    breaks: "A stream on a reliable lane goes on over connections that break.",
    swarm: { ...breaking, channelEveryMs: 8 },
  },
];
