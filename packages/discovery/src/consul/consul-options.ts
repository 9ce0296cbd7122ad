/** The options of `consul`, checked when the strategy is made: a mistake must not wait for the first look-up. */
import { invalidArgument, parseDuration } from "@foundation/core";
import type { ConsulOptions } from "./consul.js";

const CONSISTENCIES = ["default", "stale", "consistent"];
const FORM =
  /^(?:unix:\/\/\/?.+|(?:https?:\/\/)?(?:\[[0-9a-f:.]+\]|[a-z0-9._-]+)(?::\d{1,5})?(?:\/[^?#]*)?)$/i;

/** @throws {ERR_INVALID_ARGUMENT} */
export function checkConsul(options: ConsulOptions): void {
  const { address, service, tags, consistency, token, tokenFile } = options;
  if (address !== undefined && !isConsulAddress(address)) {
    throw invalid("address", "host:port, http(s)://host:port or unix:///path", address);
  }
  if (service !== undefined && (typeof service !== "string" || service.trim() === "")) {
    throw invalid("service", "the name of a service", service);
  }
  if (tags !== undefined && !(Array.isArray(tags) && tags.every(isText))) {
    throw invalid("tags", "a list of texts that are not empty", tags);
  }
  if (consistency !== undefined && !CONSISTENCIES.includes(consistency)) {
    throw invalid("consistency", CONSISTENCIES.map((each) => `"${each}"`).join(", "), consistency);
  }
  if (token !== undefined && tokenFile !== undefined) {
    throw invalid("tokenFile", "absent when there is a token", tokenFile);
  }
  durations(options);
}

/** True for what names an agent. */
export function isConsulAddress(address: string): boolean {
  return typeof address === "string" && FORM.test(address);
}

/** The options that are durations, in milliseconds, with their defaults. */
export function durations(options: ConsulOptions) {
  const ttlMs = atLeast(parseDuration(options.ttl ?? "15s", "ttl"), 1_000, "ttl");
  const waitMs = atLeast(parseDuration(options.wait ?? "1m", "wait"), 100, "wait");
  if (waitMs > WAIT_MS_MAX) throw invalid("wait", "at most 10 minutes", options.wait);
  return {
    ttlMs,
    waitMs,
    deregisterAfterMs: parseDuration(options.deregisterAfter ?? "1m", "deregisterAfter"),
    intervalMs: atLeast(parseDuration(options.interval ?? "250ms", "interval"), 10, "interval"),
  };
}

/** Consul's own limit. */
const WAIT_MS_MAX = 600_000;

function atLeast(ms: number, leastMs: number, argument: string): number {
  if (ms < leastMs) throw invalid(argument, `at least ${leastMs} ms`, `${ms} ms`);
  return ms;
}

function isText(value: unknown): boolean {
  return typeof value === "string" && value !== "";
}

/** An option of `consul` that cannot be used. */
export function invalid(argument: string, expected: string, value: unknown): Error {
  return invalidArgument("consul", argument, expected, value);
}
