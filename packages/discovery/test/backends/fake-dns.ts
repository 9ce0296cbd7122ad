/**
 * FakeDns: a DNS server in this process, over UDP and TCP, whose answers a test spoils.
 *
 * It knows what real servers hardly do on demand: to cut an answer, to answer with rubbish, to stay silent, to fail for
 * one type of record only.
 */
import { createSocket, type RemoteInfo, type Socket } from "node:dgram";
import { createServer, type Server, type Socket as TcpSocket } from "node:net";
import { once } from "node:events";
import { decode, encode, streamDecode, streamEncode, type Answer, type Packet } from "dns-packet";

/** What is wrong with the answers. */
export type DnsFault =
  | "silent"
  | "servfail"
  | "servfail-aaaa"
  | "refused"
  | "nxdomain"
  | "rubbish"
  | "cut"
  | "empty";

const RCODES: Partial<Record<DnsFault, number>> = { servfail: 2, nxdomain: 3, refused: 5 };

/** A running server; `records` may be changed at any time. */
export interface FakeDns {
  /** `127.0.0.1:port`, for the option `servers`. */
  readonly server: string;
  /** The names asked for, with their type, in order. */
  readonly asked: readonly string[];
  records: readonly Answer[];
  fault: DnsFault | undefined;
  /** With the fault `cut`: TCP, to which a resolver then turns, is answered in full. */
  hasTcp: boolean;
  close(): Promise<void>;
}

/** Starts one on a free port of loopback. */
export async function fakeDns(): Promise<FakeDns> {
  const dns = new RunningFakeDns();
  await dns.listen();
  return dns;
}

class RunningFakeDns implements FakeDns {
  readonly asked: string[] = [];
  records: readonly Answer[] = [];
  fault: DnsFault | undefined;
  hasTcp = true;
  server = "";
  readonly #udp: Socket = createSocket("udp4");
  readonly #tcp: Server = createServer((socket) => this.#serve(socket));
  readonly #sockets = new Set<TcpSocket>();

  async listen(): Promise<void> {
    this.#udp.on("message", (bytes, from) => this.#hear(bytes, from));
    this.#tcp.listen(0, "127.0.0.1");
    await once(this.#tcp, "listening");
    const { port } = this.#tcp.address() as { port: number };
    this.#udp.bind(port, "127.0.0.1");
    await once(this.#udp, "listening");
    this.server = `127.0.0.1:${port}`;
  }

  async close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    this.#udp.close();
    this.#tcp.close();
    await Promise.all([once(this.#udp, "close"), once(this.#tcp, "close")]);
  }

  #hear(bytes: Buffer, { port, address }: RemoteInfo): void {
    const answer = this.#answer(decode(bytes), true);
    if (answer !== undefined) this.#udp.send(answer, port, address);
  }

  #serve(socket: TcpSocket): void {
    this.#sockets.add(socket);
    socket.on("close", () => this.#sockets.delete(socket));
    socket.on("error", () => socket.destroy());
    let heard = Buffer.alloc(0);
    socket.on("data", (bytes) => {
      heard = Buffer.concat([heard, Buffer.from(bytes)]);
      const question = heard.length > 2 ? streamDecode(heard) : null;
      if (question === null) return;
      heard = Buffer.alloc(0);
      if (!this.hasTcp) return void socket.destroy();
      const packet = this.#packet(question, false);
      if (packet !== undefined) socket.write(streamEncode(packet));
    });
  }

  #answer(question: Packet, isUdp: boolean): Buffer | undefined {
    const packet = this.#packet(question, isUdp);
    if (packet === undefined) return undefined;
    const bytes = encode(packet);
    // The header says three answers, and then the packet ends.
    if (this.fault === "rubbish") return Buffer.concat([bytes.subarray(0, 7), Buffer.from([3, 0])]);
    return bytes;
  }

  #packet(question: Packet, isUdp: boolean): Packet | undefined {
    const [asked] = question.questions ?? [];
    if (asked === undefined) return undefined;
    this.asked.push(`${asked.type} ${asked.name}`);
    if (this.fault === "silent") return undefined;
    const named = this.records.filter(({ name }) => name === asked.name);
    const found = this.fault === "empty" ? [] : named.filter(({ type }) => type === asked.type);
    const spoilt = this.fault === "servfail-aaaa" && asked.type === "AAAA" ? 2 : undefined;
    const rcode = spoilt ?? RCODES[this.fault ?? "silent"] ?? (named.length === 0 ? 3 : 0);
    const isCut = isUdp && this.fault === "cut";
    // 1024: an authoritative answer; 512: it was cut; 384: recursion wanted and offered.
    const flags = 0x580 | (isCut ? 0x200 : 0) | rcode;
    const answers = rcode === 0 && !isCut ? found : [];
    return { type: "response", id: question.id ?? 0, flags, questions: [asked], answers };
  }
}
