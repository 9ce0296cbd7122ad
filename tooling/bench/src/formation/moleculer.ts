/**
 * Moleculer over its TCP transporter: nodes find each other by its own datagrams, here of the
 * loopback interface, and by its gossip. Everything else as it is by default.
 */
import { createRequire } from "node:module";
import type { Contestant } from "./contestant.js";

interface Broker {
  readonly registry: {
    readonly nodes: { list(options: { readonly onlyAvailable: boolean }): readonly unknown[] };
  };
  readonly localBus: { on(event: string, listener: () => void): void };
  start(): Promise<void>;
}
interface Module {
  readonly ServiceBroker: new (options: Readonly<Record<string, unknown>>) => Broker;
}

export function moleculer(peers: string): Contestant {
  const { ServiceBroker } = createRequire(peers)("moleculer") as Module;
  return {
    async start({ index, nodes, discoveryPort }) {
      const udp = { udpPort: discoveryPort, udpBindAddress: "127.0.0.1" };
      const broker = new ServiceBroker({
        namespace: `formation-${discoveryPort}`,
        nodeID: `node-${index}`,
        logger: false,
        transporter: { type: "TCP", options: { ...udp, maxConnections: 128 } },
      });
      const full = new Promise<void>((resolve) => {
        const look = () => {
          const listed = broker.registry.nodes.list({ onlyAvailable: true });
          if (listed.length >= nodes) resolve();
        };
        broker.localBus.on("$node.connected", look);
        broker.localBus.on("$broker.started", look);
      });
      await broker.start();
      return { full };
    },
  };
}
