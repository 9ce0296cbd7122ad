/** MonitorBook: who watches which process, and how often each was told of its end: once, when it has ended. */
import type { ClusterRef } from "@foundation/registry";
import { instanceOf } from "./journal.js";
import type { StackNode } from "./stack-node.js";

interface Watch {
  readonly owner: string;
  readonly instance: string;
  readonly sinceMs: number;
  downs: number;
}

export class MonitorBook {
  readonly #watches: Watch[] = [];
  readonly violations: string[] = [];

  get size(): number {
    return this.#watches.length;
  }

  /** Watches the process that runs under the name now. @throws {ERR_NO_PROCESS} */
  watch(node: StackNode, ref: Pick<ClusterRef, "monitor" | "whereis">): void {
    const pid = ref.whereis();
    const instance = pid === undefined ? "nothing" : instanceOf(pid);
    const watch: Watch = { owner: node.key, instance, sinceMs: node.clock.now(), downs: 0 };
    ref.monitor(() => {
      watch.downs += 1;
      if (watch.downs > 1) this.violations.push(`${shown(watch)} was told ${watch.downs} times`);
    });
    this.#watches.push(watch);
  }

  /** Watches of the living owners whose process has ended and who were not told. */
  untold(owners: ReadonlySet<string>, running: ReadonlySet<string>): readonly string[] {
    return this.#watches
      .filter(({ owner, instance, downs }) => {
        return owners.has(owner) && !running.has(instance) && downs === 0;
      })
      .map((watch) => `${shown(watch)} was not told, though it has ended`);
  }
}

function shown({ owner, instance, sinceMs }: Watch): string {
  return `the monitor of ${instance} on ${owner} since ${sinceMs.toFixed(0)} ms`;
}
