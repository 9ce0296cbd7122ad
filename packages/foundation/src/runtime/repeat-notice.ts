/** repeatNotice: says the same warning again and again while it is true. */
import type { Runtime, Timer } from "@foundation/core";

/** Says it at once and then at each interval; gives the function that ends it. */
export function repeatNotice(
  { clock, logger }: Pick<Runtime, "clock" | "logger">,
  everyMs: number,
  notice: () => string | undefined,
): () => void {
  let timer: Timer | undefined;
  const say = () => {
    const text = notice();
    if (text !== undefined) logger.warn(text);
    timer = clock.setTimer(everyMs, say);
  };
  say();
  return () => timer?.cancel();
}
