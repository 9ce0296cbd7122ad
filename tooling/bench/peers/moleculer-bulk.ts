/** Moleculer for the hol suite: calls beside calls with a megabyte of text, over one connection. */
import type { HolContestant } from "../src/hol/contestant.js";
import { BULK, PING } from "../src/hol/contestant.js";
import { brokerOf } from "./moleculer.js";

const small = { text: PING.toString("latin1") };
const large = { text: BULK.toString("latin1") };

export function moleculerBulk(version: "0.15" | "0.14"): HolContestant {
  return {
    async serve(onBulk, ports) {
      const broker = await brokerOf(version, "tcp", "server", ports);
      broker.createService({
        name: "bench",
        actions: {
          ping: ({ params }) => params,
          bulk: ({ params }) => onBulk((params as typeof large).text.length),
        },
      });
      await broker.start();
      return { address: "" };
    },
    async connect(_address, ports) {
      const broker = await brokerOf(version, "tcp", "client", ports);
      await broker.start();
      await broker.waitForServices("bench");
      return {
        ping: () => broker.call("bench.ping", small),
        bulk: () => broker.call("bench.bulk", large),
      };
    },
  };
}
