/**
 * ChannelOptions: what a channel promises and what it may cost; see DESIGN of channels in the
 * package's README.
 *
 * A channel is opened on first use, so every name exists; naming it in the options, or in
 * `configureChannel`, changes its defaults. Delivery, lanes, priority, compression and overflow are
 * the sender's choice: a receiver takes whatever comes. The window is the receiver's.
 */
import { coreErrors } from "@foundation/core";
import { FLOW, LINK } from "./limits.js";
import { COMPRESSION } from "./protocol/delivery/limits.js";
import { isChannelName } from "./protocol/handshake/messages.js";
import { COORDINATION } from "./runtime/dial-targets.js";

/**
 * - `best`: at most once. What was under way when a connection broke is lost.
 * - `reliable`: exactly once and in order between the same two starts of two nodes, connections
 *   that break notwithstanding: frames are kept until the other side has counted them.
 * - `acked`: each message is repeated until its handler has finished, and handled once.
 */
export type Delivery = "best" | "reliable" | "acked";

/**
 * What becomes of a message when its channel's queue is full: its sender waits, it is dropped, the
 * oldest unsent ones are dropped, or it is refused with ERR_QUEUE_FULL.
 */
export type Overflow = "block" | "drop-newest" | "drop-oldest" | "error";

/** 3 leaves first. */
export type Priority = 0 | 1 | 2 | 3;

export interface ChannelOptions {
  /** 1 to 64 characters of a-z 0-9 . _ - */
  readonly name: string;
  /** Connections of this channel to each peer; equal keys share one. From 1 to 16. @default 1 */
  readonly parallelism?: number;
  /** @default "best", and "reliable" for a monotonic channel */
  readonly delivery?: Delivery;
  /**
   * Only the newest value of each key matters: an unsent message is replaced by a newer one with
   * its key, and the last is always delivered. @default false, true for `telemetry`
   */
  readonly monotonic?: boolean;
  /**
   * Which channel of a node writes first when several have something to write. @default 1; raft 3,
   * processes 2, data 0
   */
  readonly priority?: Priority;
  /**
   * Deflates payloads from `thresholdBytes` on (1024), one message or piece at a time, where that
   * saves at least an eighth. @default false
   */
  readonly compression?: boolean | { readonly thresholdBytes: number };
  /** @default "block" */
  readonly overflow?: Overflow;
  /**
   * Bytes each peer may send on a lane of this channel before this node has consumed them; grows
   * where the round trip asks for it. From 64 KiB to 16 MiB. @default 1 MiB, 256 KiB for `data`
   */
  readonly windowBytes?: number;
}

/** Every option of a channel, decided. */
export interface ChannelSettings {
  readonly name: string;
  readonly lanes: number;
  readonly delivery: Delivery;
  readonly monotonic: boolean;
  readonly priority: Priority;
  /** Payloads from this size on are compressed; Infinity: none. */
  readonly compressFromBytes: number;
  readonly overflow: Overflow;
  readonly windowBytes: number;
  /** Waits for a link that membership is about to open, rather than have one dialled. */
  readonly isPatient: boolean;
}

/**
 * What every pair of members has to tell each other sooner or later: while a cluster forms it would
 * open all links at once, and from both sides.
 */
const PATIENT: ReadonlySet<string> = new Set(["state"]);

const BUILT_IN: Readonly<Record<string, Partial<ChannelOptions>>> = {
  [COORDINATION]: { priority: 3 },
  raft: { priority: 3 },
  processes: { priority: 2 },
  telemetry: { monotonic: true },
  data: { priority: 0, windowBytes: FLOW.streamWindowBytes },
};

/** The settings of every channel of one node. */
export class Channels {
  readonly #settings = new Map<string, ChannelSettings>();
  /** Channels that were configured, and those that are in use here; a peer may use any. */
  readonly #fixed = new Set<string>();
  readonly #compression: boolean;
  readonly #windowBytes: number;

  /** @throws {ERR_INVALID_ARGUMENT} */
  constructor(
    channels: readonly (string | ChannelOptions)[] = [],
    defaults: { readonly compression?: boolean; readonly windowBytes?: number } = {},
  ) {
    this.#compression = defaults.compression ?? false;
    this.#windowBytes = defaults.windowBytes ?? FLOW.windowBytes;
    for (const channel of channels) {
      this.configure(typeof channel === "string" ? { name: channel } : channel);
    }
  }

  /** The settings of a channel; they are fixed once it is `used`. */
  of(name: string): ChannelSettings {
    const known = this.#settings.get(name);
    if (known !== undefined) return known;
    const settings = this.#decide({ name });
    this.#settings.set(name, settings);
    return settings;
  }

  /** Something is sent on the channel here: its settings change no more. */
  used(name: string): ChannelSettings {
    this.#fixed.add(name);
    return this.of(name);
  }

  /**
   * Decides a channel's settings; the same options again change nothing.
   *
   * @throws {ERR_INVALID_ARGUMENT} for a bad option, or when the channel is configured differently
   *   or in use already
   */
  configure(options: ChannelOptions): ChannelSettings {
    checkChannelOptions(options);
    const settings = this.#decide(options);
    const known = this.#settings.get(options.name);
    if (known !== undefined && this.#fixed.has(options.name) && !areEqual(known, settings)) {
      throw invalid(
        `channel "${options.name}"`,
        "configured once, and before its first use",
        "other options for it",
      );
    }
    this.#fixed.add(options.name);
    if (known !== undefined && areEqual(known, settings)) return known;
    this.#settings.set(options.name, settings);
    return settings;
  }

  #decide(options: ChannelOptions): ChannelSettings {
    const { name } = options;
    const chosen = { ...BUILT_IN[name], ...options };
    const { monotonic = false, compression = this.#compression } = chosen;
    const threshold =
      compression === true ? COMPRESSION.thresholdBytesDefault : Number.POSITIVE_INFINITY;
    return {
      name,
      lanes: name === COORDINATION ? 1 : (chosen.parallelism ?? 1),
      delivery: chosen.delivery ?? (monotonic ? "reliable" : "best"),
      monotonic,
      priority: chosen.priority ?? 1,
      compressFromBytes: typeof compression === "object" ? compression.thresholdBytes : threshold,
      overflow: chosen.overflow ?? "block",
      windowBytes: chosen.windowBytes ?? this.#windowBytes,
      isPatient: PATIENT.has(name),
    };
  }
}

function areEqual(a: ChannelSettings, b: ChannelSettings): boolean {
  return (Object.keys(a) as (keyof ChannelSettings)[]).every((key) => a[key] === b[key]);
}

/** @throws {ERR_INVALID_ARGUMENT} naming the option, what was expected and what was found */
function checkChannelOptions(options: ChannelOptions): void {
  const { name, parallelism = 1, delivery = "best", priority = 1, overflow = "block" } = options;
  const { monotonic = false, compression = false, windowBytes = FLOW.windowBytes } = options;
  const names = "names of a-z 0-9 . _ -, up to 64 characters, beginning with a letter or digit";
  check(isChannelName(name), "channels", names, name);
  const of = (option: string) => `channels.${name}.${option}`;
  const isLanes = isInteger(parallelism, 1, LINK.lanesMax);
  check(isLanes, of("parallelism"), `1 to ${LINK.lanesMax}`, parallelism);
  const deliveries = ["best", "reliable", "acked"];
  check(deliveries.includes(delivery), of("delivery"), deliveries.join(", "), delivery);
  check(isInteger(priority, 0, 3), of("priority"), "0 to 3", priority);
  const overflows = ["block", "drop-newest", "drop-oldest", "error"];
  check(overflows.includes(overflow), of("overflow"), overflows.join(", "), overflow);
  check(typeof monotonic === "boolean", of("monotonic"), "true or false", monotonic);
  const noAcked = !(monotonic && delivery === "acked");
  check(noAcked, of("delivery"), "best or reliable for a monotonic channel", delivery);
  const threshold = typeof compression === "object" ? compression.thresholdBytes : 1;
  const isCompression = typeof compression === "boolean" || typeof compression === "object";
  check(
    isCompression && isInteger(threshold, 1, Number.MAX_SAFE_INTEGER),
    of("compression"),
    "true, false or { thresholdBytes } of 1 or more",
    JSON.stringify(compression),
  );
  check(
    isInteger(windowBytes, FLOW.windowBytesMin, FLOW.windowBytesMax),
    of("windowBytes"),
    `${FLOW.windowBytesMin} to ${FLOW.windowBytesMax}`,
    windowBytes,
  );
}

function isInteger(value: unknown, min: number, max: number): boolean {
  return Number.isInteger(value) && (value as number) >= min && (value as number) <= max;
}

function check(isValid: boolean, argument: string, expected: string, found: unknown): void {
  if (!isValid) throw invalid(argument, expected, String(found).slice(0, 80));
}

function invalid(argument: string, expected: string, found: string): Error {
  return coreErrors.ERR_INVALID_ARGUMENT(`${argument} must be ${expected}, found ${found}`, {
    argument,
    expected,
    found,
  });
}
