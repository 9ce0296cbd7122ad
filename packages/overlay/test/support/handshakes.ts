/** Two handshake machines of a test, and what carries bytes between them. */
import { createHmac, timingSafeEqual } from "node:crypto";
import {
  createBoot,
  createNodeId,
  verifyNodeSignature,
  type Authentication,
} from "@foundation/core";
import { seededRandom } from "@foundation/core/testing";
import { AcceptorHandshake } from "../../src/protocol/handshake/acceptor.js";
import { DialerHandshake, type DialerOptions } from "../../src/protocol/handshake/dialer.js";
import type { HandshakeEffect, HandshakeInput } from "../../src/protocol/handshake/handshake.js";
import type { Identity } from "../../src/protocol/handshake/messages.js";

export const WALL_MS = 1_700_000_000_000;
const random = seededRandom("handshakes");

export function identity(name: string, order = 1): Identity {
  return {
    id: createNodeId(random),
    boot: createBoot(order, random),
    name,
    address: `ws://127.0.0.1:4${order}`,
  };
}

/** HMAC-SHA256 of the secret, as in production but without the key derivation. */
export function proverOf(secret: string, method = "hmac-sha256"): Authentication {
  const prove = (transcript: Uint8Array) =>
    createHmac("sha256", secret).update(transcript).digest();
  const verify = (transcript: Uint8Array, proof: Uint8Array) => {
    const right = prove(transcript);
    return proof.length === right.length && timingSafeEqual(proof, right);
  };
  return { method, prove, verify };
}

const defaults = (name: string): DialerOptions => ({
  self: identity(name),
  cluster: "shop",
  versions: [1, 1],
  authentication: proverOf("the secret"),
  verifySignature: verifyNodeSignature,
  nonce: name === "dialer" ? "0d".repeat(32) : "0a".repeat(32),
  binding: undefined,
  wallMs: WALL_MS,
  channel: "coordination",
  lane: 0,
});

export const dialerOf = (options: Partial<DialerOptions> = {}) =>
  new DialerHandshake({ ...defaults("dialer"), ...options });

export const acceptorOf = (options: Partial<DialerOptions> = {}) =>
  new AcceptorHandshake({ ...defaults("acceptor"), ...options });

export interface Run {
  readonly dialer: HandshakeEffect[];
  readonly acceptor: HandshakeEffect[];
  /** Every frame on the wire, in order. */
  readonly wire: { readonly from: "dialer" | "acceptor"; readonly bytes: Uint8Array }[];
}

interface Machine {
  handle(input: HandshakeInput): readonly HandshakeEffect[];
}

/** Carries frames between the two until nothing is under way; every peer is admitted unless `judge` says otherwise. */
export function runBoth(
  dialer: DialerHandshake,
  acceptor: Machine,
  options: {
    readonly wallMs?: number;
    readonly judge?: (
      who: "dialer" | "acceptor",
    ) => Extract<HandshakeInput, { type: "verdict" }>["refuse"];
    readonly holder?: string;
    readonly tamper?: (bytes: Uint8Array, index: number) => Uint8Array;
  } = {},
): Run {
  const { wallMs = WALL_MS, judge = () => undefined, tamper = (bytes) => bytes } = options;
  const run: Run = { dialer: [], acceptor: [], wire: [] };
  const machines = { dialer, acceptor };
  const queue = dialer
    .start()
    .map((effect) => ({ who: "dialer" as "dialer" | "acceptor", effect }));
  for (let next = queue.shift(); next !== undefined; next = queue.shift()) {
    const { who, effect } = next;
    run[who].push(effect);
    const add = (machine: "dialer" | "acceptor", input: HandshakeInput) => {
      for (const more of machines[machine].handle(input))
        queue.push({ who: machine, effect: more });
    };
    if (effect.type === "judge")
      add(who, { type: "verdict", refuse: judge(who), holder: options.holder });
    if (effect.type !== "send") continue;
    run.wire.push({ from: who, bytes: effect.bytes });
    const bytes = tamper(effect.bytes, run.wire.length - 1);
    add(who === "dialer" ? "acceptor" : "dialer", { type: "frame", bytes, wallMs });
  }
  return run;
}

/** How one side ended. */
export function endOf(effects: readonly HandshakeEffect[]): string {
  const last = effects.at(-1);
  if (last?.type === "established") return "established";
  return last?.type === "refused" ? `${last.refusal.code} by ${last.refusal.by}` : "unfinished";
}
