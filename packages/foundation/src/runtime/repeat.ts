/** repeat: an act at each interval, until it is ended. */
import type { Clock, Timer } from "@foundation/core";

/** Acts first when the interval has passed once; gives the function that ends it. */
export function repeat(clock: Clock, everyMs: number, act: () => void): () => void {
  let timer: Timer;
  const arm = () => {
    timer = clock.setTimer(everyMs, () => {
      act();
      arm();
    });
  };
  arm();
  return () => timer.cancel();
}
