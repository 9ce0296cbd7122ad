/**
 * Ours: two overlays, one channel, everything on (authentication, codec checks, deadlines,
 * metrics).
 */
import { silentLogger } from "@foundation/core";
import { createOverlay } from "@foundation/overlay";
import type { Contestant } from "./contestant.js";

const options = {
  cluster: "bench",
  secret: "the benchmark needs no secret secret",
  runtime: { logger: silentLogger() },
};

export const foundation: Contestant = {
  async serve(onEvent) {
    const overlay = await createOverlay(options);
    overlay.messenger.handle("bench.echo", ({ payload }) => payload);
    overlay.messenger.handle("bench.event", ({ payload }) => onEvent(payload));
    return { address: overlay.address, close: () => overlay.close() };
  },
  async connect(address) {
    const overlay = await createOverlay({ ...options, peers: [address] });
    const to = await new Promise<typeof overlay.self.id>((resolve) => {
      overlay.membership.subscribe(({ type, node }) => {
        if (type === "node-up") resolve(node.id);
      });
    });
    const echo = { to, channel: "data", subject: "bench.echo" };
    const event = { to, channel: "data", subject: "bench.event" };
    return {
      call: (payload) => overlay.messenger.request(echo, payload),
      emit: (payload) => overlay.messenger.trySend(event, payload) !== "full",
      // A send waits for room and is one event more.
      room: () => overlay.messenger.send(event, { room: true }),
      close: () => overlay.close(),
    };
  },
};
