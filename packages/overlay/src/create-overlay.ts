/** createOverlay: a node that listens and dials. */
import type { Overlay } from "./overlay.js";
import type { OverlayOptions } from "./overlay-options.js";
import { OverlayNode } from "./runtime/overlay-node.js";

/**
 * Starts a node: listens, dials the given peers and joins whatever cluster they are in.
 *
 * @throws {ERR_INVALID_ARGUMENT} for a bad option @throws {ERR_INSECURE_LISTEN} beyond loopback
 * @throws {ERR_ADDRESS_IN_USE} when the port is taken
 *
 * @example
 * ```ts
 * import { createOverlay } from "@foundation/overlay"
 *
 * const secret = "a secret of at least 16 characters"
 * const a = await createOverlay({ cluster: "shop", secret })
 * const b = await createOverlay({ cluster: "shop", secret, peers: [a.address] })
 * b.membership.subscribe((event) => console.log(event.type, event.node.name))
 * await b.leave()
 * await a.leave()
 * ```
 */
export async function createOverlay(options: OverlayOptions): Promise<Overlay> {
  const overlay = new OverlayNode(options);
  await overlay.start(options.host ?? "127.0.0.1", options.port ?? 0);
  overlay.dial(options.peers ?? []);
  return overlay;
}
