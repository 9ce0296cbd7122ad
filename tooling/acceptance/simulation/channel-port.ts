/** ChannelPort: the channels of a simulated node, the same whether it was made by startCluster or by hand. */
import type { ByteSource, NodeId, SendOutcome } from "@foundation/core";
import type { Cluster } from "@foundation/foundation";
import type { LinkStats, Overlay } from "@foundation/overlay";
import { channelOptions, type ChannelName } from "./channel-names.js";

export interface ChannelTarget {
  readonly to: NodeId;
  readonly channel: ChannelName;
  readonly key?: string;
}

/** A stream as its handler needs it. */
export interface StreamIn extends AsyncIterable<Uint8Array> {
  readonly metadata: unknown;
}

export interface ChannelPort {
  send(target: ChannelTarget, payload: unknown, signal?: AbortSignal): Promise<void>;
  trySend(target: ChannelTarget, payload: unknown): SendOutcome;
  request(target: ChannelTarget, payload: unknown, timeoutMs: number): Promise<unknown>;
  stream(
    target: ChannelTarget,
    source: ByteSource,
    options: { readonly metadata: unknown; readonly signal: AbortSignal },
  ): Promise<unknown>;
  handle(channel: ChannelName, handler: (payload: unknown) => unknown): void;
  handleStream(channel: ChannelName, handler: (stream: StreamIn) => unknown): void;
  links(): readonly LinkStats[];
}

const SUBJECT = "simulation.channel";

/** Over the overlay alone. */
export function overlayChannels(overlay: Pick<Overlay, "messenger" | "links">): ChannelPort {
  const { messenger } = overlay;
  const route = ({ channel, ...target }: ChannelTarget) => ({
    ...target,
    channel,
    subject: `${SUBJECT}.${channel}`,
  });
  return {
    send: (target, payload, signal) => messenger.send(route(target), payload, { signal }),
    trySend: (target, payload) => messenger.trySend(route(target), payload),
    request: (target, payload, timeoutMs) => {
      return messenger.request(route(target), payload, { timeoutMs });
    },
    stream: (target, source, options) => messenger.stream(route(target), source, options),
    handle: (channel, handler) => {
      messenger.handle(`${SUBJECT}.${channel}`, ({ payload }) => handler(payload));
    },
    handleStream: (channel, handler) => {
      messenger.handleStream(`${SUBJECT}.${channel}`, handler);
    },
    links: () => overlay.links(),
  };
}

/** Over the cluster's own handle. */
export function clusterChannels(cluster: Cluster): ChannelPort {
  const open = (name: ChannelName) => cluster.channel(name, channelOptions[name]);
  return {
    send: ({ to, channel, key }, payload, signal) =>
      open(channel).send(to, payload, { key, signal }),
    trySend: ({ to, channel, key }, payload) => {
      return open(channel).trySend(to, payload, key === undefined ? {} : { key });
    },
    request: ({ to, channel, key }, payload, timeout) => {
      return open(channel).request(to, payload, { key, timeout });
    },
    stream: ({ to, channel, key }, source, options) => {
      return open(channel).stream(to, source, { key, ...options });
    },
    handle: (channel, handler) => {
      open(channel).handle(({ payload }) => handler(payload));
    },
    handleStream: (channel, handler) => {
      open(channel).handleStream(handler);
    },
    links: () => cluster.info().links.all,
  };
}
