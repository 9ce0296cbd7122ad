/**
 * beyondLoopback: the layer that follows from a strategy which finds other machines: the node listens where they can reach
 * it, and on a port that all share where the backend tells addresses without ports.
 */
import { networkInterfaces } from "node:os";
import type { DiscoveryStrategy } from "@foundation/core";
import type { ConfigLayer } from "@foundation/core/config";
import { STRATEGIES_BEYOND_LOOPBACK } from "@foundation/discovery";
import { limits } from "../limits.js";

/** Their answers name hosts; the port is the same on every node. */
const WITHOUT_PORTS: readonly string[] = ["dns", "kubernetes", "aws", "gcp"];

/** The layer of the last strategy that one of these layers names; none where it stays on this machine. */
export function beyondLoopback(layers: readonly ConfigLayer[]): readonly ConfigLayer[] {
  const naming = layers.findLast(({ values }) => values["cluster"] !== undefined);
  const cluster = naming?.values["cluster"] as string | DiscoveryStrategy | undefined;
  const name = typeof cluster === "string" ? cluster : (cluster?.name ?? "");
  // A strategy made of several is called by all of their names: `union(kubernetes, gossip)`.
  const words = name.split(/[(),\s]+/);
  if (!words.some((word) => STRATEGIES_BEYOND_LOOPBACK.some((each) => each === word))) return [];
  const port = words.some((word) => WITHOUT_PORTS.includes(word)) ? limits.sharedPort : undefined;
  const because = `cluster is ${name}: its nodes are on other machines`;
  return [
    {
      name: "reach",
      values: { overlay: { host: everyAddress(), ...(port !== undefined && { port }) } },
      evidence: {
        "overlay.host": because,
        ...(port !== undefined && {
          "overlay.port": `cluster is ${name}: it tells addresses without ports, so all nodes share one`,
        }),
      },
    },
  ];
}

/** All addresses of this machine; `::` only where it has no other than IPv6 ones. */
function everyAddress(): string {
  const outer = Object.values(networkInterfaces()).flatMap((each) =>
    (each ?? []).filter(({ internal }) => !internal),
  );
  const isIPv6Only = outer.length > 0 && outer.every(({ family }) => family === "IPv6");
  return isIPv6Only ? "::" : "0.0.0.0";
}
