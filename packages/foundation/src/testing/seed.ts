/**
 * Seeds: where a simulation's seed comes from, and how an error says it.
 *
 * Order: SEED of the environment, what the test gives, a fresh one. A run that failed is repeated by its seed alone, so
 * every error of a simulation ends with it.
 */
import { nodeRandom } from "@foundation/core";
import { invalidArgument } from "./invalid-argument.js";

export type Seed = number | string;

/** @throws {ERR_INVALID_ARGUMENT} */
export function checkSeed(where: string, seed: unknown): void {
  if (Number.isFinite(seed) || (typeof seed === "string" && seed.trim() !== "")) return;
  throw invalidArgument(where, "seed", "a number or a text", seed);
}

type Environment = Readonly<Record<string, string | undefined>>;

/** SEED, when somebody replays one. */
export function replayedSeed(env: Environment = process.env): string | undefined {
  const seed = env["SEED"]?.trim();
  return seed === "" ? undefined : seed;
}

/** Small enough to be typed, and drawn by real chance. */
export function freshSeed(): number {
  return nodeRandom().uint32() % 1_000_000_000;
}

const ENDS_WITH_SEED = /\nseed [^\n]+: run again with SEED=[^\n]+$/;

/** The same error, its message ending with the seed; what is no error is wrapped in one. */
export function withSeed(error: unknown, seed: string): Error {
  const line = `seed ${seed}: run again with SEED=${/^[\w.-]+$/.test(seed) ? seed : JSON.stringify(seed)}`;
  if (!(error instanceof Error) && !isErrorLike(error)) {
    return new Error(`${String(error)}\n${line}`, { cause: error });
  }
  const before = error.message;
  // Code that waited in one simulation may fail in another: its own seed is the one to play again.
  if (ENDS_WITH_SEED.test(before)) return error;
  const message = `${before}\n${line}`;
  // The stack was written when the error was made and holds the message of then; runners print the stack.
  const { stack } = error;
  put(error, "message", message);
  if (stack?.includes(before))
    put(
      error,
      "stack",
      stack.replace(before, () => message),
    );
  return error;
}

/** Errors of another realm (a test runner's) are no instances of this one's. */
function isErrorLike(error: unknown): error is Error {
  return Object.prototype.toString.call(error) === "[object Error]";
}

function put(error: Error, name: "message" | "stack", value: string): void {
  Object.defineProperty(error, name, { value, configurable: true, writable: true });
}
