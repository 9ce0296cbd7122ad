/** All scenarios, in the order of the table. */
import { channels } from "./channels.js";
import { formation } from "./formation.js";
import { kill } from "./kill.js";
import { blackHole, flapping, fragments, garbage, halfOpen, reset, slowLink } from "./links.js";
import { leave, leaveCutOff, newAddress, pause, wrongSecret } from "./lives.js";
import { everyoneAlone, majorityAndMinority, mute, oneWay, silentDeath } from "./partitions.js";
import type { Scenario } from "./scenario.js";
import { storms } from "./storm.js";

export const scenarios: readonly Scenario[] = [
  formation,
  // Early, since they take longest and several are played at once.
  ...storms,
  wrongSecret,
  kill,
  leave,
  leaveCutOff,
  newAddress,
  pause,
  majorityAndMinority,
  everyoneAlone,
  oneWay,
  mute,
  silentDeath,
  flapping,
  slowLink,
  reset,
  halfOpen,
  blackHole,
  garbage,
  fragments,
  ...channels,
];
