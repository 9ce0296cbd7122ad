/** The options of `gcp`, checked when the strategy is made: a mistake must not wait for the first look-up. */
import { invalidArgument, parseDuration } from "@foundation/core";
import type { GcpOptions } from "./gcp.js";

const ADDRESS_TYPES = ["private", "public", "ipv6"];
const INTERVAL_MS_MIN = 1_000;
const ZONES_MAX = 20;
const PROJECT = /^(?:[a-z0-9.-]+:)?[a-z0-9-]{4,}$/;
const ZONE = /^[a-z]+-[a-z]+\d+-[a-z]$/;
const REGION = /^[a-z]+-[a-z]+\d+$/;
const GROUP = /^[a-z](?:[-a-z0-9]{0,61}[a-z0-9])?$/;
const LABEL_KEY = /^[a-z][a-z0-9_-]{0,62}$/;
const LABEL_VALUE = /^[a-z0-9_-]{0,63}$/;

/** @throws {ERR_INVALID_ARGUMENT} */
export function checkGcp(options: GcpOptions): void {
  const { project, zones, region, instanceGroup, addressType, port, endpoint } = options;
  if (project !== undefined && !PROJECT.test(project)) {
    throw invalid("project", "the id of a project", project);
  }
  if (zones !== undefined) checkZones(zones);
  if (region !== undefined && !REGION.test(region)) {
    throw invalid("region", 'a region, such as "europe-west3"', region);
  }
  if (zones !== undefined && region !== undefined) {
    throw invalid("region", "absent when there are zones", region);
  }
  if (instanceGroup !== undefined && !GROUP.test(instanceGroup)) {
    throw invalid("instanceGroup", "the name of an instance group", instanceGroup);
  }
  if (addressType !== undefined && !ADDRESS_TYPES.includes(addressType)) {
    throw invalid("addressType", '"private", "public" or "ipv6"', addressType);
  }
  if (port !== undefined && !(Number.isInteger(port) && port >= 1 && port <= 65_535)) {
    throw invalid("port", "a port from 1 to 65535", port);
  }
  if (endpoint !== undefined && !/^https?:\/\/[^/?#@]+\/?$/.test(endpoint)) {
    throw invalid("endpoint", "http(s)://host[:port]", endpoint);
  }
  checkLabels(options);
  intervalMs(options);
}

/** The option `interval`, in milliseconds. */
export function intervalMs({ interval = "10s" }: Pick<GcpOptions, "interval">): number {
  const ms = parseDuration(interval, "interval");
  if (ms < INTERVAL_MS_MIN) throw invalid("interval", `at least ${INTERVAL_MS_MIN} ms`, ms);
  return ms;
}

function checkZones(zones: readonly string[]): void {
  const isFine = zones.length >= 1 && zones.length <= ZONES_MAX;
  if (!isFine) throw invalid("zones", `1 to ${ZONES_MAX} zones`, zones.length);
  for (const zone of zones) {
    if (!ZONE.test(zone)) throw invalid("zones", 'zones such as "europe-west3-a"', zone);
  }
}

function checkLabels({ labels, instanceGroup }: GcpOptions): void {
  if (labels === undefined) return;
  const entries = Object.entries(labels);
  if (entries.length === 0 && instanceGroup === undefined) {
    throw invalid(
      "labels",
      "at least one label: without, every instance of the project would be a peer",
      "none",
    );
  }
  for (const [key, value] of entries) {
    if (!LABEL_KEY.test(key)) throw invalid("labels", "keys that labels may have", key);
    if (!LABEL_VALUE.test(value)) throw invalid(`labels.${key}`, "a label's value", value);
  }
}

/** An option of `gcp` that cannot be used. */
export function invalid(argument: string, expected: string, value: unknown): Error {
  return invalidArgument("gcp", argument, expected, value);
}
