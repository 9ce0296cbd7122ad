/**
 * Names of channels: which ones an application may open.
 *
 * The framework's own are not for applications: what they carry, and how much of it, is tuned for membership, processes and
 * state, and an application's bulk among it is what channels exist to prevent.
 */
import { coreErrors, shown } from "@foundation/core";

/** Where nodes ask each other for their figures. */
export const telemetryChannel = "telemetry";

/** The framework's channels, and what each is for. */
export const ownChannels: Readonly<Record<string, string>> = {
  coordination: "membership",
  raft: "consensus",
  processes: "calls of processes",
  state: "replicated state",
  events: "topics",
  [telemetryChannel]: "figures",
  data: "bulk data",
};

const NAME = /^[a-z0-9][a-z0-9._-]{0,63}$/;

/** @throws {ERR_INVALID_ARGUMENT} */
export function checkChannelName(name: unknown): asserts name is string {
  const expected = "1 to 64 characters of a-z 0-9 . _ -, beginning with a letter or digit";
  if (typeof name !== "string" || !NAME.test(name)) throw invalid("must be", expected, name);
  const use = Object.hasOwn(ownChannels, name) ? ownChannels[name] : undefined;
  if (use !== undefined) {
    const free = `a name other than ${Object.keys(ownChannels).join(", ")}`;
    throw invalid(
      `is the framework's own, for ${use}: choose`,
      `${free}, such as "app.${name}"`,
      name,
    );
  }
}

function invalid(what: string, expected: string, given: unknown): Error {
  const found = shown(given);
  return coreErrors.ERR_INVALID_ARGUMENT(`The name ${found} of a channel ${what} ${expected}`, {
    argument: "name",
    expected,
    found,
  });
}
