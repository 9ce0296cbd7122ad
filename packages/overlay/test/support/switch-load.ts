/**
 * SwitchLoad: numbered messages and broadcasts among overlays of a virtual network, all the time, while
 * their topology is switched by hand and some of them are killed; and books of what came.
 */
import type { Overlay, TopologyName } from "../../src/index.js";
import { seededRandom } from "@foundation/core/testing";
import { VirtualOverlays } from "./virtual-overlays.js";

/** Every change of one into another, once. */
export const changes: readonly TopologyName[] = [
  "hyparview",
  "client-server",
  "full-mesh",
  "client-server",
  "hyparview",
  "full-mesh",
];

export interface SwitchLoadOptions {
  readonly nodes: number;
  readonly switches: number;
  readonly kills: number;
  /** Between two switches, at least and at most. */
  readonly everyMs: readonly [least: number, most: number];
  /** From when all list all to the first message; not all are linked yet if it is short. */
  readonly restMs: number;
  /** Between two rounds of messages. */
  readonly stepMs: number;
}

const CHANNELS = [
  { name: "ordered", delivery: "reliable" },
  { name: "newest", monotonic: true },
] as const;
/** Channels of broadcasts of which each must come. */
const NEWS = ["plain", "ordered"] as const;
const ORIGINS = 4;
const SETTLED_MS = 40_000;
const FORM_STEP_MS = 5;

interface Runner {
  readonly node: Overlay;
  readonly host: string;
  /** How many were sent: to each other one, and on each channel. */
  readonly sent: Map<string, number>;
  /** The numbers that came: from whom, and how. */
  readonly heard: Map<string, number[]>;
  /** When the last of each came, and the longest time between two. */
  readonly pauses: Map<string, { lastMs: number; longestMs: number }>;
  isKilled: boolean;
}

export interface SwitchOutcome {
  /** What is not as it should be, for people. */
  readonly violations: readonly string[];
  readonly messages: number;
  readonly broadcasts: number;
  /** The longest time between two broadcasts of one origin on one channel, by channel. */
  readonly longestPauseMs: Readonly<Record<string, number>>;
}

export class SwitchLoad {
  readonly #overlays: VirtualOverlays;
  readonly #random;
  readonly #options: SwitchLoadOptions;
  readonly #runners: Runner[] = [];

  constructor(seed: string, options: SwitchLoadOptions) {
    this.#overlays = new VirtualOverlays(seed);
    this.#random = seededRandom(`load ${seed}`);
    this.#options = options;
  }

  async play(): Promise<SwitchOutcome> {
    const { nodes, switches, kills, restMs } = this.#options;
    for (let i = 0; i < nodes; i += 1) await this.#start(`n${i}`);
    const isListed = ({ node }: Runner) => node.membership.members().length === nodes;
    while (!this.#runners.every(isListed)) await this.#overlays.clock.advance(FORM_STEP_MS);
    await this.#overlays.clock.advance(restMs);
    const killAt = new Set<number>();
    while (killAt.size < kills) killAt.add(this.#below(switches));
    for (let turn = 0; turn < switches; turn += 1) {
      const to = changes[turn % changes.length] as TopologyName;
      this.#one().node.switchTopology(to);
      await this.#run(this.#between(this.#options.everyMs), killAt.has(turn));
    }
    await this.#overlays.clock.advance(SETTLED_MS);
    const outcome = this.#outcome();
    await this.#overlays.close();
    return outcome;
  }

  async #start(host: string): Promise<void> {
    const [first] = this.#overlays.nodes;
    const node = await this.#overlays.start(host, {
      topology: "full-mesh",
      channels: CHANNELS,
      ...(first !== undefined && { peers: [first.address] }),
    });
    const runner: Runner = {
      node,
      host,
      sent: new Map(),
      heard: new Map(),
      pauses: new Map(),
      isKilled: false,
    };
    const note =
      (how: string) => (message: { readonly from: string; readonly payload: unknown }) => {
        const key = `${how} ${message.from}`;
        const known = runner.heard.get(key);
        if (known === undefined) runner.heard.set(key, [message.payload as number]);
        else known.push(message.payload as number);
        const nowMs = this.#overlays.clock.now();
        const pause = runner.pauses.get(key) ?? { lastMs: nowMs, longestMs: 0 };
        pause.longestMs = Math.max(pause.longestMs, nowMs - pause.lastMs);
        pause.lastMs = nowMs;
        runner.pauses.set(key, pause);
      };
    node.messenger.handle("number", note("message"));
    for (const channel of [...NEWS, "newest"]) node.broadcast.handle(channel, note(channel));
    this.#runners.push(runner);
  }

  /** Load for so long; with a kill at some moment of it. */
  async #run(forMs: number, isKilling: boolean): Promise<void> {
    const { stepMs } = this.#options;
    const steps = Math.ceil(forMs / stepMs);
    const killAt = isKilling ? this.#below(steps) : -1;
    for (let step = 0; step < steps; step += 1) {
      if (step === killAt) await this.#kill();
      this.#speak();
      await this.#overlays.clock.advance(stepMs);
    }
  }

  #speak(): void {
    for (let i = 0; i < 3; i += 1) this.#send(this.#one(), this.#one());
    const origin = this.#living[this.#below(ORIGINS)] as Runner;
    for (const channel of [...NEWS, "newest"]) {
      const number = next(origin, channel);
      origin.node.broadcast.publish(channel, number, { channel });
    }
  }

  #send(from: Runner, to: Runner): void {
    if (from === to) return;
    const number = next(from, to.node.self.id);
    const route = { to: to.node.self.id, channel: "ordered", subject: "number" };
    // To one that is killed meanwhile nothing is promised.
    from.node.messenger.send(route, number).catch(() => undefined);
  }

  async #kill(): Promise<void> {
    const victim = this.#one();
    victim.isKilled = true;
    this.#overlays.network.crash(victim.host);
    await this.#overlays.clock.run(victim.node.close());
  }

  #outcome(): SwitchOutcome {
    const violations: string[] = [];
    let [messages, broadcasts] = [0, 0];
    for (const to of this.#living) {
      for (const from of this.#runners) {
        if (from === to) continue;
        const { id } = from.node.self;
        const title = (what: string) => `${what} from ${from.host} to ${to.host}`;
        const numbers = (what: string) => to.heard.get(`${what} ${id}`) ?? [];
        const sent = from.isKilled ? undefined : (from.sent.get(to.node.self.id) ?? 0);
        messages += numbers("message").length;
        violations.push(...wrongIn(title("message"), numbers("message"), sent));
        for (const channel of NEWS) {
          const published = from.isKilled ? undefined : (from.sent.get(channel) ?? 0);
          broadcasts += numbers(channel).length;
          violations.push(...wrongIn(title(channel), numbers(channel), published));
        }
        const last = from.isKilled ? undefined : (from.sent.get("newest") ?? 0);
        violations.push(...staleIn(title("newest"), numbers("newest"), last));
      }
    }
    const longestPauseMs = Object.fromEntries(
      NEWS.map((channel) => [channel, this.#longest(channel)]),
    );
    return { violations, messages, broadcasts, longestPauseMs };
  }

  #longest(channel: string): number {
    const all = this.#living.flatMap(({ pauses }) =>
      [...pauses].flatMap(([key, { longestMs }]) => (key.startsWith(channel) ? [longestMs] : [])),
    );
    return Math.max(0, ...all);
  }

  get #living(): readonly Runner[] {
    return this.#runners.filter(({ isKilled }) => !isKilled);
  }

  #one(): Runner {
    return this.#living[this.#below(this.#living.length)] as Runner;
  }

  #below(end: number): number {
    return Math.floor(this.#random.next() * end);
  }

  #between([least, most]: readonly [number, number]): number {
    return least + this.#random.next() * (most - least);
  }
}

function next({ sent }: Runner, what: string): number {
  const number = (sent.get(what) ?? 0) + 1;
  sent.set(what, number);
  return number;
}

/** 1 to `sent`, each once and in order; of one that was killed, in order, each at most once. */
function wrongIn(what: string, numbers: readonly number[], sent: number | undefined): string[] {
  const wrong: string[] = [];
  let last = 0;
  const seen = new Set<number>();
  for (const number of numbers) {
    if (seen.has(number)) wrong.push(`${what}: ${number} twice`);
    else if (number < last) wrong.push(`${what}: ${number} after ${last}`);
    seen.add(number);
    last = Math.max(last, number);
  }
  for (let number = 1; number <= (sent ?? 0); number += 1) {
    if (!seen.has(number)) wrong.push(`${what}: ${number} of ${sent} lost`);
  }
  return wrong;
}

/** Never an older one after a newer one, and the last one comes. */
function staleIn(what: string, numbers: readonly number[], last: number | undefined): string[] {
  const wrong = wrongIn(what, numbers, undefined);
  if (last !== undefined && last > 0 && numbers.at(-1) !== last) {
    wrong.push(`${what}: the last is ${numbers.at(-1)}, not ${last}`);
  }
  return wrong;
}
