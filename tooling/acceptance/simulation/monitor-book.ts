/**
 * MonitorBook: who watches which process, and what each was told of its end: once, when it has ended, and after
 * everything else that came from it.
 */
import type { ExitReason } from "@foundation/core";
import type { ClusterRef } from "@foundation/registry";
import { instanceOf, type Journal } from "./journal.js";
import type { StackNode } from "./stack-node.js";

interface Watch {
  readonly owner: string;
  readonly instance: string;
  readonly sinceMs: number;
  downs: number;
}

/** An answer that came when its caller had been told of ends already: of the first `ends` of its list. */
interface LateAnswer {
  readonly owner: string;
  readonly ends: number;
}

/** Runs on while it waits, also when its process has ended: when it comes to its end says nothing. */
const SLOW_CALL = /^bookLater-/;

export class MonitorBook {
  readonly #now: () => number;
  readonly #watches: Watch[] = [];
  /** The processes whose end a node was told of for certain, in that order. */
  readonly #told = new Map<string, string[]>();
  /** When an end was first told to anybody, by process. */
  readonly #endedMs = new Map<string, number>();
  /** By id of the call. */
  readonly #answers = new Map<string, LateAnswer>();
  readonly violations: string[] = [];

  /** @param now the time by which the journal counts */
  constructor(now: () => number = () => 0) {
    this.#now = now;
  }

  get size(): number {
    return this.#watches.length;
  }

  /** Watches the process that runs under the name now. @throws {ERR_NO_PROCESS} */
  watch(node: StackNode, ref: Pick<ClusterRef, "monitor" | "whereis">): void {
    const pid = ref.whereis();
    const instance = pid === undefined ? "nothing" : instanceOf(pid);
    const watch: Watch = { owner: node.key, instance, sinceMs: node.clock.now(), downs: 0 };
    ref.monitor((reason) => {
      watch.downs += 1;
      if (watch.downs > 1) this.violations.push(`${shown(watch)} was told ${watch.downs} times`);
      this.#ended(watch, reason);
    });
    this.#watches.push(watch);
  }

  /** A call of a node was answered as done. */
  answered(owner: string, id: string): void {
    const ends = this.#told.get(owner)?.length;
    if (ends !== undefined) this.#answers.set(id, { owner, ends });
  }

  /** What came from a process after its end was told: an answer, or something that it did. */
  disorder({ ran }: Pick<Journal, "ran">): readonly string[] {
    const wrong: string[] = [];
    for (const [id, { owner, ends }] of this.#answers) {
      const instances = new Set(ran.get(id)?.map(({ instance }) => instance));
      const before = this.#told.get(owner)?.slice(0, ends) ?? [];
      const late = before.find((instance) => instances.has(instance));
      if (late)
        wrong.push(`${owner} was told the end of ${late} before it had the answer to ${id}`);
    }
    for (const [id, entries] of ran) {
      if (SLOW_CALL.test(id)) continue;
      for (const { instance, atMs } of entries) {
        const endedMs = this.#endedMs.get(instance) ?? Infinity;
        if (atMs <= endedMs) continue;
        wrong.push(`${instance} ran ${id} at ${atMs} ms, and its end was told at ${endedMs} ms`);
      }
    }
    return wrong;
  }

  /**
   * Watches of the living owners whose process has ended and who were not told. One that was moved goes on as another
   * instance; where one that came by a move went on without having handled anything, nobody can say.
   */
  untold(
    owners: ReadonlySet<string>,
    running: ReadonlySet<string>,
    journal: Pick<Journal, "born" | "nowOf">,
  ): readonly string[] {
    const goesOn = (instance: string) => {
      const now = journal.nowOf(instance);
      return running.has(now) || (now === instance && !journal.born.has(instance));
    };
    return this.#watches
      .filter(({ owner, instance, downs }) => {
        return owners.has(owner) && !goesOn(instance) && downs === 0;
      })
      .map((watch) => `${shown(watch)} was not told, though it has ended`);
  }

  /** With `node-down` the process may live on behind a partition: nothing follows from that. */
  #ended({ owner, instance }: Watch, { type }: ExitReason): void {
    if (type === "node-down") return;
    const told = this.#told.get(owner);
    if (told) told.push(instance);
    else this.#told.set(owner, [instance]);
    if (!this.#endedMs.has(instance)) this.#endedMs.set(instance, this.#now());
  }
}

function shown({ owner, instance, sinceMs }: Watch): string {
  return `the monitor of ${instance} on ${owner} since ${sinceMs.toFixed(0)} ms`;
}
