/**
 * Clients: what the applications of a group do, and the history of what they were told.
 *
 * Some have sessions: they send a command again, to another member, until they know what became of it, and it must take
 * effect once. Others send each command once and live with not knowing. Reads go to any member.
 */
import type { Random } from "@foundation/core/ports";
import {
  createHistoryRecorder,
  type HistoryRecorder,
  type KeyValueInput,
  type KeyValueOutput,
  type LockInput,
  type LockOutput,
  type OpenOperation,
} from "@foundation/testkit";
import { answerOf, SESSION_KEYS, type Operation } from "./command.js";
import type { GroupWorld } from "./group-world.js";
import type { Member } from "./member.js";
import { SessionClient } from "./session-client.js";

const SESSION_CLIENTS = 4;
const RAW_KEYS = 6;
const RAW_PACE_MS = 25;

export class Clients {
  readonly keys: HistoryRecorder<KeyValueInput<number>, KeyValueOutput<number>>;
  readonly locks: HistoryRecorder<LockInput, LockOutput>;
  readonly world: GroupWorld;
  readonly #random: Random;
  readonly #sessions: readonly SessionClient[];
  readonly #raw: Random;
  #value = 0;
  #raws = 0;

  constructor(world: GroupWorld) {
    this.world = world;
    this.#random = world.random.fork("clients");
    this.#raw = this.#random.fork("raw");
    const clock = { now: () => world.now };
    this.keys = createHistoryRecorder({ clock });
    this.locks = createHistoryRecorder({ clock });
    this.#sessions = Array.from({ length: SESSION_CLIENTS }, (_, i) => {
      return new SessionClient(this, `c${i}`, this.#random.fork(`c${i}`));
    });
  }

  begin(): void {
    for (const client of this.#sessions) client.begin();
    this.#rawAction();
  }

  /** Nobody waits for anything any more. */
  get areIdle(): boolean {
    return this.#sessions.every(({ isIdle }) => isIdle);
  }

  /** Reads each key once more at each member. */
  readAll(members: readonly Member[]): void {
    for (const member of members) {
      for (const key of this.#allKeys()) this.get(member, "reader", key);
    }
  }

  /** Mostly one that calls itself leader: also those that lead no more and have not noticed. */
  pick(random: Random): Member {
    const { members } = this.world;
    const leaders = members.filter((member) => member.isLeader());
    const among = leaders.length > 0 && random.next() < 0.75 ? leaders : members;
    return among[Math.floor(random.next() * among.length)] as Member;
  }

  drawValue(): number {
    this.#value += 1;
    return this.#value;
  }

  get(
    member: Member,
    process: string,
    key: string,
    told: (value: number | null) => void = () => {},
  ): void {
    const open = this.keys.invoke({ process, key, input: { type: "get" } });
    this.world.of(member).read((machine) => {
      if (!machine) return open.notApplied();
      const value = machine.get(key);
      open.ok(value);
      told(value);
    });
  }

  /** Notes an operation in the history that it belongs to. */
  invoke(process: string, { key, ...input }: Operation): OpenOperation<KeyValueOutput<number>> {
    switch (input.type) {
      case "put":
      case "delete":
      case "compareAndSet":
        return this.keys.invoke({ process, key, input });
      case "acquire":
        return this.locks.invoke({ process, key, input: { type: "acquire" } });
      case "release":
      case "use":
        return this.locks.invoke({ process, key, input });
      default:
        return input satisfies never;
    }
  }

  *#allKeys(): Iterable<string> {
    for (let i = 0; i < RAW_KEYS; i += 1) yield `r${i}`;
    yield* SESSION_KEYS;
  }

  #rawAction(): void {
    const random = this.#raw;
    if (this.world.isHealed) return;
    const member = this.pick(random);
    const key = `r${Math.floor(random.next() * RAW_KEYS)}`;
    if (random.next() < 0.7) this.#rawCommand(member, key);
    else this.get(member, "raw", key);
    this.world.after(random.next() * RAW_PACE_MS * 2, () => this.#rawAction());
  }

  #rawCommand(member: Member, key: string): void {
    const random = this.#raw;
    this.#raws += 1;
    const name = `p${this.#raws}`;
    const value = this.drawValue();
    const expected = random.next() < 0.3 ? null : Math.max(1, value - RAW_KEYS);
    const operation: Operation =
      random.next() < 0.8
        ? { type: "put", key, value }
        : { type: "compareAndSet", key, expected, value };
    const open = this.invoke("raw", operation);
    this.world.of(member).propose({ name, of: name, operation }, (outcome) => {
      if (outcome.type === "not-applied") return open.notApplied();
      if (outcome.type !== "committed") return open.unknown();
      member.await(outcome.index, (result) => {
        if (result?.type === "done") open.ok(answerOf(operation, result.response));
        // Committed, by a member that did not apply it itself: done, and what it gave is not known.
        else open.ok();
      });
    });
  }
}
