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
import { packetOf, SERVICE, type MdnsPacket, type MdnsQuestion } from "./records.js";

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

interface Resolving {
  tries: number;
  nextAtMs: number;
}

/** Finds instances; see the module. */
export class Browser {
  readonly #random: Random;
  readonly #caches = new Map<string, RecordCache>();
  /** Instances that lack a record, by path and name. */
  readonly #resolving = new Map<string, Resolving>();
  #queryAtMs = Number.POSITIVE_INFINITY;
  #queryIntervalMs: number = mdnsLimits.queryIntervalMsMin;

  constructor(random: Random) {
    this.#random = random;
  }

  get nextAtMs(): number {
    let atMs = this.#queryAtMs;
    for (const cache of this.#caches.values()) atMs = Math.min(atMs, cache.nextAtMs);
    for (const { nextAtMs } of this.#resolving.values()) atMs = Math.min(atMs, nextAtMs);
    return atMs;
  }

  /** Another one when what can be dialled may be other. */
  get version(): string {
    return [...this.#caches].map(([path, { version }]) => `${path} ${version}`).join();
  }

  /** Records that are kept. */
  get size(): number {
    return [...this.#caches.values()].reduce((sum, { size }) => sum + size, 0);
  }

  /** The paths there are now; what was announced on others is gone. */
  setPaths(paths: readonly string[], nowMs: number): void {
    for (const path of this.#caches.keys()) if (!paths.includes(path)) this.#caches.delete(path);
    for (const path of paths) {
      if (!this.#caches.has(path)) this.#caches.set(path, new RecordCache(this.#random.next()));
    }
    const { firstQueryMsMin: min, firstQueryMsMax: max, queryIntervalMsMin } = mdnsLimits;
    this.#queryIntervalMs = queryIntervalMsMin;
    this.#queryAtMs =
      paths.length > 0 ? nowMs + min + this.#random.next() * (max - min) : Number.POSITIVE_INFINITY;
  }

  response(packet: MdnsPacket, path: string, nowMs: number): void {
    this.#caches.get(path)?.take(packet, nowMs);
  }

  /** What is due: queries, and what has expired. */
  tick(nowMs: number): readonly MdnsSend[] {
    const sends: MdnsSend[] = [];
    const isQueryDue = nowMs >= this.#queryAtMs;
    for (const [path, cache] of this.#caches) {
      cache.expire(nowMs);
      if (isQueryDue) sends.push(...query(path, cache, nowMs));
      const questions = [...cache.refresh(nowMs), ...this.#resolve(path, cache, nowMs)];
      for (let i = 0; i < questions.length; i += mdnsLimits.questionsMax / 4) {
        const some = questions.slice(i, i + mdnsLimits.questionsMax / 4);
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
    for (const [path, cache] of this.#caches) {
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

  #resolve(path: string, cache: RecordCache, nowMs: number): readonly MdnsQuestion[] {
    const questions: MdnsQuestion[] = [];
    const lacking = new Set<string>();
    for (const instance of cache.instances) {
      const missing = missingOf(cache, instance);
      if (missing.length === 0) continue;
      const key = `${path} ${instance.toLowerCase()}`;
      lacking.add(key);
      const { resolveMs, resolveTries } = mdnsLimits;
      // The rest of the announcement is often in the next packet.
      const first = { tries: 0, nextAtMs: nowMs + this.#random.next() * 50 };
      const state = this.#resolving.get(key) ?? first;
      this.#resolving.set(key, state);
      if (nowMs < state.nextAtMs) continue;
      state.tries += 1;
      const isLast = state.tries >= resolveTries;
      state.nextAtMs = isLast ? Number.POSITIVE_INFINITY : nowMs + resolveMs * 2 ** state.tries;
      questions.push(...missing);
    }
    for (const key of this.#resolving.keys()) {
      if (key.startsWith(`${path} `) && !lacking.has(key)) this.#resolving.delete(key);
    }
    return questions;
  }
}

/** One query, or several when the known answers do not fit: all but the last say that more follows (§7.2). */
function query(path: string, cache: RecordCache, nowMs: number): readonly MdnsSend[] {
  const known = cache.knownAnswers(nowMs);
  const room = Math.floor((mdnsLimits.packetBytesMax - 100) / BYTES_PER_KNOWN_ANSWER);
  const sends: MdnsSend[] = [];
  for (let i = 0; i === 0 || i < known.length; i += room) {
    const questions = i === 0 ? [{ name: SERVICE, type: "PTR" as const }] : [];
    const truncated = i + room < known.length;
    const packet = packetOf("query", { questions, truncated, answers: known.slice(i, i + room) });
    sends.push({ type: "send", path, packet });
  }
  return sends;
}

/** The longest of our own: two names of at most 64 characters and the head of a record. */
const BYTES_PER_KNOWN_ANSWER = 120;

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
