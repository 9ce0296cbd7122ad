/** The attacker, in a process of its own, at the lowest priority: as if on another machine. */
import { randomBytes } from "node:crypto";
import { setPriority } from "node:os";
import { seededRandom } from "@foundation/core/testing";
import type { Random } from "@foundation/core";
import { answerOrders } from "../processes/worker-process.js";
import { Opcode } from "../conformance/raw-frames.js";
import { attacks } from "./attacks.js";
import { frames, handshakes } from "./corpus.js";
import { mutate } from "./mutations.js";
import { join } from "./raw-member.js";
import { RawSession } from "./raw-session.js";
import { introduction, resume } from "./wire.js";

export type Order =
  | {
      readonly type: "attack";
      readonly name: string;
      readonly port: number;
      readonly durationMs: number;
    }
  /** Only uses its processor: what any busy neighbour costs on this machine. */
  | { readonly type: "spin"; readonly durationMs: number }
  | {
      readonly type: "fuzz";
      readonly port: number;
      readonly member: boolean;
      readonly seed: string;
      readonly from: number;
      readonly count: number;
    };

const LOWEST_PRIORITY = 19;
const SPUN_BYTES = 64 * 1024;
const FUZZ_WIDTH = 16;
const FRAMES_PER_JOIN = 8;
const ID = "7e".repeat(15);
const BOOT = "00".repeat(5) + "03".repeat(7);
const strange = [...handshakes(Date.now()), ...frames()];
const known = frames();

setPriority(LOWEST_PRIORITY);

/** What was asked of the fuzz, and how often a stranger was welcomed: no proof of its is a right one. */
export interface Fuzzed {
  readonly played: number;
  readonly welcomed: number;
}

let welcomed = 0;

async function obey(order: Order): Promise<unknown> {
  if (order.type === "attack") {
    const attack = attacks.find(({ name }) => name === order.name);
    return attack?.run(order.port, order.durationMs);
  }
  if (order.type === "spin") return spin(order.durationMs);
  const { port, member, seed, from, count } = order;
  let next = from;
  welcomed = 0;
  let played = 0;
  const worker = async (index: number) => {
    for (let i = next; i < from + count; i = next) {
      next += 1;
      const random = seededRandom(`${seed}-live-${member ? "member" : "stranger"}-${i}`);
      const more = await fuzz(port, member, index, random).catch(() => 0);
      played += more;
    }
  };
  await Promise.all(Array.from({ length: FUZZ_WIDTH }, (_, i) => worker(i)));
  return { played, welcomed };
}

async function spin(durationMs: number): Promise<void> {
  const until = performance.now() + durationMs;
  while (performance.now() < until) {
    randomBytes(SPUN_BYTES);
    await new Promise(setImmediate);
  }
}

/** One connection: as a stranger at once, as a member after its proof. */
async function fuzz(port: number, member: boolean, index: number, random: Random): Promise<number> {
  const session = await RawSession.open(port);
  let played = 0;
  try {
    if (member) {
      const id = `${ID}${index.toString(16).padStart(2, "0")}`;
      await join(session, { id, boot: BOOT, channel: "coordination" });
      session.send(introduction({ id, boot: BOOT, channel: "" }));
      if (random.next() < 0.9) session.send(resume(random.uint32(), 1 << 20));
    }
    if (!member) {
      session.onFrame((frame) => {
        if (Buffer.from(frame).includes('"welcome"')) welcomed += 1;
      });
    }
    const times = member ? FRAMES_PER_JOIN : 1 + (random.uint32() % 3);
    for (let i = 0; i < times && session.isOpen; i += 1) {
      const bad = mutate(member ? known : strange, random);
      const isText = random.next() < 0.02;
      session.write({ opcode: isText ? Opcode.text : Opcode.binary, payload: bad });
      played += 1;
    }
    // What it has to say is waited for a moment, so that the frames are read before the end comes.
    await Promise.race([session.closed, new Promise((resolve) => setTimeout(resolve, 15))]);
  } finally {
    session.socket.destroy();
  }
  return played;
}

answerOrders(obey);
