/**
 * The attacks, each with the limit that the node states against it. A stranger's must be ended
 * within their time; a member's, who may do much, must cost the node bounded memory and the others
 * no time, which the suite looks at from outside.
 */
import { connect } from "node:net";
import { randomBytes } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { Opcode, type RawFrame } from "../conformance/raw-frames.js";
import { upgradeRequest } from "../conformance/sides.js";
import { RawSession, type Ended } from "./raw-session.js";
import {
  answersTo,
  compressed,
  CONTROL,
  DATA,
  ECHO,
  encode,
  frame,
  hello,
  introduction,
  message,
  resume,
  subjectOf,
  TYPE,
  u32,
  u48,
  type Claim,
} from "./wire.js";

export interface AttackResult {
  readonly attempts: number;
  /** Ended by the node within the limit. */
  readonly refused: number;
  /** The slowest refusal. */
  readonly slowestMs: number;
  /** The longest that a connection stayed after all: its close was not answered. */
  readonly heldMs: number;
  readonly note?: string;
}

export interface Attack {
  readonly name: string;
  /** What is stated, in words. */
  readonly limit: string;
  /** By when each attempt has to be ended; absent: members may go on, at bounded cost. */
  readonly endedWithinMs?: number;
  /** The node takes TLS only. */
  readonly tls?: boolean;
  run(port: number, durationMs: number): Promise<AttackResult>;
}

/** `LINK.closeTimeoutMs`: for so long a node waits for the answer to its close. */
const CLOSE_MS = 2_000;
/** On a busy machine a timer of 3 s, looked at every 500 ms, may come so much later. */
const SLACK_MS = 1_500;
const HANDSHAKE_MS = 3_000 + SLACK_MS;
const HEADERS_MS = 3_500 + SLACK_MS;
const TLS_MS = 5_000 + SLACK_MS;
const AT_ONCE_MS = 1_000;
const TOLD_AT_ONCE_MS = 500;
/** `DOOR.strangersMax`. */
const PENDING_MAX = 128;
const DEADLINE_MORE_MS = CLOSE_MS + SLACK_MS + 1_000;
const hex = (bytes: number) => randomBytes(bytes).toString("hex");
const claimOf = (channel = "coordination"): Claim => ({
  id: hex(16),
  boot: `00000000${hex(8)}`,
  channel,
});

/** Runs attempts side by side and gathers when each was refused, and gone. */
async function attempts(
  count: number,
  limitMs: number,
  attempt: (i: number) => Promise<Ended>,
): Promise<AttackResult> {
  // One that is refused before it has begun is refused at once.
  const refusedAtOnce = () => ({ toldMs: 0, goneMs: 0 });
  const all = await Promise.all(
    Array.from({ length: count }, (_, i) => attempt(i).catch(refusedAtOnce)),
  );
  return resultOf(all, limitMs);
}

function resultOf(all: readonly Ended[], limitMs: number, note?: string): AttackResult {
  const isInTime = ({ toldMs, goneMs }: Ended) =>
    toldMs <= limitMs && goneMs <= toldMs + CLOSE_MS + SLACK_MS;
  return {
    attempts: all.length,
    refused: all.filter(isInTime).length,
    slowestMs: Math.round(Math.max(0, ...all.map(({ toldMs }) => toldMs))),
    heldMs: Math.round(Math.max(0, ...all.map(({ goneMs }) => goneMs))),
    ...(note === undefined ? {} : { note }),
  };
}

async function trickle(session: { isOpen: boolean }, bytes: Buffer, write: (byte: Buffer) => void) {
  for (let i = 0; i < bytes.length && session.isOpen; i += 1) {
    write(bytes.subarray(i, i + 1));
    await sleep(1_000, undefined, { ref: false });
  }
}

/** A TCP connection without an upgrade. */
async function slowTcp(port: number, sendsHeaders: boolean): Promise<Ended> {
  const socket = connect({ host: "127.0.0.1", port });
  const session = new RawSession(socket);
  socket.removeAllListeners("data").resume();
  if (sendsHeaders)
    void trickle(session, Buffer.from(upgradeRequest()), (byte) => socket.write(byte));
  return session.endedWithin(HEADERS_MS + DEADLINE_MORE_MS);
}

/** Bytes that are no TLS, or none at all. */
async function noTls(port: number, bytes: Buffer): Promise<Ended> {
  const socket = connect({ host: "127.0.0.1", port });
  const session = new RawSession(socket);
  socket.removeAllListeners("data").resume();
  socket.write(bytes);
  return session.endedWithin(TLS_MS + DEADLINE_MORE_MS);
}

/** A client hello that begins well, cut off. */
const HALF_HELLO = Buffer.from("160301020001", "hex");

const strangers: readonly Attack[] = [
  {
    name: "slow-loris: TLS and silence",
    limit: "TLS within 5 s",
    endedWithinMs: TLS_MS,
    tls: true,
    run: (port) =>
      attempts(100, TLS_MS, (i) => noTls(port, i % 2 === 0 ? HALF_HELLO : Buffer.alloc(0))),
  },
  {
    name: "plain HTTP and garbage where TLS belongs",
    limit: "refused at once",
    endedWithinMs: AT_ONCE_MS,
    tls: true,
    run: (port) =>
      attempts(100, AT_ONCE_MS, (i) =>
        noTls(port, i % 2 === 0 ? Buffer.from(upgradeRequest()) : Buffer.alloc(600, "x")),
      ),
  },
  {
    name: "slow-loris: TCP and silence",
    limit: "headers within 3 s, looked at every 500 ms",
    endedWithinMs: HEADERS_MS,
    run: (port) => attempts(200, HEADERS_MS, () => slowTcp(port, false)),
  },
  {
    name: "slow-loris: headers, a byte a second",
    limit: "headers within 3 s, looked at every 500 ms",
    endedWithinMs: HEADERS_MS,
    run: (port) => attempts(200, HEADERS_MS, () => slowTcp(port, true)),
  },
  {
    name: "slow-loris: hello, a byte a second",
    limit: "handshake within 3 s",
    endedWithinMs: HANDSHAKE_MS,
    run: (port) =>
      attempts(100, HANDSHAKE_MS, async () => {
        const session = await RawSession.open(port);
        const head = Buffer.from([0x82, 0xfe, 0x02, 0x00, 0, 0, 0, 0]);
        const bytes = Buffer.concat([head, hello(claimOf(), Date.now())]);
        void trickle(session, bytes, (byte) => session.socket.write(byte));
        return session.endedWithin(HANDSHAKE_MS + DEADLINE_MORE_MS);
      }),
  },
  {
    name: "hello, and never a proof",
    limit: "handshake within 3 s",
    endedWithinMs: HANDSHAKE_MS,
    run: (port) =>
      attempts(100, HANDSHAKE_MS, async () => {
        const session = await RawSession.open(port);
        session.send(hello(claimOf(), Date.now()));
        return session.endedWithin(HANDSHAKE_MS + DEADLINE_MORE_MS);
      }),
  },
  {
    name: "connection flood",
    limit: "128 strangers at once, each 3 s; the others refused at once, or the oldest of them",
    endedWithinMs: HANDSHAKE_MS,
    run: connectionFlood,
  },
  {
    name: "giant frames of strangers",
    limit: "4 KiB a frame, 16 KiB in all",
    endedWithinMs: AT_ONCE_MS,
    run: (port) =>
      attempts(90, AT_ONCE_MS, async (i) => {
        const session = await RawSession.open(port);
        const heads = [
          "82ff00000000001000010000",
          "82ff000000008000000000",
          "82ff7fffffffffffffff",
        ];
        const head = Buffer.from(heads[i % heads.length] as string, "hex");
        if (i < 45) session.socket.write(Buffer.concat([head, Buffer.alloc(64 * 1024)]));
        else session.write({ opcode: Opcode.binary, payload: Buffer.alloc(5_000, 0x20) });
        return session.endedWithin(AT_ONCE_MS + DEADLINE_MORE_MS);
      }),
  },
  {
    name: "fragments of strangers",
    limit: "16 fragments a frame, 16 KiB in all",
    endedWithinMs: AT_ONCE_MS,
    run: (port) =>
      attempts(60, AT_ONCE_MS, async () => fragmented(await RawSession.open(port), "x")),
  },
  {
    name: "deflated frames of strangers",
    limit: "no extension is negotiated: 1002",
    endedWithinMs: AT_ONCE_MS,
    run: (port) =>
      attempts(60, AT_ONCE_MS, async () => {
        const session = await RawSession.open(port);
        session.write({
          opcode: Opcode.binary,
          rsv: 4,
          payload: compressed(Buffer.alloc(1 << 20)),
        });
        return session.endedWithin(AT_ONCE_MS + DEADLINE_MORE_MS);
      }),
  },
  {
    name: "WebSocket ping flood of strangers",
    limit: "16 KiB in all",
    endedWithinMs: HANDSHAKE_MS,
    run: (port) =>
      attempts(60, HANDSHAKE_MS, async () => {
        const session = await RawSession.open(port);
        const ping: RawFrame = { opcode: Opcode.ping, payload: Buffer.alloc(125) };
        for (let i = 0; i < 2_000 && session.isOpen; i += 1) session.write(ping);
        return session.endedWithin(HANDSHAKE_MS + DEADLINE_MORE_MS);
      }),
  },
];

/** As many as go, for the time given. */
async function connectionFlood(port: number, durationMs: number): Promise<AttackResult> {
  const until = performance.now() + durationMs;
  const ended: Ended[] = [];
  let pending = 0;
  let pendingMax = 0;
  const one = async () => {
    const session = await RawSession.open(port);
    // Who is refused is told so at once: only who is not then holds a place.
    const settled = Promise.race([session.told, session.closed]);
    const isTold = await Promise.race([settled.then(() => true), sleep(TOLD_AT_ONCE_MS)]);
    if (isTold === true) {
      ended.push({ toldMs: 0, goneMs: 0 });
      return session.socket.destroy();
    }
    pending += 1;
    pendingMax = Math.max(pendingMax, pending);
    const { toldMs, goneMs } = await session.endedWithin(HANDSHAKE_MS + DEADLINE_MORE_MS);
    pending -= 1;
    ended.push({ toldMs: toldMs + TOLD_AT_ONCE_MS, goneMs: goneMs + TOLD_AT_ONCE_MS });
    return undefined;
  };
  const worker = async () => {
    while (performance.now() < until) await one().catch(() => ended.push({ toldMs: 0, goneMs: 0 }));
  };
  // More than there are places, less than the system's own queue.
  await Promise.all(Array.from({ length: 400 }, worker));
  const result = resultOf(ended, HANDSHAKE_MS, `${pendingMax} held a place at once`);
  return pendingMax <= PENDING_MAX ? result : { ...result, refused: 0 };
}

/** Seventeen fragments, or empty ones without end. */
async function fragmented(session: RawSession, part: string): Promise<Ended> {
  session.write({ opcode: Opcode.binary, payload: Buffer.from(part), fin: false });
  for (let i = 0; i < 40; i += 1) {
    session.write({ opcode: Opcode.continuation, payload: Buffer.from(part), fin: false });
  }
  return session.endedWithin(AT_ONCE_MS + DEADLINE_MORE_MS);
}

const READ_AT_LAST_MS = 1_000;
const WINDOW_MAX = 0xffffffff;

/** A member with a window so wide that only the node's own limits hold it. */
async function greedyMember(port: number): Promise<RawSession[]> {
  const claim = claimOf();
  const { session: coordination, joined } = await RawSession.member(port, claim);
  joined.receive = (bytes) => {
    for (const answer of answersTo(bytes)) coordination.send(answer);
  };
  coordination.send(introduction(claim));
  const { session: data } = await RawSession.member(port, { ...claim, channel: "data" });
  data.send(resume(1, WINDOW_MAX));
  data.send(frame(CONTROL, message(TYPE.window, 0, Buffer.concat([u48(0), u48(2 ** 40)]))));
  return [data, coordination];
}

/** Sends the same frame for the time given, as fast as the socket takes it, and reads nothing. */
async function flood(session: RawSession, bytes: RawFrame, durationMs: number): Promise<number> {
  const until = performance.now() + durationMs;
  session.socket.pause();
  let sent = 0;
  while (performance.now() < until && session.isOpen) {
    sent += 1;
    session.write(bytes);
    if (sent % 64 === 0) await new Promise(setImmediate);
    while (session.socket.writableNeedDrain && session.isOpen && performance.now() < until) {
      await sleep(1);
    }
  }
  return sent;
}

/**
 * @param closes the node must end it, since a rule is broken: then the member comes back at once and
 *   goes on, as one that means harm would, so that what the way to the close costs is seen too
 */
function memberFlood(name: string, limit: string, closes: boolean, bytes: () => RawFrame): Attack {
  return {
    name,
    limit,
    run: async (port, durationMs) => {
      const until = performance.now() + durationMs;
      const ends: { readonly sent: number; readonly isClosed: boolean; readonly code?: number }[] =
        [];
      do {
        ends.push(await oneFlood(port, bytes(), until - performance.now()));
      } while (closes && until - performance.now() > LEAST_FLOOD_MS);
      const sent = ends.reduce((sum, end) => sum + end.sent, 0);
      const closed = ends.filter(({ isClosed }) => isClosed);
      const codes = [...new Set(closed.map(({ code }) => code ?? "no code"))].join(", ");
      const note =
        `${sent} frames of ${bytes().payload.length} bytes in ${ends.length} floods, ` +
        `${closed.length} closed (${codes})`;
      const refused = closes ? closed.length : ends.length;
      return { attempts: ends.length, refused, slowestMs: 0, heldMs: 0, note };
    },
  };
}

/** A flood shorter than this proves nothing. */
const LEAST_FLOOD_MS = 1_000;

async function oneFlood(port: number, bytes: RawFrame, durationMs: number) {
  const [data, coordination] = (await greedyMember(port)) as [RawSession, RawSession];
  try {
    const sent = await flood(data, bytes, durationMs);
    // Read at last, to see whether the node has closed it.
    data.socket.resume();
    await Promise.race([data.closed, data.told, sleep(READ_AT_LAST_MS)]);
    const isClosed = !data.isOpen || data.closeCode !== undefined;
    return { sent, isClosed, ...(data.closeCode === undefined ? {} : { code: data.closeCode }) };
  } finally {
    data.socket.destroy();
    coordination.socket.destroy();
  }
}

const binary = (payload: Buffer): RawFrame => ({ opcode: Opcode.binary, payload });
const request = (flags: number, body: Buffer) =>
  message(TYPE.request, flags, Buffer.concat([u32(subjectOf(ECHO), 1, 60_000), body]));

const members: readonly Attack[] = [
  {
    name: "giant frames of a member",
    limit: "1 MiB a frame: 1009",
    endedWithinMs: AT_ONCE_MS,
    run: (port) =>
      attempts(10, AT_ONCE_MS, async () => {
        const { session } = await RawSession.member(port, claimOf());
        session.socket.write(Buffer.from("82ff00000000001000010000000000", "hex"));
        return session.endedWithin(AT_ONCE_MS + DEADLINE_MORE_MS);
      }),
  },
  {
    name: "fragments of a member",
    limit: "16 fragments a frame: 1008",
    endedWithinMs: AT_ONCE_MS,
    run: (port) =>
      attempts(10, AT_ONCE_MS, async () =>
        fragmented((await RawSession.member(port, claimOf())).session, ""),
      ),
  },
  memberFlood(
    "deflate bombs of a member",
    "inflated only to what it claims, at most 64 MiB; 5 that do not inflate to it, then 1002",
    true,
    () => {
      const bomb = compressed(Buffer.alloc(32 * 1024 * 1024), 1024);
      const liar = compressed(encode("small"), 0x7fffffff);
      return binary(frame(DATA, request(8, bomb), request(8, liar)));
    },
  ),
  memberFlood("WebSocket ping flood of a member", "32 in 10 s, then 1008", true, () => ({
    opcode: Opcode.ping,
    payload: Buffer.alloc(125),
  })),
  memberFlood("overlay ping flood of a member", "1,000 a second, then 1002", true, () => {
    const ping = message(TYPE.ping, 0, u32(1));
    return binary(frame(CONTROL, ...Array.from({ length: 1_000 }, () => ping)));
  }),
  memberFlood(
    "request flood of a member",
    "the credit, and a bounded queue of answers: 1002 or 4003",
    true,
    () => {
      const asked = request(0, encode("x".repeat(100)));
      return binary(frame(DATA, ...Array.from({ length: 200 }, () => asked)));
    },
  ),
];

export const attacks: readonly Attack[] = [...strangers, ...members];
