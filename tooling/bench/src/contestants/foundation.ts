/**
 * Ours: two overlays, one channel, everything on (authentication, codec checks, deadlines, flow
 * control, metrics). Over TLS 1.3 with a key from the cluster's secret as a second contestant.
 */
import { silentLogger } from "@foundation/core";
import { createOverlay, type Overlay } from "@foundation/overlay";
import { Unavailable } from "../suite.js";
import type { Contestant } from "./contestant.js";

const plain = {
  cluster: "bench",
  secret: "the benchmark needs no secret secret",
  runtime: { logger: silentLogger() },
};
const CHANNEL = "events";

/** A node that listens on loopback. @throws {Unavailable} when asked for TLS it does not have */
export async function startOverlay(
  tls: "off" | "psk",
  peers: readonly string[] = [],
): Promise<Overlay> {
  const secured = tls === "psk" ? { ...plain, tls } : plain;
  const overlay = await createOverlay({ ...secured, peers });
  if (tls === "psk" && !overlay.address.startsWith("wss://")) {
    const { address } = overlay;
    await overlay.close();
    throw new Unavailable(`asked for tls: "psk" this overlay listens at ${address}, without TLS`);
  }
  return overlay;
}

/** The first other member. */
export function firstPeer({ membership }: Overlay): Promise<Overlay["self"]["id"]> {
  return new Promise((resolve) => {
    membership.subscribe(({ type, node }) => {
      if (type === "node-up") resolve(node.id);
    });
  });
}

function overlays(tls: "off" | "psk"): Contestant {
  return {
    async serve(onEvent) {
      const overlay = await startOverlay(tls);
      overlay.messenger.handle("bench.echo", ({ payload }) => payload);
      overlay.messenger.handle("bench.event", ({ payload }) => onEvent(payload));
      return { address: overlay.address };
    },
    async connect(address) {
      const overlay = await startOverlay(tls, [address]);
      const to = await firstPeer(overlay);
      const echo = { to, channel: CHANNEL, subject: "bench.echo" };
      const event = { to, channel: CHANNEL, subject: "bench.event" };
      let refused: unknown;
      return {
        call: (payload) => overlay.messenger.request(echo, payload),
        emit: (payload) => {
          if (overlay.messenger.trySend(event, payload) !== "full") return true;
          refused = payload;
          return false;
        },
        // What was refused is not queued: it is sent now, and waits for room.
        room: () => overlay.messenger.send(event, refused),
      };
    },
  };
}

export const foundation: Contestant = overlays("off");
export const foundationTls: Contestant = overlays("psk");
