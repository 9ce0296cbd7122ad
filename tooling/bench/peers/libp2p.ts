/**
 * js-libp2p: TCP, yamux and one long stream, with messages of JSON behind their length; plain, since
 * ours is too in the column it is compared with.
 */
import { Waiting, type Contestant } from "../src/contestants/contestant.js";

/** Modules that this repository does not depend on, so their types are not known here. */
// oxlint-disable-next-line typescript/no-explicit-any
type Untyped = any;
type Message = readonly [kind: 0 | 1 | 2, id: number, payload: unknown];

const PROTOCOL = "/bench/1.0.0";
const MESSAGE_BYTES_MAX = 1 << 20;
const LENGTH_BYTES = 4;

async function node(listen: readonly string[]): Promise<Untyped> {
  const names = ["libp2p", "@libp2p/tcp", "@libp2p/plaintext", "@chainsafe/libp2p-yamux"];
  polyfill();
  const [libp2p, tcp, plaintext, yamux] = (await Promise.all(
    names.map((name) => import(name)),
  )) as Untyped[];
  return libp2p.createLibp2p({
    addresses: { listen },
    transports: [tcp.tcp()],
    connectionEncrypters: [plaintext.plaintext()],
    streamMuxers: [yamux.yamux({ maxMessageSize: MESSAGE_BYTES_MAX })],
  });
}

/** Node 20 has no Promise.withResolvers, which js-libp2p uses. */
function polyfill(): void {
  const constructor = Promise as Untyped;
  constructor.withResolvers ??= () => {
    const made: Untyped = {};
    made.promise = new Promise((resolve, reject) => Object.assign(made, { resolve, reject }));
    return made;
  };
}

/** Calls back with each frame of a byte stream of frames behind their lengths. */
function frames(onFrame: (frame: Buffer) => void): (chunk: Buffer) => void {
  let rest: Buffer = Buffer.alloc(0);
  return (chunk) => {
    const data = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
    let at = 0;
    while (data.length - at >= LENGTH_BYTES) {
      const end = at + LENGTH_BYTES + data.readUInt32BE(at);
      if (end > data.length) break;
      onFrame(data.subarray(at + LENGTH_BYTES, end));
      at = end;
    }
    rest = data.subarray(at);
  };
}

function wire(stream: Untyped, receive: (message: Message, send: Send) => void): Send {
  const send: Send = (message) => {
    const body = Buffer.from(JSON.stringify(message));
    const head = Buffer.allocUnsafe(LENGTH_BYTES);
    head.writeUInt32BE(body.length);
    return stream.send(Buffer.concat([head, body])) as boolean;
  };
  const take = frames((frame) => receive(JSON.parse(frame.toString("utf8")) as Message, send));
  stream.addEventListener("message", ({ data }: { data: Untyped }) => {
    const bytes = data.subarray() as Uint8Array;
    take(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength));
  });
  return send;
}
type Send = (message: Message) => boolean;

export const libp2p: Contestant = {
  async serve(onEvent, [port]) {
    const host = await node([`/ip4/127.0.0.1/tcp/${port}`]);
    await host.handle(PROTOCOL, (stream: Untyped) => {
      wire(stream, ([kind, id, payload], send) => {
        if (kind === 0) send([1, id, payload]);
        else onEvent(payload);
      });
    });
    return { address: `/ip4/127.0.0.1/tcp/${port}` };
  },
  async connect(address) {
    const host = await node([]);
    const name: string = "@multiformats/multiaddr";
    const { multiaddr } = (await import(name)) as Untyped;
    const stream = await host.dialProtocol(multiaddr(address), PROTOCOL);
    const waiting = new Waiting();
    const send = wire(stream, ([, id, payload]) => waiting.settle(id, payload));
    return {
      call: (payload) => new Promise((resolve) => void send([0, waiting.add(resolve), payload])),
      emit: (payload) => send([2, 0, payload]),
      room: () =>
        new Promise((resolve) => {
          stream.addEventListener("drain", () => resolve(), { once: true });
        }),
    };
  },
};
