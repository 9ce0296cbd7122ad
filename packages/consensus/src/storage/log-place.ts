/** LogPlace: whose log it is and where it stands. */
import type { Storage } from "@foundation/core/ports";
import type { LogLimits } from "./limits.js";

export interface LogPlace {
  readonly storage: Storage;
  readonly folder: string;
  readonly group: string;
  readonly limits: LogLimits;
}
