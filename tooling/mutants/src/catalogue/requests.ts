/** Bugs in calls: what a caller is told, and whether that is what happened. */
import type { Mutant } from "../mutant.js";

export const requestMutants: readonly Mutant[] = [
  {
    name: "acknowledges-early",
    file: "packages/core/src/process/execution.ts",
    edits: [
      {
        find: "    pending.then(\n      (value) => this.#succeeded",
        replace:
          '    if (message.type === "call") this.ending.answer(message, { ok: true, value: undefined });\n' +
          "    pending.then(\n      (value) => this.#succeeded",
      },
    ],
    bug: "An asynchronous handler's call is answered when the handler has begun, not when it is done.",
    breaks: "A call reports success only if it ran.",
  },
  {
    name: "retries-the-unknown",
    file: "packages/registry/src/runtime/calls/remote-calls.ts",
    edits: [
      {
        find: 'if (isFoundationError(error, "ERR_NODE_UNREACHABLE")) return notRun(new NotRun(error));',
        replace:
          'if (isFoundationError(error, "ERR_NODE_UNREACHABLE") || ' +
          'isFoundationError(error, "ERR_OUTCOME_UNKNOWN")) return notRun(new NotRun(error));',
      },
    ],
    bug: "A call whose connection broke is sent again to where the name leads now, silently.",
    breaks: "No call runs twice.",
    // Names move while their callers cannot hear it.
    swarm: {
      faults: ["partition", "isolate", "one-way", "heal", "reset", "leave"],
      faultEveryMs: 1_500,
      workEveryMs: 8,
    },
  },
  {
    name: "written-off-by-one",
    file: "packages/overlay/src/runtime/outbound-requests.ts",
    edits: [
      {
        find: "    return this.frame < this.link.sentFrames;\n",
        replace: "    return this.frame + 1 < this.link.sentFrames;\n",
      },
    ],
    bug: "Frames are numbered from 0 and were compared as if from 1: the last one seems unsent.",
    breaks: "A call that is reported as not delivered did not run.",
  },
  {
    name: "request-is-not-taken-back",
    file: "packages/overlay/src/runtime/outbound-requests.ts",
    edits: [
      {
        find: "      retract(entry);\n",
        replace: "      entry.frame = NOT_APPENDED;\n",
      },
    ],
    bug: "A request whose time was over before it was written stays in the queue and leaves later.",
    breaks: "A call that ended ERR_TIMEOUT never runs.",
  },
  {
    name: "lowest-free-request-id",
    file: "packages/overlay/src/protocol/rpc.ts",
    edits: [
      {
        find: "    do {\n      this.#lastId =",
        replace: "    this.#lastId = 0;\n    do {\n      this.#lastId =",
      },
    ],
    bug: "An id is given again as soon as it is free, so a late reply answers another request.",
    breaks: "A call reports success only if it ran.",
  },
  {
    name: "expired-calls-run",
    file: "packages/core/src/process/execution.ts",
    edits: [
      {
        find: "if (call.deadline !== undefined && call.deadline <= this.#turns.nowMs) {",
        replace: "if (call.deadline !== undefined && call.deadline + 100 <= this.#turns.nowMs) {",
      },
    ],
    bug: "The mailbox is generous: a call that is a little late is run all the same.",
    breaks: "A call that ended ERR_TIMEOUT never runs.",
  },
  {
    name: "running-call-is-told-it-did-not",
    file: "packages/registry/src/runtime/calls/local-calls.ts",
    edits: [
      {
        find: "    if (this.#began) {\n",
        replace: '    if (this.#began && reason === "aborted") {\n',
      },
    ],
    bug: "A local call that takes too long ends ERR_TIMEOUT, as all timeouts should.",
    breaks: "ERR_TIMEOUT means that the call did not run and never will.",
  },
  {
    name: "deadline-by-the-wall",
    file: "packages/registry/src/runtime/calls/local-calls.ts",
    edits: [
      {
        find: "    const deadline = clock.now() + request.timeoutMs;\n",
        replace: "    const deadline = clock.wallNow() + request.timeoutMs;\n",
      },
    ],
    bug: "A deadline is made with the wall clock and compared with the monotonic one.",
    breaks: "A call ends by its timeout.",
  },
  {
    name: "one-deadline-only",
    file: "packages/overlay/src/runtime/outbound-requests.ts",
    edits: [
      {
        find: "    return this.#pending.nextDeadline();\n",
        replace: "    return undefined;\n",
      },
    ],
    bug: "The timer of all deadlines is not armed again for the requests that still wait.",
    breaks: "A call ends by its timeout, also when its answer never comes.",
  },
  {
    name: "node-down-tells-no-monitor",
    file: "packages/registry/src/runtime/calls/monitors.ts",
    edits: [
      {
        find: "      if (pid.node === id && pid.boot === boot) this.#end(pid, nodeDown(pid));\n",
        replace:
          '      if (pid.node === id && pid.boot === boot && event.type === "node-left") {\n' +
          "        this.#end(pid, nodeDown(pid));\n      }\n",
      },
    ],
    bug: "Only an orderly end of a node is told to those who watch its processes.",
    breaks: "A monitor is told when its process has ended, whatever ended it.",
  },
  {
    name: "lost-notice-is-not-told-again",
    file: "packages/registry/src/runtime/calls/notices.ts",
    edits: [
      {
        find: '        logger.debug("A watcher could not be told; it is told again", { to: watcher, error });\n',
        replace:
          '        logger.debug("A watcher could not be told", { to: watcher, error });\n' +
          "        debt.downs.splice(0, downs.length);\n",
      },
    ],
    bug: "The notice of an end is sent once; when its link breaks, nobody sends it again.",
    breaks: "A monitor is told when its process has ended.",
    // Links break, but no node is given up: that would tell its watchers by itself.
    swarm: { faults: ["reset", "half-open", "heal"], faultEveryMs: 300, workEveryMs: 15 },
  },
  {
    name: "watches-are-forgotten-in-silence",
    file: "packages/registry/src/runtime/calls/monitors.ts",
    edits: [
      {
        find: "    if (!mayReturn || !wasOwed) return;\n",
        replace: "    if (mayReturn || !wasOwed) return;\n",
      },
    ],
    bug: "A node that comes back after a partition is not told that its watches were dropped.",
    breaks: "A monitor is told when its process has ended.",
  },
  {
    name: "told-at-each-asking",
    file: "packages/registry/src/runtime/calls/monitors.ts",
    edits: [
      {
        find: "      watched.listeners.delete(listener);\n      listener(reason, to);\n",
        replace: "      listener(reason, to);\n",
      },
      {
        find: "    if (watched === undefined) return;\n    this.#watched.delete(keyOf(pid));\n",
        replace:
          "    if (watched === undefined) return;\n" +
          '    if (reason.type !== "node-down") this.#watched.delete(keyOf(pid));\n',
      },
    ],
    bug: "A watch outlives `node-down`, since the process may live on, and is told again later.",
    breaks: "A monitor is told at most once.",
  },
  {
    name: "end-overtakes-answers",
    file: "packages/registry/src/runtime/calls/notices.ts",
    edits: [
      {
        find: "channel: CHANNEL, subject, fence: true }",
        replace: 'channel: "state", subject }',
      },
    ],
    bug: "The notice of an end goes by another channel than the answers before it.",
    breaks: "A monitor is told after the last message of its process.",
  },
];
