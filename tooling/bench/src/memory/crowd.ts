/** Many small members in one process: bare sockets that prove the secret, introduce themselves and answer probes. */
import { randomBytes } from "node:crypto";
import { answerOrders } from "../processes/worker-process.js";
import { RawSession } from "../security/raw-session.js";
import {
  answersTo,
  DATA,
  encode,
  frame,
  introduction,
  message,
  resume,
  subjectOf,
  TYPE,
  u32,
} from "../security/wire.js";
import { HANG } from "./names.js";

export type Order =
  | { readonly type: "join"; readonly port: number; readonly count: number }
  /** Sends to a handler that never finishes, whatever the window says. */
  | { readonly type: "beyond-credit"; readonly port: number };

export interface BeyondCredit {
  readonly closed: boolean;
  readonly closeCode: number | undefined;
  readonly sentBytes: number;
  readonly tookMs: number;
}

const WIDTH = 16;
const BEYOND_MS_MAX = 5_000;
const sessions: RawSession[] = [];

async function introduced(port: number): Promise<{ id: string; boot: string }> {
  const who = {
    id: randomBytes(16).toString("hex"),
    boot: `00000000${randomBytes(8).toString("hex")}`,
  };
  const { session, joined } = await RawSession.member(port, { ...who, channel: "coordination" });
  joined.receive = (bytes) => {
    for (const answer of answersTo(bytes)) session.send(answer);
  };
  session.send(introduction({ ...who, channel: "coordination" }));
  sessions.push(session);
  return who;
}

async function obey(order: Order): Promise<unknown> {
  if (order.type === "beyond-credit") return beyondCredit(order.port);
  let left = order.count;
  const worker = async () => {
    while (left > 0) {
      left -= 1;
      await introduced(order.port);
    }
  };
  await Promise.all(Array.from({ length: WIDTH }, worker));
  return sessions.filter(({ isOpen }) => isOpen).length;
}

async function beyondCredit(port: number): Promise<BeyondCredit> {
  const who = await introduced(port);
  const { session } = await RawSession.member(port, { ...who, channel: "data" });
  session.send(resume(1, 1 << 20));
  const body = Buffer.concat([u32(subjectOf(HANG)), encode("x".repeat(1_000))]);
  const bytes = frame(DATA, ...Array.from({ length: 32 }, () => message(TYPE.message, 0, body)));
  const started = performance.now();
  let sentBytes = 0;
  while (session.isOpen && session.closeCode === undefined) {
    if (performance.now() - started > BEYOND_MS_MAX) break;
    session.send(bytes);
    sentBytes += bytes.length;
    await new Promise((resolve) => setTimeout(resolve, session.socket.writableNeedDrain ? 5 : 0));
  }
  return {
    closed: !session.isOpen || session.closeCode !== undefined,
    closeCode: session.closeCode,
    sentBytes,
    tookMs: Math.round(performance.now() - started),
  };
}

answerOrders(obey);
