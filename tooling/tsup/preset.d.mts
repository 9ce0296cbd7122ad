import type { Options } from "tsup";

export declare function preset(
  entry: Record<string, string>,
  own?: Record<string, string>,
): Options;
