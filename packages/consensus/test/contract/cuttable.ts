/** An engine whose client can be cut off. */
import type { Engine } from "../../src/index.js";

/** An engine that answers no more once it is cut: as far as its client knows, it is away. */
export function cuttable(engine: Engine): { readonly engine: Engine; cut(): void } {
  let isCut = false;
  const ask = <T>(run: () => Promise<T>): Promise<T> =>
    isCut ? new Promise<T>(() => undefined) : run();
  return {
    cut: () => {
      isCut = true;
    },
    engine: {
      txn: (transaction, options) => ask(() => engine.txn(transaction, options)),
      watch: (range, options) => engine.watch(range, options),
      grantLease: (ttlMs, options) => ask(() => engine.grantLease(ttlMs, options)),
      keepLease: (id, options) => ask(() => engine.keepLease(id, options)),
      revokeLease: (id, options) => (isCut ? Promise.resolve() : engine.revokeLease(id, options)),
      compact: (revision, options) => ask(() => engine.compact(revision, options)),
      close: () => Promise.resolve(),
      [Symbol.asyncDispose]: () => Promise.resolve(),
    },
  };
}
