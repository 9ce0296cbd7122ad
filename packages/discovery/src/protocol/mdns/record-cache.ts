/**
 * RecordCache: what was announced on one path, for as long as it may be believed (RFC 6762 §5.2, §10).
 *
 * Pure. Invariants: only records of the service, of its instances and of their hosts are kept, and no more than
 * `recordsMax`; a record with no life left, and one that its owner has replaced, goes after a second, so that a
 * retransmission or a second owner can save it.
 */
import { mdnsLimits } from "./limits.js";
import {
  isSameName,
  recordKey,
  SERVICE,
  type MdnsPacket,
  type MdnsQuestion,
  type MdnsRecord,
  type MdnsRecordType,
} from "./records.js";

interface Entry {
  readonly record: MdnsRecord;
  readonly heardAtMs: number;
  expiresAtMs: number;
  /** How many of the refreshing questions were asked. */
  refreshes: number;
}

/** A part of each life by which two nodes do not ask in the same instant. */
const REFRESH_SPREAD = 0.02;

/** Keeps the records of one path; see the module. */
export class RecordCache {
  readonly #entries = new Map<string, Entry>();
  /** The same entries by name, in lower case: a network may announce thousands. */
  readonly #byName = new Map<string, Map<string, Entry>>();
  /** How many services name a host, in lower case. */
  readonly #hosts = new Map<string, number>();
  #version = 0;
  #nextAtMs = Number.POSITIVE_INFINITY;

  /** @param spread 0 to 1: where in the 2 % this node asks again */
  constructor(readonly spread: number) {}

  /** Another one when a record came or went. */
  get version(): number {
    return this.#version;
  }

  get size(): number {
    return this.#entries.size;
  }

  /** Nothing is due before this. It may be too early, never too late: then nothing is found to do. */
  get nextAtMs(): number {
    return this.#nextAtMs;
  }

  /** Takes the records of a response. */
  take(packet: MdnsPacket, nowMs: number): void {
    const all = [...packet.answers, ...packet.additionals];
    const records = all.slice(0, mdnsLimits.packetRecordsMax);
    // In this order, since each kind makes the next one wanted.
    const kinds: readonly (readonly MdnsRecordType[])[] = [["PTR"], ["SRV", "TXT"], ["A", "AAAA"]];
    for (const kind of kinds) {
      const wanted = records.filter((each) => kind.includes(each.type) && this.#isWanted(each));
      for (const record of wanted) if (record.flush) this.#flush(record, nowMs);
      for (const record of wanted) this.#keep(record, nowMs);
    }
  }

  /** Lets go what is no longer to be believed; gives questions after records whose life ends soon. */
  tick(nowMs: number): readonly MdnsQuestion[] {
    if (nowMs < this.#nextAtMs) return [];
    const questions = new Map<string, MdnsQuestion>();
    this.#nextAtMs = Number.POSITIVE_INFINITY;
    for (const [key, entry] of this.#entries) {
      if (nowMs >= entry.expiresAtMs) {
        this.#remove(key);
        continue;
      }
      if (nowMs >= this.#refreshAtMs(entry)) {
        entry.refreshes += 1;
        const { name, type } = entry.record;
        questions.set(`${type} ${name.toLowerCase()}`, { name, type });
      }
      this.#isDueWith(entry);
    }
    return [...questions.values()];
  }

  of<T extends MdnsRecordType>(name: string, type: T): readonly Extract<MdnsRecord, { type: T }>[] {
    const found: MdnsRecord[] = [];
    for (const { record } of this.#named(name)) if (record.type === type) found.push(record);
    return found as Extract<MdnsRecord, { type: T }>[];
  }

  /** Instances of the service that are announced here. */
  get instances(): readonly string[] {
    return this.of(SERVICE, "PTR").map(({ target }) => target);
  }

  /** The instances we know, for others not to tell us again: those with half of their life before them. */
  knownAnswers(nowMs: number): readonly MdnsRecord[] {
    return [...this.#named(SERVICE)].flatMap(({ record, expiresAtMs }) => {
      const leftS = Math.floor((expiresAtMs - nowMs) / 1_000);
      const isKnown = record.type === "PTR" && leftS * 2 > record.ttlS;
      return isKnown ? [{ ...record, ttlS: leftS, flush: false }] : [];
    });
  }

  #isWanted(record: MdnsRecord): boolean {
    switch (record.type) {
      case "PTR":
        return isSameName(record.name, SERVICE) && isInstance(record.target);
      case "SRV":
      case "TXT":
        return this.#hasInstance(record.name);
      case "A":
      case "AAAA":
        return this.#hosts.has(record.name.toLowerCase());
      default:
        return record satisfies never;
    }
  }

  #hasInstance(name: string): boolean {
    const key = recordKey({ type: "PTR", name: SERVICE, target: name, ttlS: 0, flush: false });
    return this.#entries.has(key);
  }

  #named(name: string): Iterable<Entry> {
    return this.#byName.get(name.toLowerCase())?.values() ?? [];
  }

  /** Older records of this name and type are void, but those of the last second: of the same announcement. */
  #flush({ name, type }: MdnsRecord, nowMs: number): void {
    for (const entry of this.#named(name)) {
      if (entry.record.type !== type || nowMs - entry.heardAtMs <= mdnsLimits.goodbyeMs) continue;
      entry.expiresAtMs = Math.min(entry.expiresAtMs, nowMs + mdnsLimits.goodbyeMs);
      this.#isDueWith(entry);
    }
  }

  #keep(record: MdnsRecord, nowMs: number): void {
    const key = recordKey(record);
    const known = this.#entries.get(key);
    if (record.ttlS === 0) {
      if (known === undefined) return;
      known.expiresAtMs = Math.min(known.expiresAtMs, nowMs + mdnsLimits.goodbyeMs);
      this.#isDueWith(known);
      return;
    }
    if (known === undefined && this.#isFull(record)) return;
    const lifeMs = Math.min(record.ttlS, mdnsLimits.ttlSMax) * 1_000;
    this.#remove(key, known !== undefined);
    this.#add(key, { record, heardAtMs: nowMs, expiresAtMs: nowMs + lifeMs, refreshes: 0 });
    if (known === undefined) this.#version += 1;
  }

  #isDueWith(entry: Entry): void {
    const atMs = Math.min(entry.expiresAtMs, this.#refreshAtMs(entry));
    this.#nextAtMs = Math.min(this.#nextAtMs, atMs);
  }

  #add(key: string, entry: Entry): void {
    const name = entry.record.name.toLowerCase();
    this.#entries.set(key, entry);
    const named = this.#byName.get(name) ?? new Map<string, Entry>();
    this.#byName.set(name, named.set(key, entry));
    this.#isDueWith(entry);
    if (entry.record.type === "SRV") this.#countHost(entry.record.target, 1);
  }

  #remove(key: string, isRenewed = false): void {
    const entry = this.#entries.get(key);
    if (entry === undefined) return;
    this.#entries.delete(key);
    const name = entry.record.name.toLowerCase();
    const named = this.#byName.get(name);
    named?.delete(key);
    if (named?.size === 0) this.#byName.delete(name);
    if (entry.record.type === "SRV") this.#countHost(entry.record.target, -1);
    if (!isRenewed) this.#version += 1;
  }

  #countHost(target: string, change: 1 | -1): void {
    const host = target.toLowerCase();
    const count = (this.#hosts.get(host) ?? 0) + change;
    if (count > 0) this.#hosts.set(host, count);
    else this.#hosts.delete(host);
  }

  #isFull({ type }: MdnsRecord): boolean {
    if (this.#entries.size >= mdnsLimits.recordsMax) return true;
    return type === "PTR" && this.instances.length >= mdnsLimits.instancesMax;
  }

  #refreshAtMs({ record, heardAtMs, expiresAtMs, refreshes }: Entry): number {
    const part = mdnsLimits.refreshAt[refreshes];
    const lifeMs = Math.min(record.ttlS, mdnsLimits.ttlSMax) * 1_000;
    // What says goodbye or was flushed is not asked for.
    if (part === undefined || expiresAtMs < heardAtMs + lifeMs) return Number.POSITIVE_INFINITY;
    return heardAtMs + lifeMs * (part + REFRESH_SPREAD * this.spread);
  }
}

function isInstance(name: string): boolean {
  const suffix = `.${SERVICE}`;
  return name.length > suffix.length && isSameName(name.slice(-suffix.length), suffix);
}
