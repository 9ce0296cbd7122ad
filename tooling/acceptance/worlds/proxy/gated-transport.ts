/**
 * gatedTransport: the stack's own WebSocket transport, with every connection that it dials led through a proxy.
 *
 * The diverting is done at the dial, not by announced addresses: nodes tell each other where they really listen, so peers
 * that were only heard of are dialled through the proxy too.
 */
import { coreErrors, type Transport } from "@foundation/core";
import { websocketTransport } from "@foundation/overlay";
import type { Proxy } from "./proxy.js";

export interface GatedOptions {
  readonly proxy: Proxy;
  /** The node that dials. */
  readonly dialler: string;
  /** Which node listens at an address, or ever did. */
  readonly nodeAt: (address: string) => string | undefined;
  /** Told of the address this node listens at. */
  readonly listens?: (address: string) => void;
}

export function gatedTransport(options: GatedOptions): Transport {
  const { proxy, dialler, nodeAt, listens } = options;
  const inner = websocketTransport();
  return {
    frameBytesMax: inner.frameBytesMax,
    listen: async (options, onConnection) => {
      const listener = await inner.listen(options, onConnection);
      listens?.(listener.address);
      return listener;
    },
    dial: async (address, { signal }) => {
      const { hostname: host, port } = new URL(address);
      const target = nodeAt(address);
      if (target === undefined) throw failed(address, "no node of this world was ever there");
      const link = { dialler, target, host, port: Number(port), signal };
      const entrance = await proxy.open(link).catch((error: NodeJS.ErrnoException) => {
        if (error.code !== "ECONNREFUSED") throw failed(address, error.message);
        throw refused(address, error);
      });
      return inner.dial(`ws://127.0.0.1:${entrance}`, { signal });
    },
  };
}

function refused(address: string, cause?: unknown): Error {
  return coreErrors.ERR_DIAL_REFUSED(`Nobody listens at ${address}`, { address }, cause);
}

function failed(address: string, reason: string): Error {
  const message = `Could not connect to ${address}: ${reason}`;
  return coreErrors.ERR_DIAL_FAILED(message, { address, reason });
}
