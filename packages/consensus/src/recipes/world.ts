/**
 * RecipeWorld: what every recipe is made of, resolved once from its options.
 *
 * A recipe talks to the engine and to the runtime, and to nothing else: the same code runs on a store in memory, on a
 * group and on an etcd.
 */
import { coreErrors, createCodec, nodeRuntime, shown } from "@foundation/core";
import type { Clock, Codec, Logger, Random, Runtime } from "@foundation/core/ports";
import type { Engine } from "../engine/engine.js";
import { RECIPE_LIMITS } from "./limits.js";
import type { Sessions } from "./sessions/sessions.js";

/** What every recipe takes. */
export interface RecipeOptions {
  /** Clock, chance and log. @default Node's, or those of the surrounding simulation */
  readonly runtime?: Partial<Runtime> | undefined;
  /** What all keys of the recipe begin with. @default "foundation/" */
  readonly prefix?: string | undefined;
  /** Who this is, for people who look at owners and queues. @default a random text */
  readonly client?: string | undefined;
  /** How values become bytes. @default `createCodec()` */
  readonly codec?: Codec | undefined;
  /** Leases shared with other recipes of this client. @default its own */
  readonly sessions?: Sessions | undefined;
}

export interface RecipeWorld {
  readonly engine: Engine;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly codec: Codec;
  readonly prefix: string;
  readonly client: string;
}

export function recipeWorld(engine: Engine, options: RecipeOptions): RecipeWorld {
  const { clock, random, logger } = nodeRuntime(options.runtime);
  const { prefix = "foundation/" } = options;
  return {
    engine,
    clock,
    random,
    logger,
    codec: options.codec ?? createCodec(),
    prefix,
    client: options.client ?? randomText(random),
  };
}

/** 64 random bits as text. */
export function randomText(random: Random): string {
  return Buffer.from(random.secret(8)).toString("hex");
}

/**
 * A name as one segment of a key: no two names give the same, and none is the beginning of another's keys.
 *
 * @throws {ERR_INVALID_ARGUMENT} it is empty, too long, or not well-formed text
 */
export function keySegment(name: string, argument = "name"): string {
  const expected = `a text of 1 to ${RECIPE_LIMITS.nameLengthMax} characters`;
  if (typeof name !== "string" || name === "" || name.length > RECIPE_LIMITS.nameLengthMax) {
    throw invalidArgument(argument, expected, shown(name));
  }
  try {
    return encodeURIComponent(name);
  } catch {
    throw invalidArgument(argument, `${expected} without lone surrogates`, shown(name));
  }
}

/** The error of an argument that is not what was expected. */
export function invalidArgument(argument: string, expected: string, found: string): Error {
  return coreErrors.ERR_INVALID_ARGUMENT(`${argument} must be ${expected}, found ${found}`, {
    argument,
    expected,
    found,
  });
}

/** The error of a handle that was closed. */
export function closedHandle(what: string): Error {
  return coreErrors.ERR_CLOSED(`${what} is closed; make a new one to go on`, { what });
}

/** @throws {ERR_INVALID_ARGUMENT} it is not an integer within these bounds */
export function checkInteger(argument: string, value: number, min: number, max: number): void {
  if (Number.isSafeInteger(value) && value >= min && value <= max) return;
  throw invalidArgument(argument, `an integer from ${min} to ${max}`, String(value));
}
