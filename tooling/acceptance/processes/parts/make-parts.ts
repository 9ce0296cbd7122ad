/** The parts of a world. */
import { Balancing } from "./balancing.js";
import { Membership } from "./membership.js";
import { Merging } from "./merging.js";
import type { Feature, Part, PartWorld } from "./part.js";
import { Saving } from "./saving.js";
import { Trees } from "./trees.js";

export function makeParts(features: readonly Feature[], world: PartWorld): readonly Part[] {
  return features.map((feature) => {
    const own = { ...world, random: world.random.fork(feature) };
    switch (feature) {
      case "trees":
        return new Trees(own);
      case "groups":
        return new Membership(own);
      case "saving":
        return new Saving(own);
      case "merging":
        return new Merging(own);
      case "balancing":
        return new Balancing(own);
      default:
        return feature satisfies never;
    }
  });
}
