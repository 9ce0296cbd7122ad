/**
 * Two relayed connections over three in-memory hops, held to what every connection promises. The
 * suite's tests of addresses are left out: they are about listening, which is no affair of a relay.
 */
import { describe, test } from "@jest/globals";
import { coreErrors, type Connection, type Transport } from "@foundation/core";
import { transportContract, virtualTime } from "@foundation/testkit";
import { relayLimits } from "../../../../src/protocol/relay/limits.js";
import { RelayNodes } from "./relay-nodes.js";

const ROUTE = ["a", "first", "second", "b"] as const;
const FIRST_PORT = 1_000;

/** What listens on b is found by a port; opens arrive in the order they were sent. */
function relayedTransport(nodes: RelayNodes): Transport {
  const listeners = new Map<number, (connection: Connection) => void>();
  const arriving: number[] = [];
  const accepted: Connection[] = [];
  let nextPort = FIRST_PORT;
  nodes.node("b").onAccepted = (connection) => {
    accepted.push(connection);
    listeners.get(arriving.shift() ?? 0)?.(connection);
  };
  return {
    frameBytesMax: relayLimits.frameBytesMax,
    listen: async ({ port }, onConnection) => {
      const own = port === 0 ? nextPort++ : port;
      listeners.set(own, onConnection);
      return {
        address: `relayed://b:${own}`,
        close: async () => {
          listeners.delete(own);
          for (const connection of accepted) connection.close();
          await Promise.all(accepted.map(({ closed }) => closed));
        },
      };
    },
    dial: async (address, { signal }) => {
      const port = Number(new URL(address).port);
      if (!listeners.has(port))
        throw coreErrors.ERR_DIAL_REFUSED(`Nobody listens at ${address}`, { address });
      arriving.push(port);
      return nodes.node("a").relay.dial(nodes.node("b").id, { signal });
    },
  };
}

transportContract(
  {
    test: (name, run) => test(name, run),
    describe: (name, run) => (name === "transport: addresses" ? undefined : describe(name, run)),
  },
  {
    create: () => {
      const nodes = new RelayNodes();
      nodes.chain(ROUTE);
      return {
        transport: relayedTransport(nodes),
        host: "b",
        time: virtualTime(nodes.clock),
        close: () => {},
      };
    },
  },
);
