/** cote: TCP between its four kinds of components; its discovery speaks to loopback only. */
import { createRequire } from "node:module";
import type { Contestant, Ports } from "../src/contestants/contestant.js";

interface Component {
  on(event: string, listener: (...args: never[]) => void): void;
  send(message: unknown): Promise<unknown>;
  publish(topic: string, message: unknown): void;
  readonly sock: { readonly sock: { readonly socks: readonly { writableLength: number }[] } };
}
type Make = new (advertisement: object, discovery: object) => Component;
interface Cote {
  readonly Responder: Make;
  readonly Requester: Make;
  readonly Publisher: Make;
  readonly Subscriber: Make;
}

const BUFFERED_BYTES_MAX = 1 << 20;
const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

function load(): Cote {
  const make = createRequire(import.meta.url)("cote") as (options: object) => Cote;
  const quiet = { log: false, helloLogsEnabled: false, statusLogsEnabled: false };
  return make({ ...quiet, broadcast: "127.255.255.255" });
}

const discovery = ([, , port]: Ports) => ({
  log: false,
  address: "0.0.0.0",
  hostname: "127.0.0.1",
  port,
  helloInterval: 200,
  checkInterval: 400,
  nodeTimeout: 5_000,
});

export const cote: Contestant = {
  serve(onEvent, ports) {
    const { Responder, Subscriber } = load();
    const responder = new Responder({ name: "r", port: ports[0] }, discovery(ports));
    responder.on("echo", (({ value }: { value: unknown }, reply: (e: null, v: unknown) => void) =>
      reply(null, value)) as never);
    const subscriber = new Subscriber({ name: "s", subscribesTo: ["event"] }, discovery(ports));
    subscriber.on("event", onEvent as never);
    return Promise.resolve({ address: "" });
  },
  async connect(_address, ports) {
    const { Requester, Publisher } = load();
    const requester = new Requester({ name: "q" }, discovery(ports));
    const publisher = new Publisher({ name: "p", port: ports[1] }, discovery(ports));
    await new Promise<void>((resolve) => requester.on("cote:added", () => resolve()));
    const { sock } = publisher.sock;
    while (sock.socks.length === 0) await pause(50);
    const isFull = () => (sock.socks[0]?.writableLength ?? 0) > BUFFERED_BYTES_MAX;
    return {
      call: (value) => requester.send({ type: "echo", value }),
      emit: (payload) => {
        publisher.publish("event", payload);
        return !isFull();
      },
      room: async () => {
        while (isFull()) await new Promise<void>((resolve) => void setImmediate(resolve));
      },
    };
  },
};
