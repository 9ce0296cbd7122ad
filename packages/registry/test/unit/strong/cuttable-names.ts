/**
 * CuttableNames: one node's client of a name store in memory that can be cut off from it and come back. While it is cut,
 * claims run out by their time to live, questions wait for their timeout, and the watch says nothing; what it missed comes
 * as a snapshot.
 */
import { coreErrors, parseDuration, type Clock } from "@foundation/core";
import type {
  ClaimOptions,
  NameEvent,
  NameStore,
  NameWaitOptions,
  NameWatch,
  NameWatchOptions,
} from "@foundation/core/ports";
import type { MemoryNames } from "@foundation/core/testing";

export interface CuttableNames extends NameStore {
  cut(): void;
  mend(): void;
  /** Questions asked, also while cut. */
  readonly asked: number;
}

export function cuttableNames(names: MemoryNames, clock: Clock): CuttableNames {
  let store = names.store();
  let link = connect();
  let isCut = false;
  let asked = 0;
  let mended: (() => void)[] = [];

  /** Waits while it is cut, as long as the caller does. */
  async function reached({ timeout, signal }: NameWaitOptions = {}): Promise<NameStore> {
    asked += 1;
    if (!isCut) return store;
    await new Promise<void>((resolve, reject) => {
      const timeoutMs = timeout === undefined ? undefined : parseDuration(timeout, "timeout");
      const settle = (done: () => void) => {
        timer?.cancel();
        signal?.removeEventListener("abort", onAbort);
        done();
      };
      const late = coreErrors.ERR_TIMEOUT("The store is cut off", {
        timeoutMs: 0,
        target: "store",
      });
      const gone = coreErrors.ERR_ABORTED("The caller gave up", { target: "store" });
      const onAbort = () => settle(() => reject(gone));
      const onLate = () => settle(() => reject(late));
      const timer = timeoutMs === undefined ? undefined : clock.setTimer(timeoutMs, onLate);
      signal?.addEventListener("abort", onAbort, { once: true });
      mended.push(() => settle(resolve));
    });
    return store;
  }

  const made: CuttableNames = {
    get asked() {
      return asked;
    },
    cut() {
      if (isCut) return;
      isCut = true;
      names.cut(store);
      link.break();
    },
    mend() {
      if (!isCut) return;
      isCut = false;
      store = names.store();
      link = connect();
      const waiting = mended;
      mended = [];
      for (const go of waiting) go();
    },
    acquire: async (name, data, options) => (await reached(options)).acquire(name, data, options),
    lookup: async <T>(name: string, options?: NameWaitOptions) =>
      (await reached(options)).lookup<T>(name),
    prepare: async <T>(name: string, options?: ClaimOptions) =>
      (await reached(options)).prepare<T>(name, options),
    watch: (name, options) => watchThrough(name, options),
    close: () => store.close(),
    [Symbol.asyncDispose]: () => store.close(),
  };

  /** Follows the store; after a cut it begins anew with a snapshot. */
  function watchThrough<T>(name: string | undefined, options: NameWatchOptions = {}): NameWatch<T> {
    const { signal } = options;
    async function* events(): AsyncGenerator<NameEvent<T>, undefined, undefined> {
      while (signal?.aborted !== true) {
        await reached(signal === undefined ? {} : { signal });
        const connection = link;
        const watch = store.watch<T>(name, { ...options, initial: true });
        for (;;) {
          const next = await Promise.race([watch.next(), connection.broken]);
          if (next === "cut") break;
          if (next.done === true) return undefined;
          yield next.value;
        }
        await watch.close();
      }
      return undefined;
    }
    const given = events();
    const end = async () => {
      await given.return(undefined);
      return { done: true as const, value: undefined };
    };
    return {
      next: () => given.next() as Promise<IteratorResult<NameEvent<T>, undefined>>,
      return: end,
      ready: async () => {},
      close: async () => void (await end()),
      [Symbol.asyncIterator]() {
        return this;
      },
      [Symbol.asyncDispose]: async () => void (await end()),
    };
  }

  return made;
}

/** What a watch waits for beside its next event. */
function connect(): { readonly broken: Promise<"cut">; break(): void } {
  let settle = (_: "cut"): void => undefined;
  const broken = new Promise<"cut">((resolve) => (settle = resolve));
  return { broken, break: () => settle("cut") };
}
