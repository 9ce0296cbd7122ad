/** EngineWorld: the engine under test, and the words in which the suite speaks to it. */
import type { FoundationError } from "@foundation/core";
import type {
  Engine,
  KeyValue,
  Operation,
  TransactionResult,
  Watch,
  WatchBatch,
} from "../../../src/engine/engine.js";
import { rangeOf } from "../../../src/engine/engine.js";

export interface EngineContractSetup {
  /** A new engine over an empty keyspace; the suite closes it. */
  create(): Promise<Engine> | Engine;
  /** A second engine over the keyspace of the last one created. @default tests with two clients use the first twice */
  another?(): Promise<Engine> | Engine;
  /** Lets so much time pass for the engine. @default real time */
  pass?(ms: number): Promise<void>;
  /** Gives a promise's value, letting time pass as it needs. @default awaits it */
  settle?<T>(promise: Promise<T>): Promise<T>;
  /** The shortest lease to ask for, milliseconds. @default 1_000 */
  leaseMs?: number;
  /** How much later than its time a lease may end, milliseconds. @default 1_000 */
  leaseLateMs?: number;
  /** After the last test of a keyspace. */
  dispose?(): Promise<void> | void;
}

export const utf8 = new TextEncoder();
export const text = new TextDecoder();

export type EngineWorld = ReturnType<typeof engineWorld>;

export function engineWorld(setup: EngineContractSetup) {
  const settle = setup.settle ?? (<T>(promise: Promise<T>) => promise);
  const pass = setup.pass ?? ((ms: number) => new Promise<void>((done) => setTimeout(done, ms)));
  const leaseMs = setup.leaseMs ?? 1_000;
  const lateMs = setup.leaseLateMs ?? 1_000;
  const engines: { one?: Engine; other?: Engine } = {};
  const opened = (which: "one" | "other"): Engine => {
    const engine = engines[which];
    if (engine === undefined) throw new Error("No engine was created for this test");
    return engine;
  };

  const txn = (...then: Operation[]): Promise<TransactionResult> =>
    settle(opened("one").txn({ then }));
  const put = (key: string, value: string, lease?: string): Promise<TransactionResult> =>
    txn({ type: "put", key, value: utf8.encode(value), ...(lease !== undefined && { lease }) });
  const read = async (range: Omit<Extract<Operation, { type: "range" }>, "type">) => {
    const { results } = await txn({ type: "range", ...range });
    const [result] = results;
    if (result?.type !== "range") throw new Error(`a range answered ${result?.type}`);
    return result;
  };
  const get = async (key: string): Promise<KeyValue | undefined> => (await read({ key })).pairs[0];
  const keys = async (prefix = ""): Promise<string[]> =>
    (await read(rangeOf(prefix))).pairs.map(({ key }) => key);
  const code = async (promise: Promise<unknown>): Promise<string> => {
    try {
      await settle(promise);
    } catch (error) {
      return (error as FoundationError).code;
    }
    return "resolved";
  };
  /** The next batch, in words. */
  const next = async (watch: Watch): Promise<string> => {
    const { value, done } = await settle(watch[Symbol.asyncIterator]().next());
    return done === true ? "end" : inWords(value);
  };

  return {
    ...{ settle, pass, leaseMs, lateMs, txn, put, read, get, keys, code, next },
    get engine() {
      return opened("one");
    },
    /** Another client's, where there is one. */
    get other() {
      return opened("other");
    },
    begin: async (): Promise<void> => {
      engines.one = await setup.create();
      engines.other = (await setup.another?.()) ?? engines.one;
    },
    end: async (): Promise<void> => {
      if (opened("other") !== opened("one")) await settle(opened("other").close());
      await settle(opened("one").close());
      await setup.dispose?.();
    },
  };
}

export function inWords({ revision, changes }: WatchBatch): string {
  const words = changes.map((change) => {
    const was = change.previous ? ` was ${text.decode(change.previous.value)}` : "";
    if (change.type === "delete") {
      if (change.revision !== revision) throw new Error("a change of another revision");
      return `-${change.key}${was}`;
    }
    if (change.pair.modRevision !== revision) throw new Error("a change of another revision");
    return `${change.pair.key}=${text.decode(change.pair.value)}${was}`;
  });
  return `${revision}: ${words.join(" ")}`;
}
