/**
 * The bulk of the mutated messages: against a whole node, over pipes instead of sockets, in a process
 * of its own. The parent asks for a thousand cases at a time and is told what they did.
 */
import { createOverlay, type Overlay } from "@foundation/overlay";
import { seededRandom } from "@foundation/core/testing";
import type { Random } from "@foundation/core";
import { answerOrders } from "../processes/worker-process.js";
import { frames, handshakes } from "./corpus.js";
import { DecodeCounter } from "./decode-counter.js";
import { mutate } from "./mutations.js";
import { memoryNow, type MemoryReading } from "./node-memory.js";
import { PipeNetwork, type PipeEnd } from "./pipe.js";
import { join } from "./raw-member.js";
import { note, watchingLogger, watchProcess } from "./watch.js";
import { auth, CLUSTER, ECHO, hello, introduction, resume, SECRET } from "./wire.js";

/** Whom the node meets: a stranger that dials it, one that it dials, or a member gone mad. */
export type Phase = "stranger" | "dialled" | "member";
export interface Order {
  readonly phase: Phase;
  readonly seed: string;
  readonly from: number;
  readonly count: number;
}

export interface Batch {
  readonly crashes: number;
  readonly shown: readonly string[];
  /** Bad messages that reached a connection of the node. */
  readonly played: number;
  /** Calls of the codec's decode while only the cases were played. */
  readonly decodes: number;
  /** Strangers that were let in without the right proof. */
  readonly intrusions: number;
  /** A member joined afterwards and its request was answered. */
  readonly served: boolean;
  readonly memory: MemoryReading;
  /** Properties of Object.prototype that were not there. */
  readonly polluted: number;
}

const RAW_ID = "5e".repeat(16);
const BOOT = "00".repeat(5) + "01".repeat(7);
const FRAMES_PER_JOIN = 8;
/** Addresses that are dialled at a time. */
const DIALLED_AT_ONCE = 50;

const crashes = watchProcess();
const network = new PipeNetwork();
const counter = new DecodeCounter();
const messages = { handshakes: handshakes(Date.now()), frames: frames() };
const everything = [...messages.handshakes, ...messages.frames];
const prototypeKeys = Reflect.ownKeys(Object.prototype).length;
let node: Overlay | undefined;
let intrusions = 0;
let played = 0;

async function startNode(): Promise<Overlay> {
  const overlay = await createOverlay({
    cluster: CLUSTER,
    secret: SECRET,
    runtime: { transport: network.transport(), logger: watchingLogger(crashes) },
  });
  overlay.messenger.handle(ECHO, ({ payload }) => payload);
  return overlay;
}

async function obey({ phase, seed, from, count }: Order): Promise<Batch> {
  if (node === undefined) {
    await counter.start();
    node = await startNode();
  }
  const before = crashes.count;
  intrusions = 0;
  played = 0;
  await counter.take();
  for (let i = from; i < from + count; i += phase === "dialled" ? DIALLED_AT_ONCE : 1) {
    const random = (at: number) => seededRandom(`${seed}-${phase}-${at}`);
    try {
      if (phase === "stranger") await stranger(node.address, random(i));
      else if (phase === "member") await member(node.address, random(i));
      else await dialled(node, i, random);
    } catch (error) {
      note(
        crashes,
        `case ${seed}-${phase}-${i}: ${error instanceof Error ? error.stack : String(error)}`,
      );
    }
  }
  await turns(3);
  const decodes = await counter.take();
  const served = await serves(node);
  return {
    crashes: crashes.count - before,
    played,
    shown: crashes.shown.splice(0),
    decodes,
    intrusions,
    served,
    memory: await memoryNow(),
    polluted: Reflect.ownKeys(Object.prototype).length - prototypeKeys,
  };
}

async function turns(count: number): Promise<void> {
  for (let i = 0; i < count; i += 1) await new Promise(setImmediate);
}

/** Honest up to some step, then not. */
async function stranger(address: string, random: Random): Promise<void> {
  const end = network.connect(address);
  const came: Uint8Array[] = [];
  end.onFrame((frame) => came.push(frame));
  const first = hello({ id: RAW_ID, boot: BOOT, channel: "coordination" }, Date.now());
  const isHonestAtFirst = random.next() < 0.5;
  let proof: Buffer | undefined;
  if (isHonestAtFirst) {
    end.send(first);
    await turns(1);
    proof = came[0] === undefined ? undefined : auth(first, came[0]);
  }
  const corpus = proof === undefined || random.next() < 0.3 ? everything : [proof];
  const times = 1 + (random.uint32() % 3);
  const sent: Buffer[] = [];
  for (let i = 0; i < times; i += 1) {
    const bad = mutate(corpus, random);
    sent.push(bad);
    played += 1;
    end.other.deliver(bad);
  }
  await turns(1);
  const welcomed = came.some((frame) => Buffer.from(frame).includes('"welcome"'));
  if (welcomed && !sent.some((each) => provesTheSame(each, proof))) intrusions += 1;
  end.close();
}

/** A mutation may spare what is proved: another field, the same proof. */
function provesTheSame(bytes: Buffer, honest: Buffer | undefined): boolean {
  if (honest === undefined) return false;
  try {
    const proofOf = (text: Buffer) =>
      (JSON.parse(text.toString("utf8")) as { proof?: unknown }).proof;
    return proofOf(bytes) === proofOf(honest);
  } catch {
    return false;
  }
}

/** The node dials; what answers is not a node. */
async function dialled(
  overlay: Overlay,
  from: number,
  randomOf: (at: number) => Random,
): Promise<void> {
  const closers: (() => void)[] = [];
  const addresses: string[] = [];
  for (let i = 0; i < DIALLED_AT_ONCE; i += 1) {
    const address = `ws://127.0.0.1:${10_000 + ((from + i) % 50_000)}`;
    addresses.push(address);
    const random = randomOf(from + i);
    const accept = (far: unknown) => answerBadly(far as PipeEnd, random);
    closers.push(network.listen(address, accept));
  }
  overlay.dial(addresses);
  await turns(8);
  overlay.dial([]);
  for (const close of closers) close();
}

function answerBadly(end: PipeEnd, random: Random): void {
  let step = 0;
  end.onFrame(() => {
    step += 1;
    const identity = messages.handshakes[2] as Buffer;
    // An honest challenge first, in half of the cases: then the node proves, and waits for a welcome.
    if (step === 1 && random.next() < 0.5) end.send(identity);
    else {
      played += 1;
      end.send(mutate(random.next() < 0.7 ? messages.handshakes : everything, random));
    }
    if (step > 1) end.close();
  });
}

async function member(address: string, random: Random): Promise<void> {
  const coordination = network.connect(address);
  await join(coordination, { id: RAW_ID, boot: BOOT, channel: "coordination" });
  // Half a member: linked, and never introduced.
  if (random.next() < 0.9) coordination.send(introduction({ id: RAW_ID, boot: BOOT, channel: "" }));
  await turns(1);
  const ends = [coordination];
  if (random.next() < 0.6) {
    const data = network.connect(address);
    // Refused when the first link has gone meanwhile: then there is one.
    await join(data, { id: RAW_ID, boot: BOOT, channel: "data" }).then(
      () => ends.push(data),
      () => {},
    );
  }
  const end = ends[random.uint32() % ends.length] as PipeEnd;
  // Without a first word on the window most frames would be refused before they are looked at.
  if (random.next() < 0.9) end.other.deliver(resume(random.uint32(), 1 << 20));
  for (let i = 0; i < FRAMES_PER_JOIN && end.isOpen; i += 1) {
    // Good ones between bring the node into states where a bad one may hurt.
    if (random.next() < 0.3) {
      end.other.deliver(
        Buffer.from(messages.frames[random.uint32() % messages.frames.length] as Buffer),
      );
      continue;
    }
    played += 1;
    end.other.deliver(mutate(messages.frames, random));
  }
  await turns(1);
  for (const each of ends) each.close();
  await turns(1);
}

/** A real member joins, asks and leaves. */
async function serves(overlay: Overlay): Promise<boolean> {
  const friend = await createOverlay({
    cluster: CLUSTER,
    secret: SECRET,
    peers: [overlay.address],
    runtime: { transport: network.transport(), logger: watchingLogger(crashes) },
  });
  try {
    const deadline = performance.now() + 5_000;
    while (friend.membership.member(overlay.self.id) === undefined) {
      if (performance.now() > deadline) return false;
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    const route = { to: overlay.self.id, channel: "data", subject: ECHO };
    return (await friend.messenger.request(route, "alive")) === "alive";
  } catch {
    return false;
  } finally {
    await friend.leave();
  }
}

answerOrders(obey);
