/** Loggers behind the Logger port. */
export { pinoLogger } from "./pino-logger.js";
export type { LogLevel, PinoLoggerOptions } from "./pino-logger.js";
export { silentLogger } from "./silent-logger.js";
