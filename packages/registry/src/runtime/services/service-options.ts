/** How the options of `register` and `update` are checked, with every default in its place. */
import {
  checkOptionalBoolean,
  checkOptionalFunction,
  checkOptionalText,
  checkOptions,
  invalidArgument,
  parseDuration,
  processLimits,
  type Duration,
} from "@foundation/core";
import { checkReference } from "../given.js";
import { isLabels, isTexts, isWeight, type ServiceRecord } from "../../protocol/services/record.js";
import type { RegistryLimits } from "../../limits.js";
import { copyOf, type Wiring } from "../wiring.js";
import type { ServiceDescription, ServiceOptions } from "./services.js";

/** What is said of an instance, checked. */
export type Description = Pick<
  ServiceRecord,
  "capabilities" | "metadata" | "weight" | "zone" | "labels"
>;

/** How it is run, checked. */
export interface Running {
  readonly intervalMs: number;
  readonly timeoutMs: number;
  readonly rise: number;
  readonly fall: number;
  readonly concurrency: number;
}

const DESCRIPTION: readonly string[] = ["capabilities", "metadata", "weight", "zone", "labels"];
const RUNNING: readonly string[] = [
  ...["handle", "process", "health", "healthInterval", "healthTimeout", "rise", "fall"],
  ...["concurrency", "idempotent"],
];

/** @throws {ERR_INVALID_ARGUMENT} */
export function checkRunning(options: ServiceOptions, limits: RegistryLimits): Running {
  const operation = "services.register";
  if (options === undefined) throw invalid("options", "an object", options);
  checkOptions(operation, options, [...DESCRIPTION, ...RUNNING]);
  const { handle, process, health } = options;
  if (process !== undefined) {
    checkReference("services.register", process?.ref);
    if (typeof process.handler !== "string") {
      throw invalid("process.handler", "the name of a call handler", process.handler);
    }
  }
  if (handle !== undefined && process !== undefined) {
    throw invalid("handle", "absent beside `process`", "both");
  }
  checkOptionalFunction(operation, "handle", handle);
  checkOptionalFunction(operation, "health", health);
  checkOptionalBoolean(operation, "idempotent", options.idempotent);
  return {
    intervalMs: durationOf("healthInterval", options.healthInterval, "10s"),
    timeoutMs: durationOf("healthTimeout", options.healthTimeout, "2s"),
    rise: countOf("rise", options.rise, 2),
    fall: countOf("fall", options.fall, 3),
    concurrency: countOf("concurrency", options.concurrency, limits.serviceConcurrency),
  };
}

/** What is said anew of an instance. @throws {ERR_INVALID_ARGUMENT} */
export function checkUpdate(description: ServiceDescription): void {
  if (description === undefined) throw invalid("options", "an object", description);
  checkOptions("services.register", description, DESCRIPTION);
}

/** The description with what is given in its place. @throws {ERR_INVALID_ARGUMENT} @throws {ERR_NOT_ENCODABLE} */
export function describe(
  given: ServiceDescription,
  known: Description | undefined,
  wiring: Wiring,
): Description {
  const { capabilities = known?.capabilities ?? [], labels = known?.labels ?? {} } = given;
  const { weight = known?.weight ?? 1 } = given;
  const { zone = known?.zone ?? wiring.membership.self.labels["zone"] } = given;
  if (!isTexts(capabilities)) throw invalid("capabilities", "a list of texts", capabilities);
  if (!isLabels(labels)) throw invalid("labels", "an object of texts", labels);
  if (!isWeight(weight)) throw invalid("weight", "a number above 0", weight);
  checkOptionalText("services.register", "zone", zone);
  const metadata = "metadata" in given ? copyOf(given.metadata, wiring.codec) : known?.metadata;
  return { capabilities: [...capabilities], metadata, weight, zone, labels: { ...labels } };
}

/** A check again and again must leave time in between, and one without time fails always. */
function durationOf(argument: string, value: Duration | undefined, fallback: Duration): number {
  const durationMs = parseDuration(value === undefined ? fallback : value, argument);
  const min = processLimits.intervalMsMin;
  if (durationMs < min) throw invalid(argument, `at least ${min} ms`, durationMs);
  return durationMs;
}

function countOf(argument: string, value: number | undefined, fallback: number): number {
  if (value === undefined) return fallback;
  if (Number.isSafeInteger(value) && value >= 1) return value;
  throw invalid(argument, "an integer of at least 1", value);
}

function invalid(argument: string, expected: string, value: unknown): Error {
  return invalidArgument("services.register", argument, expected, value);
}
