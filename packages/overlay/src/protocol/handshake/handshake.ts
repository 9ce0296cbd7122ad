/**
 * What both sides of the handshake share: its inputs, effects and refusals.
 *
 *     dialer                         acceptor
 *       HELLO      ───────────────▶
 *                  ◀───────────────  CHALLENGE
 *       AUTH proof ───────────────▶
 *                  ◀───────────────  WELCOME proof      either side may send REJECT code instead
 *
 * Both sides name the keys of the secret they accept and prove with the first of the dialer's that both have. A node with
 * a key of its own names its public half and signs the same transcript, so that no member can pass for another.
 *
 * The dialer proves first, so an acceptor never proves anything to a stranger. Identity, boot and
 * clock are judged only after the proof, so a stranger learns nothing about the members.
 *
 * Invariants: no application byte is decoded before both proofs were verified; each machine ends
 * exactly once, with `established` or `refused`, and ignores everything afterwards; no input,
 * whatever its bytes, makes it throw.
 */
import type { Authentication, NodeKey } from "@foundation/core";
import { HANDSHAKE } from "../../limits.js";
import type { RefusalCode } from "../../errors.js";
import {
  encodeHandshake,
  isPrintable,
  isRefusalCode,
  type Identity,
  type Reject,
  type VersionRange,
} from "./messages.js";
import { hexOf } from "../frame.js";
import { bytesOfHex } from "./transcript.js";

/** The protocol versions this code speaks. */
export const PROTOCOL_VERSIONS: VersionRange = [1, 1];

/** What a machine is made of. */
export interface HandshakeOptions {
  readonly self: Identity;
  readonly cluster: string;
  readonly versions: VersionRange;
  readonly authentication: Authentication;
  /** This node's own key; without one it signs nothing. */
  readonly nodeKey?: NodeKey | undefined;
  /** Did the owner of a node key sign these bytes? */
  readonly verifySignature: VerifySignature;
  /** 32 fresh secret bytes, hexadecimal. */
  readonly nonce: string;
  readonly binding: Uint8Array | undefined;
  /** Wall clock when the machine is made; its own hello carries it. */
  readonly wallMs: number;
}

export type VerifySignature = (
  publicKey: Uint8Array,
  transcript: Uint8Array,
  signature: Uint8Array,
) => boolean;

export type HandshakeInput =
  | { readonly type: "frame"; readonly bytes: Uint8Array; readonly wallMs: number }
  /** The time is up. */
  | { readonly type: "timeout" }
  /** The answer to the effect `judge`. */
  | {
      readonly type: "verdict";
      readonly refuse: RefusalCode | undefined;
      /** Where the live process is that has the peer's node id. */
      readonly holder?: string | undefined;
    };

/** The other side, as its verified messages describe it. */
export interface PeerIdentity extends Identity {
  readonly version: number;
  readonly channel: string;
  readonly lane: number;
  /** The public half of its node key, hexadecimal: claimed when judged, proved when established. */
  readonly nodeKey?: string;
}

/** Why a handshake ended without a link. */
export interface Refusal {
  readonly code: RefusalCode | "ERR_HANDSHAKE_REFUSED";
  readonly by: "us" | "peer";
  /**
   * For people: what was wrong. Made by us; of what a peer sent it holds only checked codes and
   * numbers.
   */
  readonly reason: string;
  /** The code of a refusal this version does not know. */
  readonly peerCode?: string;
  /** Whom the other side claims to be, where it said so. */
  readonly claimed?: Identity;
}

export type HandshakeEffect =
  | { readonly type: "send"; readonly bytes: Uint8Array }
  /** May this peer be linked? The shell answers with the input `verdict`. */
  | { readonly type: "judge"; readonly peer: PeerIdentity }
  | { readonly type: "established"; readonly peer: PeerIdentity }
  | { readonly type: "refused"; readonly refusal: Refusal };

/** The effects of refusing: tell the other side, then end. */
export function refuse(
  code: RefusalCode,
  reason: string,
  versions: VersionRange,
  claimed?: Identity,
  holder?: string,
): readonly HandshakeEffect[] {
  const told = isPrintable(holder) ? { holder } : {};
  const bytes = encodeHandshake({ type: "reject", code, versions, ...told });
  const refusal: Refusal = {
    code,
    by: "us",
    reason,
    ...(claimed === undefined ? {} : { claimed }),
  };
  return [
    { type: "send", bytes },
    { type: "refused", refusal },
  ];
}

/** The refusal that a peer's REJECT means. */
export function refusedByPeer(
  message: Reject,
  { versions: own, self }: Pick<HandshakeOptions, "versions" | "self">,
  claimed?: Identity,
): Refusal {
  const [min, max] = message.versions;
  let reason = `it answered ${message.code}`;
  if (message.code === "ERR_PROTOCOL_VERSION") {
    reason = `it speaks protocol versions ${min} to ${max}, this node ${own[0]} to ${own[1]}`;
  } else if (message.holder !== undefined) {
    reason += `: a live process at ${message.holder} has the node id of this one at ${self.address}`;
  }
  const peer = claimed === undefined ? {} : { claimed };
  return isRefusalCode(message.code)
    ? { code: message.code, by: "peer", reason, ...peer }
    : { code: "ERR_HANDSHAKE_REFUSED", by: "peer", reason, peerCode: message.code, ...peer };
}

/**
 * The reason of a clock that is too far ahead, or undefined. Only ahead counts: a late message
 * looks behind.
 */
export function clockProblem(peerWallMs: number, ownWallMs: number): string | undefined {
  const aheadMs = Math.round(peerWallMs - ownWallMs);
  if (aheadMs <= HANDSHAKE.clockAheadMsMax) return undefined;
  return `its clock is ${aheadMs} ms ahead of this node's; ${HANDSHAKE.clockAheadMsMax} ms are accepted`;
}

/** The reason why a verdict refused a peer, for people. */
export function verdictReason(code: RefusalCode, peer: Identity, holder?: string): string {
  switch (code) {
    case "ERR_NODE_ID_CLASH": {
      const where = isPrintable(holder) ? ` at ${holder}` : "";
      const newcomer = isPrintable(peer.address) ? `, the newcomer is at ${peer.address}` : "";
      return `another process with the same node id is alive${where}${newcomer}`;
    }
    case "ERR_NODE_KEY_MISMATCH":
      return "it shows another node key than its id has proved before, or none any more";
    case "ERR_STALE_BOOT":
      return "a newer start of that node is known";
    case "ERR_DUPLICATE_LINK":
      return "the two nodes are connected already";
    case "ERR_SELF_DIAL":
      return "it is this very node";
    case "ERR_TOO_MANY_CHANNELS":
      return "the two nodes have as many channels as they may";
    case "ERR_SHUTTING_DOWN":
      return "this node is leaving";
    default:
      return `the rules of links answered ${code}`;
  }
}

/** The first of the dialer's keys that the acceptor has too; undefined: each proves with its own first. */
export function commonKeyName(
  dialers: readonly string[] | undefined,
  acceptors: readonly string[] | undefined,
): string | undefined {
  return dialers?.find((name) => acceptors?.includes(name));
}

/** What a prover sends: the proof of the secret, and the signature of a node that has a key. */
export function provedBy(
  { authentication, nodeKey }: HandshakeOptions,
  transcript: Uint8Array,
  keyName: string | undefined,
): { readonly proof: string; readonly signature?: string } {
  const proof = hexOf(authentication.prove(transcript, keyName));
  return nodeKey === undefined ? { proof } : { proof, signature: hexOf(nodeKey.sign(transcript)) };
}

/** Why what a prover has sent proves nothing, or undefined. The secret first: signatures cost more. */
export function proofProblem(
  { authentication, verifySignature }: HandshakeOptions,
  transcript: Uint8Array,
  nodeKey: string | undefined,
  { proof, signature }: { readonly proof: string; readonly signature?: string },
): { readonly code: RefusalCode; readonly reason: string } | undefined {
  if (!authentication.verify(transcript, bytesOfHex(proof))) {
    return { code: "ERR_WRONG_SECRET", reason: "its proof of the secret is wrong" };
  }
  if (nodeKey === undefined) return undefined;
  const isSigned =
    signature !== undefined &&
    verifySignature(bytesOfHex(nodeKey), transcript, bytesOfHex(signature));
  if (isSigned) return undefined;
  return { code: "ERR_NODE_KEY_MISMATCH", reason: "it did not sign with the node key it names" };
}
