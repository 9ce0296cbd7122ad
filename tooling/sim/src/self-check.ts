/** selfCheck: what the simulator promises about itself, measured: that seeds are deterministic, and that it is fast. */
import { checkDeterminism } from "./check-determinism.js";
import { checkSpeed } from "./check-speed.js";
import type { Hunted } from "./hunt.js";
import type { Order } from "./order.js";
import { atMost, type Aim, type Figure } from "./report.js";
import type { Screen } from "./screen.js";

export interface Checked {
  readonly aims: readonly Aim[];
  readonly figures: readonly Figure[];
  /** What was played on the way, where violations are findings. */
  readonly hunted: Hunted;
}

export async function selfCheck(
  order: Order,
  screen: Screen,
  signal: AbortSignal,
): Promise<Checked> {
  const aims: Aim[] = [];
  const figures: Figure[] = [];
  let hunted: Hunted = { played: [], failedSeeds: [], wallMs: 0 };
  for (const check of order.checks) {
    if (check === "determinism") aims.push(...(await checkDeterminism(order, screen, signal)));
    else {
      const speed = await checkSpeed(order, screen, signal);
      hunted = speed.hunted;
      figures.push(...speed.figures);
      aims.push(...speed.aims, atMost("violations", 0, hunted.failedSeeds.length));
    }
  }
  return { aims, figures, hunted };
}
