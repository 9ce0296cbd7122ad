/** OwnAddress: what a node on a network announces over each path, and what it says when that is nothing. */
import type { DiscoveryContext } from "@foundation/core";
import { discoveryErrors } from "../errors.js";
import { announcedHost, isLoopbackHost, type NetworkPath } from "../protocol/lan/network-paths.js";
import { peerAddressLike } from "../protocol/peer-address.js";

/** The parts of an address of WebSockets. */
export interface OwnAddress {
  readonly host: string;
  readonly port: number;
  readonly listensOn?: string | undefined;
}

/** Undefined for a transport of another kind: its addresses are announced as they are. */
export function ownAddressOf(self: DiscoveryContext["self"]): OwnAddress | undefined {
  const match = /^wss?:\/\/(?:\[([^\]]+)\]|([^:/]+)):(\d+)$/.exec(self.address);
  if (match === null) return undefined;
  const [, six, name = "", port] = match;
  return { host: six ?? name, port: Number(port), listensOn: self.listensOn };
}

/** The host that others dial over this path; undefined where they could not reach this node. */
export function announcedOver(
  path: NetworkPath,
  self: DiscoveryContext["self"],
): string | undefined {
  const own = ownAddressOf(self);
  return own === undefined ? undefined : announcedHost(path, own);
}

/** What others dial over this path; undefined where they could not reach this node. */
export function addressOver(path: NetworkPath, self: DiscoveryContext["self"]): string | undefined {
  const own = ownAddressOf(self);
  if (own === undefined) return self.address;
  const host = announcedHost(path, own);
  return host === undefined ? undefined : peerAddressLike(self.address, host, own.port);
}

/** The problem of a node that listens on loopback and is looked for from outside; undefined when it has none. */
export function unreachable(
  strategy: string,
  self: DiscoveryContext["self"],
  paths: readonly NetworkPath[],
): Error | undefined {
  const own = ownAddressOf(self);
  if (own === undefined || !isLoopbackHost(own.host) || paths.length === 0) return undefined;
  if (paths.some((path) => addressOver(path, self) !== undefined)) return undefined;
  return discoveryErrors.ERR_LAN_UNREACHABLE(
    `"${strategy}" finds the other nodes of this network, but announces nothing: this node listens on ${own.host} only, ` +
      "and nobody else could dial that. Let it listen on the network, e.g. with FOUNDATION_HOST=0.0.0.0, and give it a secret.",
    { strategy, address: self.address },
  );
}
