/**
 * Announcer: this node's own name on the network, from the first probe to the goodbye (RFC 6762 §6 to §10).
 *
 * Pure. It probes for its name, announces it, answers those who ask unless they know already, defends it, takes another
 * one when somebody else has it, and says goodbye. A path without an address to announce is only listened to.
 *
 * Invariants: nothing but probes is sent under a name before three probes found nobody else with it; no record is
 * repeated on a path within a second, but in defence; what came from this node itself is never a conflict.
 */
import type { Random } from "@foundation/core";
import { mdnsLimits } from "./limits.js";
import {
  hostName,
  instanceName,
  recordsFor,
  type ServiceDescription,
  type ServiceRecords,
} from "./own-service.js";
import {
  compareRecordSets,
  isSameName,
  packetOf,
  recordKey,
  type MdnsPacket,
  type MdnsQuestion,
  type MdnsRecord,
} from "./records.js";

/** A packet for one path. */
export interface MdnsSend {
  readonly type: "send";
  readonly path: string;
  readonly packet: MdnsPacket;
}

export interface AnnouncerOptions {
  readonly label: string;
  readonly port: number;
  /** Proof of the secret for a label; undefined without one. */
  readonly tagOf: (label: string) => string | undefined;
  readonly random: Random;
}

type Part = keyof ServiceRecords;

interface Pending {
  atMs: number;
  /** Who asked for each: only he himself can say that he knows it already. */
  readonly askers: Map<Part, Set<string>>;
}

/** Announces one service; see the module. */
export class Announcer {
  readonly #options: AnnouncerOptions;
  readonly #base: string;
  #label: string;
  #state: "idle" | "probing" | "announced" | "stopped" = "idle";
  /** Host by path. */
  #hosts: ReadonlyMap<string, string> = new Map();
  readonly #ownAddresses = new Set<string>();
  readonly #pending = new Map<string, Pending>();
  readonly #sentAtMs = new Map<string, number>();
  /** Addresses that are no longer ours: the next announcements say goodbye to them. */
  readonly #leftAddresses = new Set<string>();
  #conflictsAtMs: number[] = [];
  #renamed = 0;
  #stepsLeft = 0;
  #nextStepMs = Number.POSITIVE_INFINITY;
  #draining = false;
  #announcedTag: string | undefined;

  constructor(options: AnnouncerOptions) {
    this.#options = options;
    this.#base = options.label;
    this.#label = options.label;
  }

  get label(): string {
    return this.#label;
  }

  get isAnnounced(): boolean {
    return this.#state === "announced";
  }

  get nextAtMs(): number {
    let atMs = this.#nextStepMs;
    for (const { atMs: each } of this.#pending.values()) atMs = Math.min(atMs, each);
    return atMs;
  }

  /** The paths and what is dialled over each. New ones hear of us at once. */
  setHosts(hosts: ReadonlyMap<string, string>, nowMs: number): void {
    for (const host of this.#hosts.values()) remember(this.#leftAddresses, host);
    for (const host of hosts.values()) this.#leftAddresses.delete(host);
    this.#hosts = hosts;
    for (const path of this.#pending.keys()) if (!hosts.has(path)) this.#pending.delete(path);
    for (const host of hosts.values()) remember(this.#ownAddresses, host);
    if (this.#state === "announced") this.#announceFrom(nowMs);
    else if (this.#state === "idle" && hosts.size > 0) this.#probeFrom(nowMs, this.#spread());
  }

  /** Others are told to dial somebody else. */
  drain(nowMs: number): void {
    this.#draining = true;
    if (this.#state === "announced") this.#announceFrom(nowMs);
  }

  /** What is due: probes, announcements, answers. */
  tick(nowMs: number): readonly MdnsSend[] {
    const sends: MdnsSend[] = [];
    const hasOtherTag = this.#announcedTag !== this.#options.tagOf(this.#label);
    if (this.#state === "announced" && hasOtherTag) this.#announceFrom(nowMs);
    if (nowMs >= this.#nextStepMs) sends.push(...this.#step(nowMs));
    for (const [path, { atMs, askers }] of this.#pending) {
      if (nowMs < atMs) continue;
      this.#pending.delete(path);
      sends.push(...this.#answer(path, new Set(askers.keys()), nowMs, mdnsLimits.repeatMs));
    }
    return sends;
  }

  /** Somebody asks, or probes. @param source his address */
  query(packet: MdnsPacket, path: string, source: string, nowMs: number): readonly MdnsSend[] {
    const records = this.#recordsOf(path);
    if (records === undefined || this.#state === "idle") return [];
    this.#forgetKnown(packet, path, source, records);
    if (this.#state === "probing") return this.#tie(packet, records, nowMs);
    const parts = new Set<Part>();
    for (const question of packet.questions.slice(0, mdnsLimits.questionsMax)) {
      for (const part of partsFor(question, records)) parts.add(part);
    }
    for (const part of parts) if (isKnown(records[part], packet.answers)) parts.delete(part);
    if (parts.size === 0) return [];
    // A probe for our name is answered at once, or the other one takes it.
    if (packet.authorities.length > 0) return this.#answer(path, parts, nowMs, mdnsLimits.defendMs);
    this.#willAnswer(path, parts, packet.truncated ? source : "", nowMs);
    return [];
  }

  /** Somebody announces or answers; true when he has our name. */
  response(packet: MdnsPacket, nowMs: number): boolean {
    if (this.#state === "idle" || this.#state === "stopped") return false;
    const rival = [...packet.answers, ...packet.additionals].some((record) =>
      this.#isRival(record),
    );
    if (!rival) return false;
    this.#conflictsAtMs = this.#conflictsAtMs.filter(
      (atMs) => nowMs - atMs < mdnsLimits.conflictWindowMs,
    );
    this.#conflictsAtMs.push(nowMs);
    const isStorm = this.#conflictsAtMs.length > mdnsLimits.conflictsMax;
    if (this.#state === "probing") {
      this.#renamed += 1;
      this.#label = `${this.#base}-${this.#renamed + 1}`;
    }
    this.#probeFrom(nowMs, isStorm ? mdnsLimits.conflictWaitMs : 0);
    return true;
  }

  /** Every record, with no life left. */
  goodbye(): readonly MdnsSend[] {
    const wasAnnounced = this.#state === "announced";
    this.#state = "stopped";
    this.#nextStepMs = Number.POSITIVE_INFINITY;
    this.#pending.clear();
    if (!wasAnnounced) return [];
    return [...this.#hosts.keys()].flatMap((path) => {
      const records = this.#recordsOf(path);
      if (records === undefined) return [];
      const answers = [records.pointer, ...uniqueOf(records)];
      const packet = packetOf("response", {
        answers: answers.map((record) => ({ ...record, ttlS: 0 })),
      });
      return [{ type: "send", path, packet }];
    });
  }

  #step(nowMs: number): readonly MdnsSend[] {
    if (this.#options.tagOf(this.#label) === undefined) {
      // Without a secret there is nothing to announce; one may come.
      this.#probeFrom(nowMs, mdnsLimits.announceIntervalMs);
      return [];
    }
    this.#nextStepMs = Number.POSITIVE_INFINITY;
    if (this.#state === "probing" && this.#stepsLeft > 0) return this.#probe(nowMs);
    if (this.#state === "probing") {
      this.#state = "announced";
      this.#announceFrom(nowMs);
    }
    return this.#announce(nowMs);
  }

  #probeFrom(nowMs: number, waitMs: number): void {
    this.#state = "probing";
    this.#pending.clear();
    this.#stepsLeft = mdnsLimits.probes;
    this.#nextStepMs = nowMs + waitMs;
  }

  #spread(): number {
    return this.#options.random.next() * mdnsLimits.probeIntervalMs;
  }

  #probe(nowMs: number): readonly MdnsSend[] {
    this.#stepsLeft -= 1;
    this.#nextStepMs = nowMs + mdnsLimits.probeIntervalMs;
    return [...this.#hosts.keys()].flatMap((path) => {
      const records = this.#recordsOf(path);
      if (records === undefined) return [];
      const authorities = uniqueOf(records).map((record) => ({ ...record, flush: false }));
      const names = new Set(authorities.map(({ name }) => name));
      const questions = [...names].map((name) => ({ name, type: "ANY" as const }));
      return [{ type: "send", path, packet: packetOf("query", { questions, authorities }) }];
    });
  }

  #announceFrom(nowMs: number): void {
    this.#stepsLeft = mdnsLimits.announcements;
    this.#nextStepMs = nowMs;
    this.#announcedTag = this.#options.tagOf(this.#label);
  }

  #announce(nowMs: number): readonly MdnsSend[] {
    if (this.#state !== "announced" || this.#stepsLeft === 0) return [];
    this.#stepsLeft -= 1;
    if (this.#stepsLeft > 0) this.#nextStepMs = nowMs + mdnsLimits.announceIntervalMs;
    const parts = new Set<Part>(["pointer", "service", "text", "address"]);
    const sends = [...this.#hosts.keys()].flatMap((path) => this.#answer(path, parts, nowMs, 0));
    const gone = [...this.#leftAddresses].flatMap((address) => this.#goodbyeTo(address));
    if (this.#stepsLeft === 0) this.#leftAddresses.clear();
    return sends.map((send) => {
      const answers = [...send.packet.answers, ...gone];
      return { ...send, packet: { ...send.packet, answers } };
    });
  }

  /** None for a name: others resolve it. */
  #goodbyeTo(host: string): readonly MdnsRecord[] {
    const own = { label: this.#label, port: this.#options.port, tag: "", draining: false };
    const { address } = recordsFor(own, host);
    return address === undefined ? [] : [{ ...address, ttlS: 0, flush: false }];
  }

  /** @param source who will say more of what he knows; "" when nobody will */
  #willAnswer(path: string, parts: ReadonlySet<Part>, source: string, nowMs: number): void {
    const truncated = source !== "";
    const { answerMsMin, answerMsMax, truncatedAnswerMsMin, truncatedAnswerMsMax } = mdnsLimits;
    const [min, max] = truncated
      ? [truncatedAnswerMsMin, truncatedAnswerMsMax]
      : [answerMsMin, answerMsMax];
    // Only this node has its own records: to say them it need not wait for others.
    const isShared = parts.has("pointer") || parts.has("types");
    const waitMs = isShared || truncated ? min + this.#options.random.next() * (max - min) : 0;
    const pending = this.#pending.get(path) ?? { atMs: nowMs + waitMs, askers: new Map() };
    for (const part of parts) {
      const askers = pending.askers.get(part) ?? new Set<string>();
      // More than are kept count as one who never says that he knows.
      askers.add(askers.size < mdnsLimits.askersMax ? source : "");
      pending.askers.set(part, askers);
    }
    pending.atMs = Math.min(pending.atMs, nowMs + waitMs);
    this.#pending.set(path, pending);
  }

  /** Further known answers to a truncated query come by themselves, from him who asked. */
  #forgetKnown(packet: MdnsPacket, path: string, source: string, records: ServiceRecords): void {
    const pending = this.#pending.get(path);
    if (pending === undefined || packet.answers.length === 0) return;
    for (const [part, askers] of pending.askers) {
      if (isKnown(records[part], packet.answers)) askers.delete(source);
      if (askers.size === 0) pending.askers.delete(part);
    }
    if (pending.askers.size === 0) this.#pending.delete(path);
  }

  #answer(path: string, parts: ReadonlySet<Part>, nowMs: number, repeatMs: number): MdnsSend[] {
    const records = this.#recordsOf(path);
    if (records === undefined || this.#state !== "announced") return [];
    const answers: MdnsRecord[] = [];
    const additionals: MdnsRecord[] = [];
    for (const part of Object.keys(records) as Part[]) {
      const record = records[part] as MdnsRecord;
      const sentAtMs = this.#sentAtMs.get(`${path} ${part}`) ?? Number.NEGATIVE_INFINITY;
      if (parts.has(part) && nowMs - sentAtMs >= repeatMs) {
        answers.push(record);
        this.#sentAtMs.set(`${path} ${part}`, nowMs);
      } else if (part !== "types" && part !== "pointer" && parts.has("pointer")) {
        additionals.push(record);
      }
    }
    if (answers.length === 0) return [];
    return [{ type: "send", path, packet: packetOf("response", { answers, additionals }) }];
  }

  /** Two probe for one name at once: who has the lesser records waits, and then finds the name taken. */
  #tie(packet: MdnsPacket, records: ServiceRecords, nowMs: number): readonly MdnsSend[] {
    const mine = uniqueOf(records);
    const names = new Set(mine.map(({ name }) => name.toLowerCase()));
    for (const name of names) {
      const theirs = packet.authorities.filter((each) => isSameName(each.name, name));
      if (theirs.length === 0 || !theirs.some((each) => this.#isRival(each))) continue;
      const ours = mine.filter((each) => isSameName(each.name, name));
      if (compareRecordSets(ours, theirs) < 0) this.#probeFrom(nowMs, mdnsLimits.tieWaitMs);
    }
    return [];
  }

  /** True for a record of our name that is not ours, on whatever path it was announced. */
  #isRival(record: MdnsRecord): boolean {
    const isInstance = isSameName(record.name, instanceName(this.#label));
    if (!isInstance && !isSameName(record.name, hostName(this.#label))) return false;
    if (record.type === "A" || record.type === "AAAA") {
      const own = [...this.#ownAddresses].map((address) => recordKey({ ...record, address }));
      return !isInstance && !own.includes(recordKey(record));
    }
    if (record.type !== "SRV" || !isInstance) return false;
    const services = [...this.#hosts.keys()].map((path) => this.#recordsOf(path)?.service);
    return !services.some((own) => own !== undefined && recordKey(own) === recordKey(record));
  }

  #recordsOf(path: string): ServiceRecords | undefined {
    const host = this.#hosts.get(path);
    const tag = this.#options.tagOf(this.#label);
    if (host === undefined || tag === undefined) return undefined;
    const { port } = this.#options;
    const own: ServiceDescription = { label: this.#label, port, tag, draining: this.#draining };
    return recordsFor(own, host);
  }
}

/** Adds the newest, and lets the oldest go when there are too many. */
function remember(addresses: Set<string>, address: string): void {
  addresses.delete(address);
  addresses.add(address);
  const [oldest] = addresses;
  if (addresses.size > mdnsLimits.ownAddressesMax && oldest !== undefined) addresses.delete(oldest);
}

function uniqueOf({ service, text, address }: ServiceRecords): readonly MdnsRecord[] {
  return address === undefined ? [service, text] : [service, text, address];
}

function partsFor(question: MdnsQuestion, records: ServiceRecords): readonly Part[] {
  return (Object.keys(records) as Part[]).filter((part) => {
    const record = records[part] as MdnsRecord;
    const isType = question.type === "ANY" || question.type === record.type;
    return isType && isSameName(question.name, record.name);
  });
}

/** Who asks has it, with at least half of its life left (§7.1). */
function isKnown(record: MdnsRecord | undefined, known: readonly MdnsRecord[]): boolean {
  if (record === undefined) return true;
  const key = recordKey(record);
  return known.some((each) => each.ttlS * 2 >= record.ttlS && recordKey(each) === key);
}
