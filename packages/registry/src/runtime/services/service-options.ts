/** How the options of `register` and `update` are checked, with every default in its place. */
import { coreErrors, parseDuration } from "@foundation/core";
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

/** @throws {ERR_INVALID_ARGUMENT} */
export function checkRunning(options: ServiceOptions, limits: RegistryLimits): Running {
  if (typeof options !== "object" || options === null) {
    throw invalid("options", "an object", String(options));
  }
  const { handle, process, health } = options;
  if (process !== undefined) {
    checkReference("services.register", process?.ref);
    if (typeof process.handler !== "string") {
      throw invalid("process.handler", "the name of a call handler", typeof process.handler);
    }
  }
  if (handle !== undefined && process !== undefined) {
    throw invalid("handle", "absent beside `process`", "both");
  }
  for (const [argument, value] of Object.entries({ handle, health })) {
    if (value !== undefined && typeof value !== "function") {
      throw invalid(argument, "a function", typeof value);
    }
  }
  return {
    intervalMs: parseDuration(options.healthInterval ?? "10s", "healthInterval"),
    timeoutMs: parseDuration(options.healthTimeout ?? "2s", "healthTimeout"),
    rise: countOf("rise", options.rise, 2),
    fall: countOf("fall", options.fall, 3),
    concurrency: countOf("concurrency", options.concurrency, limits.serviceConcurrency),
  };
}

/** The description with what is given in its place. @throws {ERR_INVALID_ARGUMENT} @throws {ERR_NOT_ENCODABLE} */
export function describe(
  given: ServiceDescription,
  known: Description | undefined,
  wiring: Wiring,
): Description {
  const capabilities = given.capabilities ?? known?.capabilities ?? [];
  const labels = given.labels ?? known?.labels ?? {};
  const weight = given.weight ?? known?.weight ?? 1;
  const zone = given.zone ?? known?.zone ?? wiring.membership.self.labels["zone"];
  if (!isTexts(capabilities)) {
    throw invalid("capabilities", "a list of texts", String(capabilities));
  }
  if (!isLabels(labels)) throw invalid("labels", "an object of texts", typeof labels);
  if (!isWeight(weight)) throw invalid("weight", "a number above 0", String(weight));
  const metadata = "metadata" in given ? copyOf(given.metadata, wiring.codec) : known?.metadata;
  return { capabilities: [...capabilities], metadata, weight, zone, labels: { ...labels } };
}

function countOf(argument: string, value: number | undefined, fallback: number): number {
  if (value === undefined) return fallback;
  if (Number.isSafeInteger(value) && value >= 1) return value;
  throw invalid(argument, "an integer of at least 1", String(value));
}

function invalid(argument: string, expected: string, found: string): Error {
  return coreErrors.ERR_INVALID_ARGUMENT(
    `services.register: ${argument} must be ${expected}, found "${found.slice(0, 64)}"`,
    { argument, expected, found: found.slice(0, 64) },
  );
}
