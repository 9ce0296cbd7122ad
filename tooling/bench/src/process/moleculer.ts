/** Moleculer: a service with an action and an event on each of two brokers, over its TCP transporter. */
import { brokerOf } from "../../peers/moleculer.js";
import type { ProcessContestant } from "./contestant.js";

interface Context {
  readonly params: unknown;
}

const echo = ({ params }: Context) => params;

/** @param isCopied what is passed is copied for the callee, as it is between processes */
export function moleculer(version: "0.15" | "0.14", isCopied: boolean): ProcessContestant {
  const more = isCopied ? { contextParamsCloning: true } : {};
  return {
    async serve(ports) {
      const broker = await brokerOf(version, "tcp", "server", ports, more);
      broker.createService({ name: "remote", actions: { echo } });
      await broker.start();
      return { address: "" };
    },
    async connect(_address, ports) {
      const broker = await brokerOf(version, "tcp", "client", ports, more);
      let told = 0;
      broker.createService({
        name: "local",
        actions: { echo },
        events: {
          // What is given a context is said differently in its two versions; this is understood by both.
          "local.note": {
            context: true,
            handler({ params }) {
              if (params !== undefined) told += 1;
            },
          },
        },
      });
      await broker.start();
      await broker.waitForServices("remote");
      return {
        local: (payload) => broker.call("local.echo", payload),
        remote: (payload) => broker.call("remote.echo", payload),
        cast: (payload) => broker.emit("local.note", payload),
        casts: () => told,
      };
    },
  };
}
