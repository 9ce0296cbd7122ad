/**
 * Moleculer: two brokers in two processes over its TCP transporter with static addresses (no
 * datagrams leave the machine), or over a NATS server. Everything else as it is by default.
 */
import type { Contestant, Ports } from "../src/contestants/contestant.js";

interface Context {
  readonly params: unknown;
}
type Handler = (context: Context) => void;
interface ContextHandler {
  readonly context: true;
  readonly handler: Handler;
}
interface Broker {
  createService(schema: {
    readonly name: string;
    readonly actions?: Readonly<Record<string, (context: Context) => unknown>>;
    readonly events?: Readonly<Record<string, Handler | ContextHandler>>;
  }): void;
  start(): Promise<void>;
  waitForServices(name: string): Promise<unknown>;
  call(action: string, params: unknown): Promise<unknown>;
  emit(event: string, params: unknown): Promise<unknown>;
}
type BrokerClass = new (options: Readonly<Record<string, unknown>>) => Broker;

/** Events that are sent before their promises are awaited. */
const WINDOW = 256;

export async function brokerOf(
  version: "0.15" | "0.14",
  transporter: "tcp" | "nats",
  nodeID: "server" | "client",
  [server, client, nats]: Ports,
  more: Readonly<Record<string, unknown>> = {},
): Promise<Broker> {
  const name: string = version === "0.15" ? "moleculer" : "moleculer14";
  const loaded = (await import(name)) as { default: { ServiceBroker: BrokerClass } };
  const urls = [`127.0.0.1:${server}/server`, `127.0.0.1:${client}/client`];
  const tcp = { udpDiscovery: false, useHostname: true, urls, maxPacketSize: 1 << 30 };
  const url = `nats://127.0.0.1:${nats}`;
  return new loaded.default.ServiceBroker({
    namespace: "bench",
    nodeID,
    logger: false,
    transporter:
      transporter === "tcp"
        ? { type: "TCP", options: tcp }
        : { type: "NATS", options: { url, servers: url } },
    ...more,
  });
}

export function moleculer(version: "0.15" | "0.14", transporter: "tcp" | "nats"): Contestant {
  return {
    async serve(onEvent, ports) {
      const broker = await brokerOf(version, transporter, "server", ports);
      broker.createService({
        name: "bench",
        actions: { echo: ({ params }) => params },
        events: { "bench.event": ({ params }) => onEvent(params) },
      });
      await broker.start();
      return { address: "" };
    },
    async connect(_address, ports) {
      const broker = await brokerOf(version, transporter, "client", ports);
      await broker.start();
      await broker.waitForServices("bench");
      let sent: Promise<unknown>[] = [];
      return {
        call: (payload) => broker.call("bench.echo", payload),
        emit: (payload) => sent.push(broker.emit("bench.event", payload)) < WINDOW,
        room: async () => {
          const awaited = sent;
          sent = [];
          await Promise.all(awaited);
        },
      };
    },
  };
}
