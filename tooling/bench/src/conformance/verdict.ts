/**
 * Verdict: what came against what was expected. A deviation is allowed only where one of our stated
 * limits (docs/protocol/wire.md) asks for exactly that ending, and the case goes beyond that limit.
 */
import type { Case, Received } from "./case.js";
import type { Outcome } from "./player.js";
import { Opcode } from "./raw-frames.js";

export type Judgement = "OK" | "STATED-LIMIT" | "FAILED";

export interface Verdict {
  readonly id: string;
  readonly about: string;
  readonly expected: string;
  readonly got: string;
  readonly judgement: Judgement;
  /** The name of the stated limit. */
  readonly limit?: string;
}

interface StatedLimit {
  readonly name: string;
  readonly reason: string;
  readonly closeCode: number;
  /** Does the case go beyond it? */
  isExceededBy(test: Case): boolean;
}

const FRAGMENTS_MAX = 16;
const FRAME_BYTES_MAX = 1024 * 1024;

const framesOf = (test: Case) =>
  test.steps.flatMap((step) => (step.type === "send" ? [step.frame] : []));
const isControl = (opcode: number) => (opcode & 8) !== 0;

/** The largest message of a case: its fragments and bytes. */
function largestMessage(test: Case): { fragments: number; sizeBytes: number } {
  const largest = { fragments: 0, sizeBytes: 0 };
  let fragments = 0;
  let sizeBytes = 0;
  for (const { opcode, payload, fin = true } of framesOf(test)) {
    if (isControl(opcode)) continue;
    fragments += 1;
    sizeBytes += payload.length;
    largest.fragments = Math.max(largest.fragments, fragments);
    largest.sizeBytes = Math.max(largest.sizeBytes, sizeBytes);
    if (!fin) continue;
    fragments = 0;
    sizeBytes = 0;
  }
  return largest;
}

export const statedLimits: readonly StatedLimit[] = [
  {
    name: "no text",
    reason: "frames between nodes are binary; a text message closes the connection with 1003",
    closeCode: 1003,
    isExceededBy: (test) => framesOf(test).some(({ opcode }) => opcode === Opcode.text),
  },
  {
    name: "16 fragments",
    reason:
      "a node writes no fragments; each one that is kept costs an object, so 16 are taken (1008)",
    closeCode: 1008,
    isExceededBy: (test) => largestMessage(test).fragments > FRAGMENTS_MAX,
  },
  {
    name: "1 MiB a frame",
    reason:
      "larger messages travel in chunks of 64 KiB; a larger frame closes the connection with 1009",
    closeCode: 1009,
    isExceededBy: (test) => largestMessage(test).sizeBytes > FRAME_BYTES_MAX,
  },
  {
    name: "4096 chunks of a frame",
    reason:
      "a frame that comes in more reads of the socket than that is a slow-loris of memory (1008)",
    closeCode: 1008,
    isExceededBy: (test) =>
      test.steps.some(
        (step) =>
          step.type === "send" && step.frame.payload.length / (step.chopBytes ?? 2e9) > 4_096,
      ),
  },
];

export function judge(test: Case, outcome: Outcome): Verdict {
  const shown = {
    id: test.id,
    about: test.about,
    expected: expectedText(test),
    got: gotText(outcome),
  };
  if (outcome.problem !== undefined) return { ...shown, judgement: "FAILED" };
  const received = test.received.some((list) => areEqual(list, outcome.received));
  if (received && endedAsExpected(test, outcome)) return { ...shown, judgement: "OK" };
  const limit = statedLimits.find(
    (each) => each.closeCode === outcome.closeCode && each.isExceededBy(test),
  );
  // Before the limit struck, only what was expected may have come.
  const prefix = test.received.some((list) => isWithin(outcome.received, list));
  if (limit !== undefined && outcome.ended && prefix) {
    return { ...shown, judgement: "STATED-LIMIT", limit: limit.name };
  }
  return { ...shown, judgement: "FAILED" };
}

function endedAsExpected({ ending }: Case, { closeCode, ended }: Outcome): boolean {
  if (!ended) return false;
  switch (ending.type) {
    case "informational":
      return true;
    case "closed-by-us":
      return closeCode !== undefined && ending.codes.includes(closeCode);
    case "closed":
      return closeCode === undefined ? ending.drop : ending.codes.includes(closeCode);
    default:
      return ending satisfies never;
  }
}

const isSame = (a: Received | undefined, b: Received | undefined) =>
  a !== undefined &&
  b !== undefined &&
  a.type === b.type &&
  a.payload.equals(b.payload) &&
  (a.type !== "message" || b.type !== "message" || a.binary === b.binary);

function areEqual(a: readonly Received[], b: readonly Received[]): boolean {
  return a.length === b.length && a.every((each, i) => isSame(each, b[i]));
}

/** Each of `some` is in `all`, in the same order. */
function isWithin(some: readonly Received[], all: readonly Received[]): boolean {
  let at = 0;
  for (const each of all) if (isSame(some[at], each)) at += 1;
  return at === some.length;
}

function expectedText({ received, ending }: Case): string {
  const lists = received.map((list) => receivedText(list)).join(" or ");
  switch (ending.type) {
    case "informational":
      return `${lists}; any end`;
    case "closed-by-us":
      return `${lists}; close answered ${ending.codes.join("/")}`;
    case "closed":
      return `${lists}; closed ${ending.codes.join("/")}${ending.drop ? " or dropped" : ""}`;
    default:
      return ending satisfies never;
  }
}

function gotText({ received, closeCode, ended, problem }: Outcome): string {
  if (problem !== undefined) return problem;
  const end = ended ? (closeCode === undefined ? "dropped" : `closed ${closeCode}`) : "still open";
  return `${receivedText(received)}; ${end}`;
}

function receivedText(received: readonly Received[]): string {
  if (received.length === 0) return "nothing";
  const messages = received.filter(({ type }) => type === "message").length;
  const pongs = received.length - messages;
  const parts = [pongs > 0 ? `${pongs} pong` : "", messages > 0 ? `${messages} message` : ""];
  return parts.filter((part) => part !== "").join(", ");
}
