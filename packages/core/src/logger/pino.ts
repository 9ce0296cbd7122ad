/**
 * pino: the `pino` package, loaded when the first line is written.
 *
 * Most nodes write none while they start, and loading it takes 20 ms of the processor. A logger's
 * calls answer at once, so it is loaded by `require`. It is imported as `#pino` (package.json):
 * bundlers, which know the condition "module", get `pino` itself there and put it into the bundle;
 * Node and whoever keeps `pino` outside get this file.
 */
import { createRequire } from "node:module";
import type { DestinationStream, Logger, LoggerOptions, pino as Pino } from "pino";

type Package = typeof Pino;

/** What we use of it, as `pino` exports it. */
interface UsedOfPino {
  (options: LoggerOptions, stream: DestinationStream): Logger;
  readonly destination: Package["destination"];
  readonly stdTimeFunctions: Pick<Package["stdTimeFunctions"], "isoTime">;
}

let loaded: Package | undefined;

function load(): Package {
  loaded ??= createRequire(import.meta.url)("pino") as Package;
  return loaded;
}

/** Only this name: what else `pino` exports is not in both. */
export const pino: UsedOfPino = Object.assign(
  (options: LoggerOptions, stream: DestinationStream) => load()(options, stream),
  {
    destination: ((options) => load().destination(options)) as Package["destination"],
    stdTimeFunctions: { isoTime: () => load().stdTimeFunctions.isoTime() },
  },
);
