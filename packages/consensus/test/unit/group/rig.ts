/**
 * A group in memory: members over a memory cluster's messengers and memory disks, on a virtual clock.
 *
 * The machine keeps every command it was given, so a test can compare what the members hold.
 */
import type { NodeId } from "@foundation/core";
import type { Storage } from "@foundation/core/ports";
import {
  memoryCluster,
  memoryRuntime,
  memoryStorage,
  seededRandom,
  virtualClock,
  type MemoryCluster,
  type MemoryStorage,
  type VirtualClock,
} from "@foundation/core/testing";
import type { Group } from "../../../src/group/group.js";
import { messengerLink } from "../../../src/group/messenger-link.js";
import { openGroup, type GroupOptions } from "../../../src/group/open-group.js";
import type { StateMachine } from "../../../src/group/state-machine.js";

export const GROUP = "group-1";

const encoder = new TextEncoder();
const decoder = new TextDecoder();

export function bytes(text: string): Uint8Array {
  return encoder.encode(text);
}

/** Answers each command by how many came before it; due at the times it was told. */
export class Journal implements StateMachine<string> {
  texts: string[] = [];
  times: number[] = [];
  ticks: number[] = [];
  due: number | undefined;
  restores = 0;
  /** A restoration waits for it. */
  gate: Promise<void> | undefined;
  /** Throws at this command. */
  poison: string | undefined;

  apply(_index: number, timeMs: number, data: Uint8Array): string {
    if (this.due !== undefined && timeMs >= this.due) this.due = undefined;
    if (data.length === 0) {
      this.ticks.push(timeMs);
      return "";
    }
    const text = decoder.decode(data);
    if (text === this.poison) throw new Error("the machine broke");
    const [, due] = /^due (\d+)/.exec(text) ?? [];
    if (due !== undefined) this.due = Number(due);
    this.texts.push(text);
    this.times.push(timeMs);
    return `${this.texts.length}:${text}`;
  }

  snapshot(): Iterable<Uint8Array> {
    const text = JSON.stringify({ texts: this.texts, times: this.times, due: this.due });
    return [bytes(text.slice(0, 10)), bytes(text.slice(10))];
  }

  async restore(chunks: AsyncIterable<Uint8Array>): Promise<void> {
    let text = "";
    for await (const chunk of chunks) text += decoder.decode(chunk);
    await this.gate;
    const { texts, times, due } = JSON.parse(text) as Pick<Journal, "texts" | "times" | "due">;
    Object.assign(this, { texts, times, due });
    this.restores += 1;
  }

  wakeAt(): number | undefined {
    return this.due;
  }
}

export interface Seat {
  readonly name: string;
  readonly id: NodeId;
  readonly storage: MemoryStorage;
  readonly machine: Journal;
  readonly group: Group<string>;
  readonly meter: ReadonlyMap<string, number>;
}

/** A disk that takes so long for what must be durable. */
function slow(storage: MemoryStorage, clock: VirtualClock, delayMs: () => number): Storage {
  return {
    list: (prefix) => storage.list(prefix),
    read: (file) => storage.read(file),
    append: (file, data) => storage.append(file, data),
    truncate: (file, sizeBytes) => storage.truncate(file, sizeBytes),
    remove: (file) => storage.remove(file),
    close: () => storage.close(),
    async replace(file, data) {
      const copy = data.slice();
      await clock.sleep(delayMs());
      await storage.replace(file, copy);
    },
    async sync(file) {
      await clock.sleep(delayMs());
      await storage.sync(file);
    },
  };
}

export type SeatOptions = Partial<
  Omit<GroupOptions<string>, "link" | "machine" | "storage" | "runtime">
>;

export class Table {
  readonly clock: VirtualClock = virtualClock();
  readonly cluster: MemoryCluster;
  readonly seats = new Map<string, Seat>();
  /** How long the disks take. */
  diskMs: (() => number) | undefined;
  readonly #options: SeatOptions;
  #starts = 0;

  constructor(size: number, options: SeatOptions = {}, detectionMs = 50, latencyMs = 1) {
    this.cluster = memoryCluster({ clock: this.clock, nodes: size, detectionMs, latencyMs });
    this.#options = options;
  }

  get ids(): readonly NodeId[] {
    return this.cluster.nodes.map(({ id }) => id);
  }

  /** Opens a member on every node. */
  async open(options: SeatOptions = {}): Promise<void> {
    const firstVoters = this.ids;
    for (const { name } of this.cluster.nodes) await this.sit(name, { firstVoters, ...options });
  }

  /** Opens a member on one node. */
  async sit(
    name: string,
    options: SeatOptions = {},
    storage = memoryStorage({ random: seededRandom(`disk ${name}`) }),
    machine = new Journal(),
  ): Promise<Seat> {
    const { id, messenger, membership } = this.cluster.node(name);
    this.#starts += 1;
    const runtime = memoryRuntime({ clock: this.clock, seed: `${name} ${this.#starts}` });
    const group = options.group ?? this.#options.group ?? GROUP;
    const link = messengerLink({ messenger, membership, group });
    const disk = this.diskMs ? slow(storage, this.clock, this.diskMs) : storage;
    const common = { group, link, machine, storage: disk, runtime };
    const given = { ...this.#options, ...options, ...common };
    const opened = await this.clock.run(openGroup(given));
    const seat: Seat = {
      name,
      id,
      storage,
      machine,
      group: opened,
      get meter() {
        return runtime.meter.snapshot();
      },
    };
    this.seats.set(name, seat);
    return seat;
  }

  /** Power fails: what was not synced is lost, and nothing of the member runs any more. */
  async crash(name: string): Promise<void> {
    const { storage } = this.seat(name);
    this.cluster.down(name);
    storage.crash();
    await storage.close();
    this.seats.delete(name);
  }

  /** Starts a crashed member again from its disk. */
  async restart(
    name: string,
    storage: MemoryStorage,
    options: SeatOptions = {},
    machine = new Journal(),
  ): Promise<Seat> {
    this.cluster.restart(name);
    return this.sit(name, options, storage.reopen(), machine);
  }

  seat(name: string): Seat {
    const seat = this.seats.get(name);
    if (!seat) throw new Error(`nobody sits at ${name}`);
    return seat;
  }

  get leader(): Seat | undefined {
    const leaders = [...this.seats.values()].filter(
      ({ group }) => group.status().role === "leader",
    );
    return leaders.sort((a, b) => b.group.status().term - a.group.status().term)[0];
  }

  /** Waits until somebody leads whom everybody at the table (or those named) follows. */
  async led(names: readonly string[] = [...this.seats.keys()]): Promise<Seat> {
    for (let i = 0; i < 200; i += 1) {
      const [first, ...others] = names.map((name) => this.seat(name).group.status().leader);
      const seat = [...this.seats.values()].find(({ id }) => id === first);
      const isLed = seat?.group.status().role === "leader" && names.includes(seat.name);
      if (isLed && others.every((leader) => leader === first)) return seat;
      await this.clock.advance(50);
    }
    throw new Error("nobody leads");
  }

  others(name: string): Seat[] {
    return [...this.seats.values()].filter((seat) => seat.name !== name);
  }

  run<T>(promise: Promise<T>): Promise<T> {
    return this.clock.run(promise);
  }

  /** Members that have heard of everything hold the same. */
  async agreed(): Promise<readonly string[]> {
    await this.clock.advance(1_000);
    const [first, ...others] = [...this.seats.values()].map(({ machine }) => machine);
    for (const other of others) {
      if (JSON.stringify(other.texts) !== JSON.stringify(first?.texts)) {
        throw new Error(`members differ: ${first?.texts.join()} / ${other.texts.join()}`);
      }
    }
    return first?.texts ?? [];
  }

  async close(): Promise<void> {
    const closing = Promise.all([...this.seats.values()].map(({ group }) => group.close()));
    await this.clock.run(closing);
  }
}
