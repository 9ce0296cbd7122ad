/**
 * Ours: round trips on `coordination`, which is never held up by flow control, while `data` is
 * saturated. With TLS 1.3 by a key from the cluster's secret as a second contestant.
 */
import { firstPeer, startOverlay } from "../contestants/foundation.js";
import { BULK, PING, type HolContestant } from "./contestant.js";

function overlays(tls: "off" | "psk"): HolContestant {
  return {
    async serve(onBulk) {
      const overlay = await startOverlay(tls);
      overlay.messenger.handle("hol.bulk", ({ payload }) => {
        onBulk((payload as Uint8Array).byteLength);
      });
      return { address: overlay.address };
    },
    async connect(address) {
      const overlay = await startOverlay(tls, [address]);
      const to = await firstPeer(overlay);
      const bulk = { to, channel: "data", subject: "hol.bulk" };
      return {
        ping: () => overlay.ping(to, { payload: PING }),
        bulk: () => overlay.messenger.send(bulk, BULK),
      };
    },
  };
}

export const foundation: HolContestant = overlays("off");
export const foundationTls: HolContestant = overlays("psk");
