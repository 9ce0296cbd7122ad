/** Packets of mDNS as bytes, by dns-packet: what it reads is checked, since anybody on the network writes it. */
import { AUTHORITATIVE_ANSWER, decode, encode, TRUNCATED_RESPONSE } from "dns-packet";
import type { Answer, Question } from "dns-packet";
import { mdnsLimits } from "../protocol/mdns/limits.js";
import {
  isPlainName,
  type MdnsPacket,
  type MdnsQuestion,
  type MdnsRecord,
} from "../protocol/mdns/records.js";

/** The bytes of a packet. */
export function encodePacket(packet: MdnsPacket): Uint8Array {
  const { type, truncated, questions, answers, authorities, additionals } = packet;
  const authoritative = type === "response" ? AUTHORITATIVE_ANSWER : 0;
  return encode({
    id: 0,
    type,
    flags: authoritative | (truncated ? TRUNCATED_RESPONSE : 0),
    questions: questions.map(asQuestion),
    answers: answers.map(asAnswer),
    authorities: authorities.map(asAnswer),
    additionals: additionals.map(asAnswer),
  });
}

/** The packet of these bytes; undefined when they are none. Records of other kinds, and of no names, are left out. */
export function decodePacket(bytes: Uint8Array): MdnsPacket | undefined {
  try {
    const packet = decode(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength));
    return {
      type: packet.type === "response" ? "response" : "query",
      truncated: packet.flag_tc,
      questions: (packet.questions ?? []).slice(0, mdnsLimits.questionsMax).map(questionOf),
      answers: recordsOf(packet.answers),
      authorities: recordsOf(packet.authorities),
      additionals: recordsOf(packet.additionals),
    };
  } catch {
    return undefined;
  }
}

function asQuestion({ name, type }: MdnsQuestion): Question {
  // "ANY" is missing from the types of the package, not from the package.
  return { name, type: type as Question["type"], class: "IN" };
}

function asAnswer(record: MdnsRecord): Answer {
  const { name, ttlS: ttl, flush } = record;
  const head = { name, ttl, flush, class: "IN" as const };
  switch (record.type) {
    case "PTR":
      return { ...head, type: "PTR", data: record.target };
    case "SRV":
      return { ...head, type: "SRV", data: { target: record.target, port: record.port } };
    case "TXT":
      return { ...head, type: "TXT", data: [...record.texts] };
    case "A":
    case "AAAA":
      return { ...head, type: record.type, data: record.address };
    default:
      return record satisfies never;
  }
}

const TYPES = ["PTR", "SRV", "TXT", "A", "AAAA", "ANY"] as const;

function questionOf({ name, type }: Question): MdnsQuestion {
  // The bit that wishes for a unicast answer comes as a class nobody knows; everybody is answered, which §5.4 allows.
  return { name: String(name), type: TYPES.find((each) => each === (type as string)) ?? "OTHER" };
}

function recordsOf(answers: readonly Answer[] | undefined): readonly MdnsRecord[] {
  const records = (answers ?? []).slice(0, mdnsLimits.packetRecordsMax).flatMap(recordOf);
  return records.filter((each) => isPlainName(each.name) && isPlainName(targetOf(each)));
}

/** The other name in it that a packet of ours may have to say. */
function targetOf(record: MdnsRecord): string {
  return record.type === "PTR" || record.type === "SRV" ? record.target : record.name;
}

function recordOf(answer: Answer): readonly MdnsRecord[] {
  if (answer.type === "OPT" || answer.class !== "IN") return [];
  const head = {
    name: String(answer.name),
    ttlS: answer.ttl ?? 0,
    flush: answer.flush === true,
  };
  switch (answer.type) {
    case "PTR":
      return [{ ...head, type: "PTR", target: String(answer.data) }];
    case "SRV": {
      const { target, port } = answer.data;
      return [{ ...head, type: "SRV", target: String(target), port }];
    }
    case "TXT":
      return [{ ...head, type: "TXT", texts: [answer.data].flat().map(String) }];
    case "A":
    case "AAAA":
      return [{ ...head, type: answer.type, address: String(answer.data) }];
    default:
      return [];
  }
}
