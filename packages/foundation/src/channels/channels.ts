/**
 * Channels: the channels that an application has opened by name, one handle each.
 *
 * A channel has one set of options on a node, since its connections have: the configuration's (`overlay.channels`), else those
 * of the first who opened it. Opening it without options takes what is there; with others is an error, never a silent choice.
 */
import { coreErrors } from "@foundation/core";
import type { ChannelOptions as OverlayChannelOptions } from "@foundation/overlay";
import { limits } from "../limits.js";
import { ChannelHandle, type ChannelPorts } from "./channel-handle.js";
import { checkChannelName } from "./channel-name.js";
import type { ChannelOptions } from "./channel.js";

export interface ChannelsOptions extends ChannelPorts {
  /** `overlay.channels` of the configuration. */
  readonly configured: readonly (string | OverlayChannelOptions)[];
  /** Tells the overlay, before the channel is used. @throws {ERR_INVALID_ARGUMENT} for a bad option */
  readonly configure: (options: OverlayChannelOptions) => void;
}

interface Opened {
  readonly handle: ChannelHandle;
  readonly options: Decided;
}

type Decided = Readonly<Record<string, unknown>>;

export class Channels {
  readonly #options: ChannelsOptions;
  readonly #opened = new Map<string, Opened>();
  readonly #end: () => void;
  #closed = false;

  constructor(options: ChannelsOptions) {
    this.#options = options;
    this.#end = options.membership.subscribe(({ type, node }) => {
      if (type !== "node-down" && type !== "node-left") return;
      for (const { handle } of this.#opened.values()) handle.forget(node.id);
    });
  }

  /** @throws {ERR_INVALID_ARGUMENT} @throws {ERR_CLOSED} */
  open(name: string, given?: ChannelOptions): ChannelHandle {
    checkChannelName(name);
    if (this.#closed) {
      const message = `Channel "${name}" cannot be opened: this node has left the cluster`;
      throw coreErrors.ERR_CLOSED(message, { what: "cluster" });
    }
    const known = this.#opened.get(name);
    const options = optionsOf(name, given);
    const set = known?.options ?? this.#configured(name);
    if (options !== undefined && set !== undefined) this.#agree(name, set, decided(options), known);
    if (known !== undefined) return known.handle;
    if (this.#opened.size >= limits.channelsMax) throw tooMany();
    if (options !== undefined && set === undefined) {
      this.#options.configure({ ...options, name });
    }
    const handle = new ChannelHandle(name, this.#options);
    this.#opened.set(name, { handle, options: set ?? decided(options ?? {}) });
    return handle;
  }

  close(): void {
    this.#closed = true;
    this.#end();
  }

  /** What the configuration says of a channel, if it says anything but its name. */
  #configured(name: string): Decided | undefined {
    for (const each of this.#options.configured) {
      if (typeof each === "object" && each.name === name) {
        const options = optionsOf(name, each);
        if (options !== undefined) return decided(options);
      }
    }
    return undefined;
  }

  #agree(name: string, set: Decided, wanted: Decided, known: Opened | undefined): void {
    const keys = [...new Set([...Object.keys(set), ...Object.keys(wanted)])];
    const other = keys.filter((key) => JSON.stringify(set[key]) !== JSON.stringify(wanted[key]));
    if (other.length === 0) return;
    const where =
      this.#configured(name) === undefined ? "it was opened" : "overlay.channels has it";
    const shown = (of: Decided) =>
      other.map((key) => `${key} ${JSON.stringify(of[key]) ?? "not set"}`).join(", ");
    const expected = `${shown(set)}, as ${where}`;
    throw coreErrors.ERR_INVALID_ARGUMENT(
      `Channel "${name}" has one set of options on a node: expected ${expected}, found ${shown(wanted)}. ` +
        `Give it the same options everywhere, or ${known === undefined ? "none here" : "put them into overlay.channels and give none here"}.`,
      { argument: "options", expected, found: shown(wanted) },
    );
  }
}

const known = [
  "parallelism",
  "delivery",
  "monotonic",
  "priority",
  "compression",
  "overflow",
  "windowBytes",
] as const satisfies readonly (keyof ChannelOptions)[];

/** The options without those that are not set; undefined when none is. @throws {ERR_INVALID_ARGUMENT} */
function optionsOf(name: string, given: ChannelOptions | undefined): ChannelOptions | undefined {
  if (given === undefined) return undefined;
  const isObject = typeof given === "object" && given !== null && !Array.isArray(given);
  const entries = isObject ? Object.entries(given).filter(([, value]) => value !== undefined) : [];
  const own = entries.filter(([key]) => key !== "name");
  const stranger = own.find(([key]) => !known.some((each) => each === key))?.[0];
  if (!isObject || stranger !== undefined) {
    const expected = `options among ${known.join(", ")}`;
    const found = stranger === undefined ? typeof given : `"${stranger}"`;
    throw coreErrors.ERR_INVALID_ARGUMENT(
      `The options of channel "${name}" must be ${expected}, found ${found}`,
      { argument: "options", expected, found },
    );
  }
  return own.length === 0 ? undefined : (Object.fromEntries(own) as ChannelOptions);
}

/** With the defaults that do not depend on anything else, so that saying a default is the same as not saying it. */
function decided(options: ChannelOptions): Decided {
  const { monotonic = false, delivery = monotonic ? "reliable" : "best" } = options;
  const defaults = { parallelism: 1, priority: 1, overflow: "block" };
  return { ...defaults, ...options, monotonic, delivery };
}

function tooMany(): Error {
  const expected = `at most ${limits.channelsMax} channels`;
  const message = `cluster.channel() opens ${expected}: tell messages of one channel apart by what they hold`;
  return coreErrors.ERR_INVALID_ARGUMENT(message, {
    argument: "name",
    expected,
    found: "a further one",
  });
}
