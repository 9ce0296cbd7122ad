/** ModelStore: a MemberStore on the model of a disk alone. */
import type { StagedChunk, Write } from "@foundation/consensus";
import type { Member } from "./member.js";
import { STALL_LOOK_MS, type DiskTiming, type MemberStore } from "./member-store.js";
import type { StoredSnapshot } from "./model-disk.js";

export class ModelStore implements MemberStore {
  readonly #member: Member;
  readonly #timing: DiskTiming;

  constructor(member: Member, timing: DiskTiming) {
    this.#member = member;
    this.#timing = timing;
  }

  open(onOpen: Parameters<MemberStore["open"]>[0]): void {
    const { disk } = this.#member;
    const recovered = disk.recovered();
    onOpen(recovered, disk.snapshot);
  }

  write(write: Write, onDurable: () => void): void {
    const { disk } = this.#member;
    this.#sync(() => {
      disk.complete(write.number);
      onDurable();
    });
  }

  stage(chunk: StagedChunk): void {
    this.#member.disk.stage(chunk);
  }

  keep(snapshot: StoredSnapshot, keepAfter: number, onDone: (isKept: boolean) => void): void {
    const { disk } = this.#member;
    this.#sync(() => {
      const isNew = (disk.snapshot?.meta.index ?? 0) < snapshot.meta.index;
      if (isNew) disk.keep(snapshot, keepAfter);
      onDone(isNew);
    });
  }

  readChunk(...[id, offset, bytesMax, onRead]: Parameters<MemberStore["readChunk"]>): void {
    this.#later(1 + this.#timing.random.next() * 5, () => {
      const stored = this.#member.disk.snapshot;
      if (stored?.meta.id !== id) return onRead(undefined);
      const data = stored.bytes.slice(offset, offset + bytesMax);
      onRead({ data, isLast: offset + data.byteLength >= stored.bytes.byteLength });
    });
  }

  crash(): void {
    const { disk } = this.#member;
    const { random } = this.#timing;
    const kept = Math.floor(random.next() * (disk.openWrites + 1));
    disk.crash(kept, random.next() < 0.5);
  }

  #sync(done: () => void): void {
    const { syncMs, random } = this.#timing;
    this.#later(syncMs() * (0.5 + random.next()) + this.#member.dragMs, done);
  }

  #later(delayMs: number, run: () => void): void {
    const member = this.#member;
    const { life } = member;
    const look = (): void => {
      if (member.life !== life) return;
      if (member.isDiskStalled) this.#timing.after(STALL_LOOK_MS, look);
      else run();
    };
    this.#timing.after(delayMs, look);
  }
}
