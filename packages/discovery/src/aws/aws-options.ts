/** The options of `aws`, checked when the strategy is made: a mistake must not wait for the first look-up. */
import { invalidArgument, parseDuration } from "@foundation/core";
import type { AwsOptions } from "./aws.js";

const ADDRESS_TYPES = ["private", "public", "ipv6"];
/** By EC2's own limits. */
const TAGS_MAX = 50;
const VALUES_MAX = 200;
const INTERVAL_MS_MIN = 1_000;

/** @throws {ERR_INVALID_ARGUMENT} */
export function checkAws(options: AwsOptions): void {
  const { tags, region, endpoint, addressType, port, credentials } = options;
  if (tags !== undefined) checkTags(tags);
  if (region !== undefined && !/^[a-z]{2,}(-[a-z]+)+-\d+$/.test(region)) {
    throw invalid("region", 'the code of a region, such as "eu-central-1"', region);
  }
  if (endpoint !== undefined && !/^https?:\/\/[^/?#@]+\/?$/.test(endpoint)) {
    throw invalid("endpoint", "http(s)://host[:port]", endpoint);
  }
  if (addressType !== undefined && !ADDRESS_TYPES.includes(addressType)) {
    throw invalid("addressType", '"private", "public" or "ipv6"', addressType);
  }
  if (port !== undefined && !(Number.isInteger(port) && port >= 1 && port <= 65_535)) {
    throw invalid("port", "a port from 1 to 65535", port);
  }
  if (credentials !== undefined && !(credentials.accessKeyId && credentials.secretAccessKey)) {
    throw invalid("credentials", "an accessKeyId and a secretAccessKey", "one of them missing");
  }
  intervalMs(options);
}

/** The option `interval`, in milliseconds. */
export function intervalMs({ interval = "10s" }: Pick<AwsOptions, "interval">): number {
  const ms = parseDuration(interval, "interval");
  if (ms < INTERVAL_MS_MIN) throw invalid("interval", `at least ${INTERVAL_MS_MIN} ms`, ms);
  return ms;
}

function checkTags(tags: NonNullable<AwsOptions["tags"]>): void {
  const entries = Object.entries(tags);
  if (entries.length === 0) {
    throw invalid(
      "tags",
      "at least one tag: without, every instance of the account would be a peer",
      "none",
    );
  }
  if (entries.length > TAGS_MAX) throw invalid("tags", `at most ${TAGS_MAX} tags`, entries.length);
  for (const [key, value] of entries) {
    const values: readonly unknown[] = Array.isArray(value) ? value : [value];
    const isFine =
      key !== "" &&
      values.length >= 1 &&
      values.length <= VALUES_MAX &&
      values.every((each) => typeof each === "string" && each !== "");
    if (!isFine) throw invalid(`tags["${key}"]`, "a text or a list of texts", value);
  }
}

/** An option of `aws` that cannot be used. */
export function invalid(argument: string, expected: string, value: unknown): Error {
  return invalidArgument("aws", argument, expected, value);
}
