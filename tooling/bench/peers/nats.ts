/** NATS: two clients and one server between them; objects as JSON, bytes as they are. */
import type { BenchClient, Contestant, Ports } from "../src/contestants/contestant.js";

interface Message {
  readonly data: Uint8Array;
  respond(data: Uint8Array): void;
}
interface Connection {
  subscribe(subject: string, options: { callback(error: unknown, message: Message): void }): void;
  publish(subject: string, data: Uint8Array): void;
  request(subject: string, data: Uint8Array, options: { timeout: number }): Promise<Message>;
  flush(): Promise<void>;
}

/** Events that are sent before a round trip to the server. */
const WINDOW = 512;
const encoder = new TextEncoder();
const decoder = new TextDecoder();
const encode = (value: unknown) => encoder.encode(JSON.stringify(value));
const decode = (data: Uint8Array) => JSON.parse(decoder.decode(data)) as unknown;

async function connection([, , port]: Ports): Promise<Connection> {
  const name: string = "@nats-io/transport-node";
  const loaded = (await import(name)) as { connect(options: object): Promise<Connection> };
  return loaded.connect({ servers: `127.0.0.1:${port}` });
}

export const nats: Contestant = {
  async serve(onEvent, ports) {
    const link = await connection(ports);
    link.subscribe("echo", {
      callback: (_error, message) => message.respond(encode(decode(message.data))),
    });
    link.subscribe("event", { callback: (_error, { data }) => onEvent(decode(data)) });
    link.subscribe("bytes", { callback: (_error, { data }) => onEvent(data) });
    await link.flush();
    return { address: "" };
  },
  async connect(_address, ports) {
    const link = await connection(ports);
    let sent = 0;
    const client: BenchClient = {
      call: async (payload) =>
        decode((await link.request("echo", encode(payload), { timeout: 20_000 })).data),
      emit: (payload) => {
        if (payload instanceof Uint8Array) link.publish("bytes", payload);
        else link.publish("event", encode(payload));
        sent += 1;
        return sent % WINDOW !== 0;
      },
      room: () => link.flush(),
    };
    return client;
  },
};
