import { describe, test } from "@jest/globals";
import { coreErrors } from "@foundation/core";
import { listDiscovery, virtualClock, type ListDiscovery } from "@foundation/core/testing";
import { discoveryContract, virtualTime, type DiscoveryFixture } from "../../src/index.js";

interface ListFixture extends DiscoveryFixture {
  readonly strategy: ListDiscovery;
  readonly known: Set<string>;
}

const initial = ["ws://127.0.0.1:6999"];

discoveryContract(
  { describe, test },
  {
    initial,
    create: (): ListFixture => ({
      strategy: listDiscovery(initial),
      known: new Set(initial),
      time: virtualTime(virtualClock()),
      close: () => {},
    }),
    appear: (fixture, address) => {
      const { strategy, known } = fixture as ListFixture;
      strategy.set([...known.add(address)]);
    },
    vanish: (fixture, address) => {
      const { strategy, known } = fixture as ListFixture;
      known.delete(address);
      strategy.set([...known]);
    },
    fail: (fixture) => {
      const details = { file: "list", operation: "read", reason: "told to" };
      (fixture as ListFixture).strategy.fail(coreErrors.ERR_STORAGE("The list is away", details));
    },
    mend: () => {},
  },
);
