/**
 * ChannelTraffic: what applications send each other on channels, from one byte to many chunks, one by one and in
 * bursts, to handlers that take their time and handlers that do not.
 *
 * It draws from a source of its own, and for each action the same number of times; see Workload.
 */
import { isFoundationError, type NodeId } from "@foundation/core";
import type { Random } from "@foundation/core/ports";
import { seededRandom } from "@foundation/core/testing";
import type { Simulator } from "@foundation/testkit";
import type { ChannelBook, Sent } from "./channel-book.js";
import { channelNames, type ChannelName } from "./channel-names.js";
import { chosen } from "./draws.js";
import { keyOf } from "./identity-book.js";
import { excerptOf, noiseAt } from "./noise.js";
import type { StreamBook } from "./stream-book.js";
import type { StackNode } from "./stack-node.js";

const KEYS = 5;
const BURST_MAX = 40;
const HOLD_MS_MAX = 1_500;
const PATIENCE_MS_MAX = 3_000;
const READ_PAUSE_MS_MAX = 300;
/** How many of them are larger than a batch, and how large they are at most. */
const sizes = { small: 200, medium: 20_000, large: 300_000, stream: 2_000_000 } as const;

/** How much of what is sent goes by each. */
const shares: Readonly<Record<ChannelName, number>> = {
  "simulation.best": 2,
  "simulation.reliable": 6,
  "simulation.acked": 2,
  "simulation.latest": 2,
};

export interface ChannelTrafficOptions {
  readonly seed: string;
  /** 0: none. */
  readonly everyMs: number;
}

/** A message as it is sent. */
export interface ChannelMessage {
  readonly id: number;
  /** How long its handler takes. */
  readonly holdMs: number;
  readonly bytes: Uint8Array;
}

/** What was drawn for one action: numbers from 0 to 1. */
interface Draw {
  readonly node: number;
  readonly target: number;
  readonly channel: number;
  readonly key: number;
  readonly count: number;
  readonly size: number;
  readonly content: number;
  readonly way: number;
  readonly hold: number;
}

export class ChannelTraffic {
  readonly violations: string[] = [];
  readonly #sim: Simulator<StackNode>;
  readonly #book: ChannelBook;
  readonly #streams: StreamBook;
  readonly #random: Random;
  readonly #everyMs: number;
  #stopped = false;

  constructor(
    sim: Simulator<StackNode>,
    book: ChannelBook,
    streams: StreamBook,
    { seed, everyMs }: ChannelTrafficOptions,
  ) {
    this.#sim = sim;
    this.#book = book;
    this.#streams = streams;
    this.#random = seededRandom(`channels ${seed}`);
    this.#everyMs = everyMs;
  }

  start(): void {
    if (this.#everyMs === 0) return;
    const next = () => this.#random.next();
    const delayMs = next() * 2 * this.#everyMs;
    const [node, target, channel, key] = [next(), next(), next(), next()];
    const [count, size, content, way, hold] = [next(), next(), next(), next(), next()];
    this.#sim.at(delayMs, () => {
      if (this.#stopped) return;
      this.#act({ node, target, channel, key, count, size, content, way, hold });
      this.start();
    });
  }

  stop(): void {
    this.#stopped = true;
  }

  /** One message on each channel from each node to each other one. */
  everybodySends(): void {
    if (this.#everyMs === 0) return;
    for (const own of this.#sim.nodes) {
      own.within((node) => {
        for (const to of node.cluster.nodes()) {
          if (to.id === node.cluster.self.id) continue;
          for (const channel of channelNames) {
            const draw = { channel: 0, key: 0, size: 0, content: 0, way: 0.9, hold: 1, count: 0 };
            this.#send(node, { id: to.id, key: keyOf(to) }, channel, {
              ...draw,
              node: 0,
              target: 0,
            });
          }
        }
      });
    }
  }

  #act(draw: Draw): void {
    const ready = this.#sim.nodes.filter(({ state, app }) => state === "up" && app !== undefined);
    if (ready.length === 0) return;
    chosen(ready, draw.node).within((node) => {
      if (node.isLeaving) return;
      const { id: self } = node.cluster.self;
      const others = node.cluster.nodes().filter(({ id }) => id !== self);
      if (others.length === 0) return;
      const target = chosen(others, draw.target);
      const to = { id: target.id, key: keyOf(target) };
      const channel = channelOf(draw.channel);
      // One in five is a burst.
      const count = draw.count < 0.8 ? 1 : Math.ceil((draw.count - 0.8) * 5 * BURST_MAX);
      for (let index = 0; index < count; index += 1)
        this.#send(node, to, channel, turned(draw, index));
    });
  }

  #send(
    node: StackNode,
    to: { readonly id: NodeId; readonly key: string },
    channel: ChannelName,
    draw: Draw,
  ): void {
    const number = Math.floor(draw.key * (KEYS + 1));
    const key = number === KEYS ? undefined : `key-${number}`;
    const content = excerptOf(sizeOf(draw.size), draw.content);
    if (draw.way > 0.97 && channel === "simulation.reliable") {
      return this.#stream(node, to, key, draw);
    }
    const isRequest = draw.way > 0.85 && channel === "simulation.reliable";
    const lane = { channel, from: node.key, to: to.key, key };
    const sent = this.#book.sending(lane, content, isRequest);
    const holdMs = draw.hold < 0.15 ? Math.ceil((draw.hold / 0.15) * HOLD_MS_MAX) : 0;
    const message: ChannelMessage = { id: sent.id, holdMs, bytes: noiseAt(content) };
    const target = { to: to.id, channel, ...(key === undefined ? {} : { key }) };
    if (draw.way < 0.3 && channel !== "simulation.acked") {
      return this.#book.offered(sent, node.channels.trySend(target, message));
    }
    if (isRequest) {
      const timeoutMs = 50 + Math.floor(draw.count * PATIENCE_MS_MAX);
      return this.#follow(sent, node.channels.request(target, message, timeoutMs));
    }
    const patience = draw.way < 0.4 ? new AbortController() : undefined;
    if (patience !== undefined) {
      node.clock.setTimer(draw.count * PATIENCE_MS_MAX, () => patience.abort());
    }
    this.#follow(sent, node.channels.send(target, message, patience?.signal));
  }

  #follow(sent: Sent, ending: Promise<unknown>): void {
    ending.then(
      () => this.#book.told(sent, "ok"),
      (error: unknown) => this.#failed(sent, error),
    );
  }

  /** Up to some megabytes, given up by its sender or its reader in some cases. */
  #stream(
    node: StackNode,
    { id, key: to }: { readonly id: NodeId; readonly key: string },
    key: string | undefined,
    draw: Draw,
  ): void {
    const content = excerptOf(Math.ceil(draw.size ** 3 * sizes.stream), draw.content);
    const sent = this.#streams.opening(node.key, to, content, {
      leavesAfterBytes: draw.hold < 0.2 ? draw.key * content.sizeBytes : Infinity,
      pauseMs: draw.hold > 0.8 ? draw.key * READ_PAUSE_MS_MAX : 0,
    });
    const patience = new AbortController();
    if (draw.count < 0.2) node.clock.setTimer(draw.key * PATIENCE_MS_MAX, () => patience.abort());
    const target = { to: id, channel: "simulation.reliable", ...(key && { key }) } as const;
    const options = { metadata: this.#streams.metadataOf(sent), signal: patience.signal };
    const ending = node.channels.stream(target, this.#streams.source(sent), options);
    ending.then(
      (value) => this.#streams.told(sent, "ok", value),
      (error: unknown) => {
        if (isFoundationError(error)) return this.#streams.told(sent, error.code);
        this.violations.push(
          `stream ${sent.id} ended with what is not a FoundationError: ${String(error)}`,
        );
      },
    );
  }

  #failed(sent: Sent, error: unknown): void {
    if (isFoundationError(error)) return this.#book.told(sent, error.code);
    this.violations.push(
      `message ${sent.id} ended with what is not a FoundationError: ${String(error)}`,
    );
  }
}

function channelOf(choice: number): ChannelName {
  let below = 0;
  const sum = channelNames.reduce((total, name) => total + shares[name], 0);
  const found = channelNames.find((name) => choice * sum < (below += shares[name]));
  return found ?? "simulation.reliable";
}

function sizeOf(choice: number): number {
  if (choice < 0.85) return 1 + Math.floor((choice / 0.85) * sizes.small);
  if (choice < 0.97) return Math.ceil(((choice - 0.85) / 0.12) * sizes.medium);
  return Math.ceil(((choice - 0.97) / 0.03) * sizes.large);
}

/** Another draw for each message of a burst, without drawing. */
function turned(draw: Draw, index: number): Draw {
  const turn = (value: number, by: number) => (value + index * by) % 1;
  return {
    ...draw,
    key: turn(draw.key, 0.31),
    size: turn(draw.size, 0.37),
    content: turn(draw.content, 0.11),
    hold: turn(draw.hold, 0.53),
    way: turn(draw.way, 0.71),
  };
}
