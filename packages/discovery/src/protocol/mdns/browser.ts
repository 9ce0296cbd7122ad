/**
 * Browser: who else announces the service, on every path (RFC 6762 §5.2, RFC 6763 §4).
 *
 * Pure. It asks at once and then ever more rarely, naming what it knows so that nobody repeats it, asks after what an
 * instance lacks, and asks again for what is about to expire.
 */
import type { Random } from "@foundation/core";
import type { MdnsSend } from "./announcer.js";
import { mdnsLimits } from "./limits.js";
import { readText } from "./own-service.js";
import { RecordCache } from "./record-cache.js";
import {
  packetOf,
  SERVICE,
  type MdnsPacket,
  type MdnsQuestion,
  type MdnsRecord,
} from "./records.js";

/** An instance with everything needed to dial it, if it is one of ours. */
export interface Candidate {
  readonly instance: string;
  readonly path: string;
  readonly tag: string | undefined;
  readonly draining: boolean;
  readonly port: number;
  /** Addresses, IPv4 first; a name where it is one that DNS resolves. */
  readonly hosts: readonly string[];
}

/** An instance that lacks a record. */
interface Resolving {
  tries: number;
  nextAtMs: number;
}

/** What is known of one path. */
interface Known {
  readonly cache: RecordCache;
  /** By name of the instance. */
  readonly resolving: Map<string, Resolving>;
  /** The version of the cache that `resolving` was made of. */
  resolvedVersion: number;
}

/** Finds instances; see the module. */
export class Browser {
  readonly #random: Random;
  readonly #paths = new Map<string, Known>();
  #queryAtMs = Number.POSITIVE_INFINITY;
  #queryIntervalMs: number = mdnsLimits.queryIntervalMsMin;

  constructor(random: Random) {
    this.#random = random;
  }

  get nextAtMs(): number {
    let atMs = this.#queryAtMs;
    for (const { cache, resolving } of this.#paths.values()) {
      atMs = Math.min(atMs, cache.nextAtMs);
      for (const { nextAtMs } of resolving.values()) atMs = Math.min(atMs, nextAtMs);
    }
    return atMs;
  }

  /** Another one when what can be dialled may be other. */
  get version(): string {
    return [...this.#paths].map(([path, { cache }]) => `${path} ${cache.version}`).join();
  }

  /** Records that are kept. */
  get size(): number {
    return [...this.#paths.values()].reduce((sum, { cache }) => sum + cache.size, 0);
  }

  /** The paths there are now; what was announced on others is gone. */
  setPaths(paths: readonly string[], nowMs: number): void {
    for (const path of this.#paths.keys()) if (!paths.includes(path)) this.#paths.delete(path);
    for (const path of paths) {
      if (this.#paths.has(path)) continue;
      const cache = new RecordCache(this.#random.next());
      this.#paths.set(path, { cache, resolving: new Map(), resolvedVersion: 0 });
    }
    const { firstQueryMsMin: min, firstQueryMsMax: max, queryIntervalMsMin } = mdnsLimits;
    this.#queryIntervalMs = queryIntervalMsMin;
    this.#queryAtMs =
      paths.length > 0 ? nowMs + min + this.#random.next() * (max - min) : Number.POSITIVE_INFINITY;
  }

  response(packet: MdnsPacket, path: string, nowMs: number): void {
    this.#paths.get(path)?.cache.take(packet, nowMs);
  }

  /** What is due: queries, and what has expired. */
  tick(nowMs: number): readonly MdnsSend[] {
    const sends: MdnsSend[] = [];
    const isQueryDue = nowMs >= this.#queryAtMs;
    for (const [path, known] of this.#paths) {
      const refreshing = known.cache.tick(nowMs);
      if (isQueryDue) sends.push(...query(path, known.cache, nowMs));
      const questions = [...refreshing, ...this.#resolve(known, nowMs)];
      for (const some of inPackets(questions, HEAD_BYTES, ({ name }) => name.length + 6)) {
        if (some.length === 0) continue;
        sends.push({ type: "send", path, packet: packetOf("query", { questions: some }) });
      }
    }
    if (isQueryDue) {
      this.#queryAtMs = nowMs + this.#queryIntervalMs * (1 + this.#random.next() / 4);
      this.#queryIntervalMs = Math.min(this.#queryIntervalMs * 2, mdnsLimits.queryIntervalMsMax);
    }
    return sends;
  }

  /** The instances that can be dialled, and those that only have a name yet are left out. */
  candidates(): readonly Candidate[] {
    const found: Candidate[] = [];
    for (const [path, { cache }] of this.#paths) {
      for (const instance of cache.instances) {
        const [service] = cache.of(instance, "SRV");
        const [text] = cache.of(instance, "TXT");
        if (service === undefined || text === undefined || service.port === 0) continue;
        const hosts = hostsOf(cache, service.target);
        if (hosts.length === 0) continue;
        const { port } = service;
        found.push({ instance, path, port, hosts, ...readText(text.texts) });
      }
    }
    return found;
  }

  #resolve(known: Known, nowMs: number): readonly MdnsQuestion[] {
    if (known.cache.version !== known.resolvedVersion) this.#findLacking(known, nowMs);
    const questions: MdnsQuestion[] = [];
    for (const [instance, state] of known.resolving) {
      if (nowMs < state.nextAtMs) continue;
      const { resolveMs, resolveTries } = mdnsLimits;
      state.tries += 1;
      const isLast = state.tries >= resolveTries;
      state.nextAtMs = isLast ? Number.POSITIVE_INFINITY : nowMs + resolveMs * 2 ** state.tries;
      questions.push(...missingOf(known.cache, instance));
    }
    return questions;
  }

  #findLacking(known: Known, nowMs: number): void {
    const { cache, resolving } = known;
    known.resolvedVersion = cache.version;
    const lacking = cache.instances.filter((each) => missingOf(cache, each).length > 0);
    for (const instance of resolving.keys()) {
      if (!lacking.includes(instance)) resolving.delete(instance);
    }
    for (const instance of lacking) {
      // The rest of the announcement is often in the next packet.
      const first = { tries: 0, nextAtMs: nowMs + this.#random.next() * 50 };
      if (!resolving.has(instance)) resolving.set(instance, first);
    }
  }
}

/** One query, or several when the known answers do not fit: all but the last say that more follows (§7.2). */
function query(path: string, cache: RecordCache, nowMs: number): readonly MdnsSend[] {
  const sizeOf = (record: MdnsRecord): number =>
    record.name.length + (record.type === "PTR" ? record.target.length : 0) + 14;
  const groups = inPackets(cache.knownAnswers(nowMs), HEAD_BYTES + QUESTION_BYTES, sizeOf);
  return groups.map((answers, i) => {
    const questions = i === 0 ? [{ name: SERVICE, type: "PTR" as const }] : [];
    const truncated = i < groups.length - 1;
    return { type: "send", path, packet: packetOf("query", { questions, truncated, answers }) };
  });
}

const HEAD_BYTES = 12;
/** The one question after instances. */
const QUESTION_BYTES = SERVICE.length + 6;

/** What fits into one packet each; the first is there even when it is empty. */
function inPackets<T>(
  all: readonly T[],
  firstBytes: number,
  sizeOf: (one: T) => number,
): readonly (readonly T[])[] {
  const groups: T[][] = [[]];
  let bytes = firstBytes;
  for (const one of all) {
    const size = sizeOf(one);
    if (bytes + size > mdnsLimits.packetBytesMax) {
      groups.push([]);
      bytes = HEAD_BYTES;
    }
    bytes += size;
    groups.at(-1)?.push(one);
  }
  return groups;
}

function missingOf(cache: RecordCache, instance: string): readonly MdnsQuestion[] {
  const [service] = cache.of(instance, "SRV");
  const missing: MdnsQuestion[] = [];
  if (service === undefined) missing.push({ name: instance, type: "SRV" });
  if (cache.of(instance, "TXT").length === 0) missing.push({ name: instance, type: "TXT" });
  if (service !== undefined && hostsOf(cache, service.target).length === 0) {
    missing.push({ name: service.target, type: "A" }, { name: service.target, type: "AAAA" });
  }
  return missing;
}

function hostsOf(cache: RecordCache, target: string): readonly string[] {
  const four = cache.of(target, "A").map(({ address }) => address);
  const six = cache.of(target, "AAAA").map(({ address }) => address);
  const addresses = [...four.sort(byText), ...six.sort(byText)];
  const isLocal = /\.local\.?$/i.test(target);
  return addresses.length > 0 || isLocal ? addresses : [target];
}

function byText(a: string, b: string): number {
  return a < b ? -1 : Number(a > b);
}
