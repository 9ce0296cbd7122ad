/** repeatNotice: says the same warning again and again while it is true. */
import type { Runtime } from "@foundation/core";
import { repeat } from "./repeat.js";

/** Says it at once and then at each interval; gives the function that ends it. */
export function repeatNotice(
  { clock, logger }: Pick<Runtime, "clock" | "logger">,
  everyMs: number,
  notice: () => string | undefined,
): () => void {
  const say = () => {
    const text = notice();
    if (text !== undefined) logger.warn(text);
  };
  say();
  return repeat(clock, everyMs, say);
}
