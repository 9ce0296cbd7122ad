/**
 * DatagramNetwork: the local network as gossip and mDNS need it, so that both run over memory in tests.
 *
 * Guarantees: `received` and `changed` are never called inside `open`, and never after `close` has resolved; sending
 * never throws and never blocks, what does not get out is told through `failed`. Nothing arrives for certain, once, or in
 * order.
 */
import type { Clock } from "@foundation/core";
import type { NetworkPath } from "../protocol/lan/network-paths.js";

export interface DatagramNetwork {
  /** Listens for a group on every path that fits, and follows interfaces as they come and go. */
  open(options: DatagramOptions): DatagramSocket;
}

export interface DatagramOptions {
  readonly clock: Clock;
  readonly port: number;
  /** The group of each family that is wanted. */
  readonly groups: { readonly 4?: string; readonly 6?: string };
  /** Names or addresses of interfaces. Empty: all that lead out, else loopback. */
  readonly interfaces: readonly string[];
  /** Routers a datagram may pass. */
  readonly ttl: number;
  /** IPv4 datagrams go to the network's broadcast address and not to the group. */
  readonly broadcast: boolean;
  /** Datagrams leave from `port` too: mDNS wants it. */
  readonly fromPort: boolean;
  received(datagram: Uint8Array, from: DatagramSource): void;
  /** The paths are others than before; also the first time. */
  changed(paths: readonly NetworkPath[]): void;
  /** Something does not work, and is tried again: `what` names it, the same each time. */
  failed(what: string, error: Error): void;
}

export interface DatagramSource {
  readonly address: string;
  readonly port: number;
  /** The path it came over; undefined when that cannot be told. */
  readonly path: NetworkPath | undefined;
}

export interface DatagramSocket {
  readonly paths: readonly NetworkPath[];
  /** To the group, over this path. */
  send(datagram: Uint8Array, path: NetworkPath): void;
  /** Idempotent. What was sent before has left the process when it resolves. */
  close(): Promise<void>;
}
