/** silentLogger: the Logger port into nothing, for tests and for applications that want no line. */
import type { Logger } from "../ports/logger.js";

const nothing = (): void => undefined;
const silent: Logger = {
  debug: nothing,
  info: nothing,
  warn: nothing,
  error: nothing,
  child: () => silent,
};

/** A logger that writes nothing. */
export function silentLogger(): Logger {
  return silent;
}
