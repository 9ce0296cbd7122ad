/**
 * ChannelBook: every message that was sent on a channel, what its sender was told of it, and who handled it when.
 *
 * What is judged at any time: what was refused is not handled; nothing is handled twice, or before what was sent before
 * it on the same channel with the same key; no byte of it is another one. On a reliable channel nothing is left out
 * either, unless one of the two starts has given the other up for good; acked: a send that has resolved was handled to
 * its end.
 */
import type { SendOutcome } from "@foundation/core";
import type { ChannelName } from "./channel-names.js";
import { isPartOf, type Excerpt } from "./noise.js";

export interface Sent {
  readonly id: number;
  readonly lane: Lane;
  /** Its place in the lane, from 1. */
  readonly sequence: number;
  readonly content: Excerpt;
  readonly sentMs: number;
  /** A request: it may be withdrawn after it was sent. */
  readonly isRequest: boolean;
  /** undefined: not told yet; "ok", or the code of the error. */
  outcome: string | undefined;
  /** It was told that it did not arrive and never will. */
  isRefused: boolean;
  handled: number;
  isFinished: boolean;
}

/** What is sent by one start of a node to one start of another, on one channel, with one key. */
interface Lane {
  readonly channel: ChannelName;
  readonly from: string;
  readonly to: string;
  readonly key: string | undefined;
  readonly sent: Sent[];
  /** The last that was handled, by its receiver. */
  readonly last: Map<string, number>;
  /** What was overtaken, and by what. */
  readonly gaps: { readonly lost: Sent; readonly by: Sent; readonly atMs: number }[];
}

/** Errors of a send after which the message may be with its receiver. */
const UNKNOWN = "ERR_OUTCOME_UNKNOWN";

export class ChannelBook {
  readonly violations: string[] = [];
  readonly #now: () => number;
  readonly #sent: Sent[] = [];
  readonly #lanes = new Map<string, Lane>();
  /** Pairs of starts of which one has given the other up for good. */
  readonly #parted = new Map<string, string>();
  readonly #bornMs = new Map<string, number>();
  /** Since when a start handles what comes; before that it is dropped, as messages without a handler are. */
  readonly #servesMs = new Map<string, number>();

  constructor(now: () => number = () => 0) {
    this.#now = now;
  }

  get size(): number {
    return this.#sent.length;
  }

  /** A start of a node has its handlers. */
  serves(by: string, bornMs: number): void {
    this.#bornMs.set(by, bornMs);
    this.#servesMs.set(by, this.#now());
  }

  /** A message is about to be sent; `from` and `to` are starts of nodes. */
  sending(
    route: Pick<Lane, "channel" | "from" | "to" | "key">,
    content: Excerpt,
    isRequest = false,
  ): Sent {
    const lane = this.#lane(route);
    const sent: Sent = {
      id: this.#sent.length,
      lane,
      sequence: lane.sent.length + 1,
      content,
      sentMs: this.#now(),
      isRequest,
      outcome: undefined,
      isRefused: false,
      handled: 0,
      isFinished: false,
    };
    this.#sent.push(sent);
    lane.sent.push(sent);
    return sent;
  }

  /** What `trySend` said. */
  offered(sent: Sent, outcome: SendOutcome): void {
    this.told(sent, outcome === "accepted" ? "ok" : outcome);
  }

  /** What became of `send`: "ok", or the code of its error. */
  told(sent: Sent, outcome: string): void {
    sent.outcome = outcome;
    sent.isRefused = outcome !== "ok" && outcome !== UNKNOWN;
    if (sent.isRefused && sent.handled > 0) this.#wrong(sent, "was handled before it was refused");
    const isAnswered = sent.isRequest || sent.lane.channel === "simulation.acked";
    if (isAnswered && outcome === "ok" && !sent.isFinished)
      this.#wrong(sent, "was reported as handled, and its handler has not finished");
  }

  /** A handler was called; `by` is its start. Gives what to tell when it has finished. */
  handling(id: number, bytes: Uint8Array, by: string): () => void {
    const sent = this.#sent[id];
    if (sent === undefined) {
      this.violations.push(`${by} was given message ${id}, which nobody sent`);
      return () => {};
    }
    sent.handled += 1;
    if (sent.handled > 1) this.#wrong(sent, `was handled ${sent.handled} times, at last by ${by}`);
    if (sent.isRefused) this.#wrong(sent, `was handled by ${by}`);
    const isOlder = by !== sent.lane.to && sent.sentMs < (this.#bornMs.get(by) ?? 0);
    if (isOlder) this.#wrong(sent, `was handled by ${by}, which was started after it was sent`);
    if (bytes.length !== sent.content.sizeBytes || !isPartOf(sent.content, bytes))
      this.#wrong(sent, `came with other bytes (${bytes.length})`);
    if (sent.lane.channel !== "simulation.acked") this.#inOrder(sent, by);
    return () => {
      sent.isFinished = true;
    };
  }

  /** One start has given the other up for good: what is between them may be lost. */
  parted(one: string, other: string, why: string): void {
    for (const pair of [`${one} ${other}`, `${other} ${one}`]) {
      if (!this.#parted.has(pair)) this.#parted.set(pair, why);
    }
  }

  /** Gaps in what reliable channels delivered between starts that have not given each other up. */
  gaps(): readonly string[] {
    const wrong: string[] = [];
    for (const lane of this.#lanes.values()) {
      if (lane.channel !== "simulation.reliable" || this.#areParted(lane)) continue;
      for (const { lost, by, atMs } of lane.gaps) {
        if (lost.isRefused || lost.isRequest || !this.#mustArrive(lost)) continue;
        wrong.push(`${shown(lost)} was overtaken at ${atMs.toFixed(0)} ms by ${shown(by)}`);
      }
    }
    return wrong;
  }

  /** What starts that live have been promised and did not get. */
  missing(alive: ReadonlySet<string>): readonly string[] {
    const missing: string[] = [];
    for (const lane of this.#lanes.values()) {
      if (!alive.has(lane.from) || !alive.has(lane.to) || this.#areParted(lane)) continue;
      for (const sent of promised(lane)) {
        if (sent.handled === 0 && this.#mustArrive(sent))
          missing.push(`${shown(sent)} has not arrived`);
      }
    }
    return missing;
  }

  /** What those who live have sent and were told nothing of. */
  unsettled(alive: ReadonlySet<string>): readonly string[] {
    const open = this.#sent.filter(({ outcome, lane }) => {
      return outcome === undefined && alive.has(lane.from);
    });
    return open.map((sent) => `${shown(sent)} has not ended for its sender`);
  }

  #mustArrive({ lane, sentMs }: Sent): boolean {
    return sentMs > (this.#servesMs.get(lane.to) ?? Infinity);
  }

  #inOrder(sent: Sent, by: string): void {
    const { lane, sequence } = sent;
    const last = lane.last.get(by) ?? 0;
    if (sequence <= last) return this.#wrong(sent, `came to ${by} after number ${last}`);
    lane.last.set(by, sequence);
    if (by !== lane.to || lane.channel !== "simulation.reliable") return;
    for (let before = last + 1; before < sequence; before += 1) {
      const lost = lane.sent[before - 1] as Sent;
      if (!lost.isRefused) lane.gaps.push({ lost, by: sent, atMs: this.#now() });
    }
  }

  #areParted({ from, to }: Lane): boolean {
    return this.#parted.has(`${from} ${to}`);
  }

  #lane({ channel, from, to, key }: Pick<Lane, "channel" | "from" | "to" | "key">): Lane {
    const name = `${channel} ${from} ${to} ${key ?? "-"}`;
    let lane = this.#lanes.get(name);
    if (lane === undefined) {
      lane = { channel, from, to, key, sent: [], last: new Map(), gaps: [] };
      this.#lanes.set(name, lane);
    }
    return lane;
  }

  #wrong(sent: Sent, what: string): void {
    this.violations.push(`${shown(sent)} ${what} at ${this.#now().toFixed(0)} ms`);
  }
}

/** What must arrive in the end: of a channel where only the newest matters, the last of each key. */
function promised({ channel, sent }: Lane): readonly Sent[] {
  const accepted = sent.filter(({ outcome }) => outcome === "ok");
  if (channel === "simulation.best") return [];
  return channel === "simulation.latest" ? accepted.slice(-1) : accepted;
}

function shown({ id, sequence, lane, content, sentMs, outcome }: Sent): string {
  const { channel, key = "-", from, to } = lane;
  const size = `${content.sizeBytes} bytes`;
  const told = outcome === undefined ? "not told" : `told ${outcome}`;
  return `${channel} #${id} (${sequence} of key ${key}, ${size}, ${from} to ${to} at ${sentMs.toFixed(0)} ms, ${told})`;
}
