/**
 * Shell: carries out what a member's core says, in the order its contract asks for, and hands every step to the checks.
 */
import {
  parseRaftMessage,
  Raft,
  type Batch,
  type Entry,
  type Outcome,
  type RaftInput,
  type RaftMessage,
  type Recovered,
  type RequestId,
  type Write,
} from "@foundation/consensus";
import { nodeName } from "./checks.js";
import { bytesOf, nameOf, textOf, type Command } from "./command.js";
import type { GroupWorld } from "./group-world.js";
import { Honesty } from "./honesty.js";
import { Machine } from "./machine.js";
import type { Member } from "./member.js";
import { MemberTime } from "./member-time.js";
import type { MemberStore } from "./member-store.js";
import type { StoredSnapshot } from "./model-disk.js";
import { fail } from "./violation.js";

/** Is told once what became of a request. */
export type Tell = (outcome: Outcome) => void;

export class Shell {
  readonly #world: GroupWorld;
  readonly #member: Member;
  readonly #store: MemberStore;
  readonly #time: MemberTime;
  readonly #tells = new Map<RequestId, Tell>();
  readonly #readTells = new Map<RequestId, (machine: Machine | undefined) => void>();

  constructor(world: GroupWorld, member: Member, store: MemberStore) {
    this.#world = world;
    this.#member = member;
    this.#store = store;
    this.#time = new MemberTime(world, member, () => this.input({ type: "alarm" }));
  }

  start(): void {
    const member = this.#member;
    if (member.raft) return;
    member.life += 1;
    const { life } = member;
    this.#store.open((recovered, snapshot) => {
      if (member.life === life && !member.raft) this.#begin(recovered, snapshot);
    });
  }

  crash(): void {
    const member = this.#member;
    if (!member.raft) return;
    this.#world.counts.add("crashes");
    this.#world.tell(() => `${member.name} crashes`);
    member.stop();
    this.#store.crash();
    const tells = [...this.#tells].map(
      ([id, tell]) =>
        () =>
          tell({ type: "unknown", id }),
    );
    const readTells = [...this.#readTells.values()].map((tell) => () => tell(undefined));
    this.#tells.clear();
    this.#readTells.clear();
    for (const tell of [...tells, ...readTells]) tell();
  }

  propose(command: Command, tell?: Tell): void {
    const data = bytesOf(command);
    const id = this.#world.drawRequest();
    this.#world.checks.proposed(
      id,
      textOf({ type: "command", index: 0, term: 0, data }),
      command.name,
    );
    this.request({ type: "propose", id, data }, tell);
  }

  request(input: RaftInput & { readonly id: RequestId }, tell?: Tell): void {
    const member = this.#member;
    const { id } = input;
    if (!member.raft) return tell?.({ type: "not-applied", id, reason: "not-leader" });
    member.asked.set(id, this.#world.now);
    if (tell) this.#tells.set(id, tell);
    this.#time.whenAwake(() => this.input(input));
  }

  /** Gives the member's machine when to read it is linearizable; nothing when it is refused or crashes. */
  read(tell: (machine: Machine | undefined) => void = () => {}): void {
    const member = this.#member;
    if (!member.raft) return tell(undefined);
    const id = this.#world.drawRequest();
    member.reads.set(id, this.#world.checks.highest);
    this.#readTells.set(id, tell);
    this.#time.whenAwake(() => this.input({ type: "read", id }));
  }

  snapshot(keepEntries: number): void {
    const { raft, disk, machine, name, life } = this.#member;
    if (!raft || this.#member.isKeeping || machine.applied > raft.snapshotIndex) return;
    if (machine.applied <= (disk.snapshot?.meta.index ?? 0)) return;
    this.#member.snapshots += 1;
    const id = `${name}-${life}-${this.#member.snapshots}`;
    const meta = { id, ...raft.positionAt(machine.applied) };
    const keepAfter = Math.max(0, meta.index - keepEntries);
    const bytes = machine.snapshot();
    this.#world.checks.imaged(meta.index, bytes);
    this.#world.counts.add("snapshots taken");
    this.#member.isKeeping = true;
    this.#store.keep({ meta, bytes }, keepAfter, (isKept) => {
      this.#member.isKeeping = false;
      if (!isKept) return;
      this.#time.whenAwake(() => this.input({ type: "snapshot-taken", snapshot: meta, keepAfter }));
    });
  }

  /** At once, also when the member is paused. */
  input(input: RaftInput): void {
    const { raft } = this.#member;
    if (!raft) return;
    const batch = raft.handle(input, this.#member.steadyMs(this.#world.now));
    this.#carryOut(raft, batch);
  }

  receive(message: RaftMessage): void {
    const member = this.#member;
    this.#time.whenAwake(() => {
      const { raft, honesty } = member;
      if (!raft || !honesty) return;
      const { term, role } = raft.status;
      if (isAnswer(message)) member.heardAt.set(message.from, this.#world.now);
      this.input({ type: "message", message });
      honesty.heard(message, { term, role }, raft);
    });
  }

  /** The steady clock leaps ahead, the wall clock anywhere. */
  leap(aheadMs: number, wallMs: number): void {
    this.#member.leap(aheadMs, wallMs);
    if (this.#member.raft && this.#member.alarm > 0) this.#time.alarm(this.#member.alarm);
  }

  #begin(recovered: Recovered, snapshot: StoredSnapshot | undefined): void {
    const member = this.#member;
    const { random, weather } = this.#world;
    member.machine = new Machine(snapshot?.bytes);
    member.honesty = new Honesty(member.disk, this.#world.disks);
    member.alarm = 0;
    member.raft = new Raft({
      id: member.id,
      group: "g",
      random: random.fork(`${member.name} ${member.life}`),
      recovered,
      ...weather.raft,
    });
    this.#world.tell(() => `${member.name} starts; its log ends with ${member.disk.lastIndex}`);
    this.input({ type: "start" });
  }

  #carryOut(raft: Raft, batch: Batch): void {
    const member = this.#member;
    const world = this.#world;
    for (const chunk of batch.staged) this.#store.stage(chunk);
    if (batch.write) this.#write(batch.write);
    member.honesty?.check(raft, batch);
    if (batch.status) this.#changed(batch.status);
    for (const message of batch.messages) this.#transmit(message);
    if (batch.committed.length > 0) this.#applyAll(batch.committed);
    for (const outcome of batch.outcomes) this.#conclude(outcome);
    for (const read of batch.reads) this.#answer(read);
    for (const request of batch.chunkRequests) this.#readChunk(request);
    for (const counter of batch.counts) world.counts.add(counter);
    for (const { type } of batch.notices) {
      world.counts.add(type === "promoting" ? "learner caught up" : type);
    }
    if (batch.alarmAt !== undefined) this.#time.alarm(batch.alarmAt);
    const last = batch.committed.at(-1)?.index;
    if (last === undefined || member.raft !== raft) return;
    const delayMs = world.random.next() < 0.8 ? 0 : world.random.next() * 20;
    this.#time.later(delayMs, () => this.input({ type: "applied", index: last }));
  }

  #write(write: Write): void {
    const { disk, id, life } = this.#member;
    const { checks } = this.#world;
    const { append, install, number } = write;
    const before = append && !install ? disk.view.termAt(append.after) : undefined;
    const inTerm = write.hardState.term;
    for (const [index, term] of disk.begin(write)) checks.cut(id, inTerm, index, term);
    if (append) {
      const isBehind = install !== undefined && append.after === install.index;
      checks.written(append.entries, isBehind ? install.term : before);
    }
    if (install) this.#install(install.index, disk.stagedBytes(install.id));
    this.#store.write(write, () => {
      if (this.#member.life !== life) return;
      this.#time.whenAwake(() => this.input({ type: "persisted", write: number }));
    });
  }

  #install(index: number, bytes: Uint8Array): void {
    const member = this.#member;
    member.machine = new Machine(bytes);
    const { applied, digest } = member.machine;
    this.#world.tell(() => `${member.name} takes a snapshot's state as of ${index}`);
    if (applied !== index) fail("snapshots", `one as of ${index} has the state as of ${applied}`);
    this.#world.checks.restored(index, digest);
    this.#time.later(0, () => this.input({ type: "applied", index }));
    // What was skipped is never answered here.
    member.answerUpTo(index);
  }

  #changed({ role, term, leader }: NonNullable<Batch["status"]>): void {
    const member = this.#member;
    const world = this.#world;
    world.tell(() => `${member.name} is ${role} of term ${term}, leader ${nodeName(leader)}`);
    if (role !== "leader") {
      member.leadsSince = undefined;
      return;
    }
    if (!world.checks.led(member.id, term, member.disk.view.terms)) return;
    member.leadsSince = world.now;
    world.onLeader(member);
  }

  #applyAll(entries: readonly Entry[]): void {
    const { name } = this.#member;
    this.#world.tell(() => {
      const [first, last] = [entries[0] as Entry, entries.at(-1) as Entry];
      const range =
        first === last ? `${first.index} (${nameOf(first)})` : `${first.index} to ${last.index}`;
      return `${name} applies ${range} of term ${last.term}`;
    });
    for (const entry of entries) this.#apply(entry);
  }

  #apply(entry: Entry): void {
    const { machine, name, term } = this.#member;
    const { index } = entry;
    if (index !== machine.applied + 1) {
      fail("state machine safety", `${name} applies ${index} behind ${machine.applied}`);
    }
    const applied = machine.apply(entry);
    const { checks } = this.#world;
    checks.applied(entry, term, machine.digest);
    if (applied?.isExecuted) checks.executed(applied.command.of, index);
    if (applied) this.#member.results.set(index, applied.result);
    this.#member.answerUpTo(index);
  }

  #conclude(outcome: Outcome): void {
    const { id } = outcome;
    if (outcome.type === "transferred") this.#world.counts.add("transferred");
    this.#world.checks.told(outcome, this.#member.term);
    this.#member.asked.delete(id);
    const tell = this.#tells.get(id);
    this.#tells.delete(id);
    tell?.(outcome);
  }

  #answer(read: Batch["reads"][number]): void {
    const { machine, reads } = this.#member;
    const atLeast = reads.get(read.id) ?? 0;
    reads.delete(read.id);
    const isReady = read.type === "ready";
    if (isReady) this.#world.checks.read(machine.applied, atLeast);
    const tell = this.#readTells.get(read.id);
    this.#readTells.delete(read.id);
    tell?.(isReady ? machine : undefined);
  }

  #readChunk({ to, snapshot, offset, bytesMax }: Batch["chunkRequests"][number]): void {
    const { id } = snapshot;
    this.#store.readChunk(id, offset, bytesMax, (chunk) => {
      const input: RaftInput = chunk
        ? { type: "snapshot-chunk", to, id, offset, ...chunk }
        : { type: "snapshot-unreadable", to, id };
      this.#time.whenAwake(() => this.input(input));
    });
  }

  #transmit(message: RaftMessage): void {
    const world = this.#world;
    const wire = parseRaftMessage(message);
    if (!wire) fail("messages", `one of type ${message.type} is malformed`);
    for (const delayMs of world.network.delays()) {
      world.after(delayMs, () => {
        if (world.network.isCut(message.from, message.to)) return;
        world.shellOf(message.to)?.receive(wire);
      });
    }
  }
}

/** To a leader's messages. */
function isAnswer({ type }: RaftMessage): boolean {
  return type.endsWith("-reply")
    ? type !== "vote-reply"
    : type.startsWith("append") && type !== "append";
}
