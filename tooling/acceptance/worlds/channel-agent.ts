/**
 * ChannelAgent: what a node of a world sends on channels, and what it gets, in order.
 *
 * It keeps what came in one list for each channel, with whether its sender was told to be gone by then. Its handlers can
 * be made to wait, all of one channel together, as those of an application that has come to a stop.
 */
import { isFoundationError, type Clock } from "@foundation/core";
import type { Channel, ChannelOptions, Cluster } from "@foundation/foundation";
import type { ChannelSend, GotMessage, SendResult, StreamResult } from "./commands.js";

export const worldChannels = {
  "worlds.best": { parallelism: 4 },
  "worlds.reliable": { delivery: "reliable", parallelism: 4 },
  "worlds.acked": { delivery: "acked", parallelism: 2 },
  "worlds.latest": { monotonic: true },
} as const satisfies Readonly<Record<string, ChannelOptions>>;
export type WorldChannel = keyof typeof worldChannels;

const names = Object.keys(worldChannels) as WorldChannel[];

/** As a node is configured with them: a peer may open one before this node does. */
export const channelList = names.map((name) => ({ name, ...worldChannels[name] }));

interface Wire extends Omit<GotMessage, "isAfterEnd"> {
  readonly bytes: Uint8Array;
}

const PIECE_BYTES = 50_000;

export class ChannelAgent {
  readonly #cluster: Cluster;
  readonly #clock: Clock;
  readonly #isGone: (boot: string) => boolean;
  readonly #got = new Map<string, GotMessage[]>();
  readonly #gates = new Map<string, { readonly open: Promise<void>; release(): void }>();
  readonly #sequences = new Map<string, number>();
  #sent = 0;

  /** @param isGone whether this node was told the end of a start of another */
  constructor(cluster: Cluster, clock: Clock, isGone: (boot: string) => boolean) {
    this.#cluster = cluster;
    this.#clock = clock;
    this.#isGone = isGone;
    for (const name of names) {
      const channel = this.#channel(name);
      channel.handle(({ payload }) => this.#take(name, payload as Wire));
      channel.handleStream((stream) => read(stream));
    }
  }

  /** What came on a channel, in the order in which it was handled. */
  got(channel: WorldChannel): readonly GotMessage[] {
    return this.#got.get(channel) ?? [];
  }

  /** Handlers of a channel wait from now on, or go on. */
  hold(channel: WorldChannel, isHeld: boolean): void {
    this.#gates.get(channel)?.release();
    this.#gates.delete(channel);
    if (!isHeld) return;
    let release = (): void => {};
    const open = new Promise<void>((resolve) => {
      release = resolve;
    });
    this.#gates.set(channel, { open, release });
  }

  /** Sends so many numbered messages, one after the other, and tells what became of each. */
  async send({
    to,
    channel,
    count,
    keys,
    bytes,
    everyMs,
    isOffer,
  }: ChannelSend): Promise<readonly SendResult[]> {
    const node = this.#cluster.nodes().find(({ name }) => name === to);
    if (node === undefined) throw new Error(`${this.#cluster.self.name} lists no ${to}`);
    const handle = this.#channel(channel);
    const results: Promise<SendResult>[] = [];
    for (let index = 0; index < count; index += 1) {
      const key = `key-${index % keys}`;
      const message = this.#message(channel, to, key, bytes);
      const { id } = message;
      if (isOffer) {
        const code = handle.trySend(node.id, message, { key });
        results.push(Promise.resolve({ id, key, code: code === "accepted" ? "ok" : code }));
      } else {
        results.push(
          codeOf(handle.send(node.id, message, { key })).then((code) => ({ id, key, code })),
        );
      }
      if (everyMs > 0) await this.#clock.sleep(everyMs);
    }
    return Promise.all(results);
  }

  /** Streams so many bytes; the reader tells how many came, and their sum. */
  async stream(to: string, bytes: number): Promise<StreamResult> {
    const node = this.#cluster.nodes().find(({ name }) => name === to);
    if (node === undefined) throw new Error(`${this.#cluster.self.name} lists no ${to}`);
    const expected = { bytes, sum: 0 };
    const clock = this.#clock;
    async function* source() {
      for (let at = 0; at < bytes; at += PIECE_BYTES) {
        const piece = new Uint8Array(Math.min(PIECE_BYTES, bytes - at)).fill(
          (at / PIECE_BYTES) % 251,
        );
        expected.sum = sumOf(piece, expected.sum);
        yield piece;
        await clock.sleep(10);
      }
    }
    try {
      const read = await this.#channel("worlds.reliable").stream(node.id, source());
      return { code: "ok", read, expected };
    } catch (error) {
      if (!isFoundationError(error)) throw error;
      return { code: error.code, read: undefined, expected };
    }
  }

  #channel(name: WorldChannel): Channel {
    return this.#cluster.channel(name, worldChannels[name]);
  }

  #message(channel: string, to: string, key: string, sizeBytes: number): Wire {
    const lane = `${channel} ${to} ${key}`;
    const sequence = (this.#sequences.get(lane) ?? 0) + 1;
    this.#sequences.set(lane, sequence);
    this.#sent += 1;
    const { id: node, boot } = this.#cluster.self;
    const sender = `${node.slice(0, 8)}/${boot}`;
    return {
      id: `${sender} ${this.#sent}`,
      sender,
      key,
      sequence,
      bytes: new Uint8Array(sizeBytes),
    };
  }

  #take(channel: string, { id, sender, key, sequence }: Wire): Promise<void> | undefined {
    const isAfterEnd = this.#isGone(sender.split("/")[1] ?? "");
    const list = this.#got.get(channel) ?? [];
    this.#got.set(channel, list);
    list.push({ id, sender, key, sequence, isAfterEnd });
    return this.#gates.get(channel)?.open;
  }
}

async function read(stream: AsyncIterable<Uint8Array>): Promise<StreamResult["expected"]> {
  let [bytes, sum] = [0, 0];
  for await (const piece of stream) {
    bytes += piece.length;
    sum = sumOf(piece, sum);
  }
  return { bytes, sum };
}

/** Depends on every byte and its place (FNV-1a). */
function sumOf(bytes: Uint8Array, sum: number): number {
  let hash = sum;
  for (const byte of bytes) hash = Math.imul(hash ^ byte, 0x01000193);
  return hash >>> 0;
}

/** What is no FoundationError is a bug and is thrown. */
async function codeOf(sending: Promise<void>): Promise<string> {
  try {
    await sending;
    return "ok";
  } catch (error) {
    if (!isFoundationError(error)) throw error;
    return error.code;
  }
}
