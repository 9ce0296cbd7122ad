/**
 * Messages of a founding: what nodes tell each other about a group before they are members of it.
 *
 * They carry no id of a group in front, since finding one is what they are for; they go between authenticated
 * nodes of one cluster, under a subject with the group's name. Any of them may be lost, repeated or come late: a
 * question can be asked again, an answer speaks of what is on a disk, and an offer counts only with the newest
 * token of the node it goes to.
 */
import { isNodeId, type NodeId } from "@foundation/core";
import { isCount, isName, isRecord } from "../../protocol/raft/shape.js";
import { RAFT_LIMITS } from "../../limits.js";
import {
  isNodeName,
  parsePast,
  parseVoters,
  type FirstVoter,
  type MembershipPhase,
} from "./membership-record.js";

/** Names one answer of one start of a node. An offer must quote the newest. */
export interface Token {
  readonly boot: string;
  readonly count: number;
}

/** What a disk says of its group. */
export interface Knowledge {
  readonly phase: MembershipPhase;
  readonly group: string;
  readonly voters: readonly FirstVoter[];
  readonly past: readonly string[];
  /** First voters known to have accepted. */
  readonly accepted: readonly NodeId[];
  /** Members now, as far as a member knows them; empty before it has begun. */
  readonly members: readonly NodeId[];
}

export type FoundingMessage =
  | {
      readonly type: "ask";
      /** The asker means to make an offer, if all are free: it wants a token. */
      readonly offers: boolean;
    }
  | {
      readonly type: "answer";
      readonly name: string;
      /** Given when the asker means to make an offer and this disk is free. */
      readonly token?: Token;
      /** Absent: this disk belongs to no group. */
      readonly knowledge?: Knowledge;
    }
  | {
      readonly type: "offer";
      readonly group: string;
      readonly voters: readonly FirstVoter[];
      readonly token: Token;
    };

/** The message when the value is one. */
export function parseFoundingMessage(value: unknown): FoundingMessage | undefined {
  if (!isRecord(value)) return undefined;
  if (value["type"] === "ask") {
    const { offers } = value;
    return typeof offers === "boolean" ? { type: "ask", offers } : undefined;
  }
  if (value["type"] === "answer") return parseAnswer(value);
  if (value["type"] !== "offer" || !isName(value["group"])) return undefined;
  const voters = parseVoters(value["voters"]);
  const token = parseToken(value["token"]);
  if (!voters || voters.length === 0 || !token) return undefined;
  return { type: "offer", group: value["group"], voters, token };
}

function parseAnswer(value: Record<string, unknown>): FoundingMessage | undefined {
  const { name } = value;
  if (!isNodeName(name)) return undefined;
  const token = parseToken(value["token"]);
  const knowledge = parseKnowledge(value["knowledge"]);
  if (value["token"] !== undefined && !token) return undefined;
  if (value["knowledge"] !== undefined && !knowledge) return undefined;
  return { type: "answer", name, ...(token && { token }), ...(knowledge && { knowledge }) };
}

function parseToken(value: unknown): Token | undefined {
  if (!isRecord(value) || !isName(value["boot"]) || !isCount(value["count"])) return undefined;
  return { boot: value["boot"], count: value["count"] };
}

function parseKnowledge(value: unknown): Knowledge | undefined {
  if (!isRecord(value) || !isName(value["group"])) return undefined;
  const { phase, group } = value;
  if (phase !== "accepted" && phase !== "formed" && phase !== "joining" && phase !== "begun") {
    return undefined;
  }
  const voters = parseVoters(value["voters"]);
  const past = parsePast(value["past"]);
  const accepted = parseIds(value["accepted"]);
  const members = parseIds(value["members"]);
  if (!voters || !past || !accepted || !members) return undefined;
  return { phase, group, voters, past, accepted, members };
}

function parseIds(value: unknown): readonly NodeId[] | undefined {
  if (!Array.isArray(value) || value.length > 2 * RAFT_LIMITS.membersMax) return undefined;
  const ids = value as unknown[];
  return ids.every(isNodeId) ? ids : undefined;
}
