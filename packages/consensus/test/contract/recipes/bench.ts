/** What every part of the contract of recipes is given, and reads events with. */
import type { KvEvent, Recipes } from "../../../src/index.js";

export interface Bench {
  readonly a: Recipes;
  readonly b: Recipes;
  readonly ttl: number;
  /** Gives a promise's value, letting time pass. */
  settle<T>(promise: Promise<T>): Promise<T>;
  pass(ms: number): Promise<void>;
  code(promise: Promise<unknown>): Promise<string>;
  /** Whether the promise is still open after all that can happen at once. */
  isOpen(promise: Promise<unknown>): Promise<boolean>;
  /** A client that can be cut from its engine. */
  client(name: string): { readonly recipes: Recipes; cut(): void };
  /** How long after a client was cut its leases are certainly over. */
  readonly overMs: number;
}

export type Test = (name: string, run: (bench: Bench) => Promise<void>) => void;

export async function take<T>(events: AsyncIterator<T>, count: number): Promise<T[]> {
  const taken: T[] = [];
  while (taken.length < count) {
    const { done, value } = await events.next();
    if (done) throw new Error(`the loop ended after ${taken.length} of ${count}`);
    taken.push(value);
  }
  return taken;
}

export function brief(event: KvEvent<unknown>): string {
  if (event.type === "snapshot") return `snapshot ${event.reason}`;
  const value = event.type === "put" ? ` ${String(event.entry.value)}` : "";
  const was = event.previous ? ` was ${String(event.previous.value)}` : "";
  return `${event.type} ${event.key}${value}${was}`;
}
