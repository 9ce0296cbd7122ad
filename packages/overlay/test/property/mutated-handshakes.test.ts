import { describe, expect, test } from "@jest/globals";
import { seededRandom } from "@foundation/core/testing";
import type { HandshakeEffect } from "../../src/protocol/handshake/handshake.js";
import { acceptorOf, dialerOf, runBoth, WALL_MS } from "../support/handshakes.js";
import { mutated } from "../support/mutated-bytes.js";

const CASES = 3_000;
const honest = runBoth(dialerOf(), acceptorOf()).wire.map(({ bytes }) => bytes);
const [hello, challenge, auth, welcome] = honest as [
  Uint8Array,
  Uint8Array,
  Uint8Array,
  Uint8Array,
];
const at = <T>(list: readonly T[], index: number): T => list[index % list.length] as T;

/** What a proof is, however it is wrapped: a mutation may spare it. */
function proofIn(bytes: Uint8Array): unknown {
  try {
    return (JSON.parse(Buffer.from(bytes).toString("utf8")) as { proof?: unknown }).proof;
  } catch {
    return undefined;
  }
}

const frame = (bytes: Uint8Array) => ({ type: "frame", bytes, wallMs: WALL_MS }) as const;
const ends = (effects: readonly HandshakeEffect[]) =>
  effects.filter(({ type }) => type === "established" || type === "refused").length;

describe("mutated handshakes", () => {
  test("an acceptor never judges a stranger whose proof was touched, never throws and ends once", () => {
    const wrong: number[] = [];
    for (let i = 0; i < CASES; i += 1) {
      const random = seededRandom(`mutated-acceptor-${i}`);
      const acceptor = acceptorOf();
      const isGreeted = random.next() < 0.6;
      const effects = isGreeted ? [...acceptor.handle(frame(hello))] : [];
      const specimen = isGreeted && random.next() < 0.7 ? auth : at(honest, random.uint32());
      const bad = mutated(specimen, random, at(honest, random.uint32()));
      effects.push(...acceptor.handle(frame(bad)), ...acceptor.handle({ type: "timeout" }));
      const judged = effects.some(({ type }) => type === "judge");
      const isProof = isGreeted && proofIn(bad) === proofIn(auth);
      if ((judged && !isProof) || ends(effects) !== 1) wrong.push(i);
    }
    expect(wrong).toEqual([]);
  });

  test("a dialer is never established by a touched proof, never throws and ends once", () => {
    const wrong: number[] = [];
    for (let i = 0; i < CASES; i += 1) {
      const random = seededRandom(`mutated-dialer-${i}`);
      const dialer = dialerOf();
      const effects = [...dialer.start()];
      const isProved = random.next() < 0.6;
      if (isProved) {
        effects.push(...dialer.handle(frame(challenge)));
        effects.push(...dialer.handle({ type: "verdict", refuse: undefined }));
      }
      const specimen = isProved && random.next() < 0.7 ? welcome : at(honest, random.uint32());
      const bad = mutated(specimen, random, at(honest, random.uint32()));
      effects.push(...dialer.handle(frame(bad)), ...dialer.handle({ type: "timeout" }));
      const isIn = effects.some(({ type }) => type === "established");
      const isProof = isProved && proofIn(bad) === proofIn(welcome);
      if ((isIn && !isProof) || ends(effects) !== 1) wrong.push(i);
    }
    expect(wrong).toEqual([]);
  });

  test("the same mutations spare enough that honest proofs still pass", () => {
    const dialer = dialerOf();
    const acceptor = acceptorOf();
    const { dialer: ours, acceptor: theirs } = runBoth(dialer, acceptor, {
      tamper: (bytes, index) => (index === 3 ? withField(bytes) : bytes),
    });
    expect(ours.at(-1)?.type).toBe("established");
    expect(theirs.at(-1)?.type).toBe("established");
  });
});

/** A field that nobody knows: ignored, as the page on the wire says. */
function withField(bytes: Uint8Array): Uint8Array {
  const text = Buffer.from(bytes).toString("utf8");
  return Buffer.from(text.replace("{", '{"tomorrow":[1],'));
}
