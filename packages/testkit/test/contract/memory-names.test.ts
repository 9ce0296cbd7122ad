import { describe, test } from "@jest/globals";
import { memoryNames, memoryRoster, virtualClock } from "@foundation/core/testing";
import { nameStoreContract, rosterContract, virtualTime } from "../../src/index.js";

nameStoreContract(
  { describe, test },
  {
    create: () => {
      const clock = virtualClock();
      const names = memoryNames({ clock });
      return {
        stores: [names.store(), names.store()],
        mortal: () => {
          const store = names.store();
          return { store, cut: () => names.cut(store) };
        },
        ttlMs: 1_000,
        lateMs: 10,
        time: virtualTime(clock),
        close: () => {},
      };
    },
  },
);

rosterContract(
  { describe, test },
  {
    create: () => {
      const book = memoryRoster();
      return {
        rosters: [book.roster(), book.roster()],
        time: virtualTime(virtualClock()),
        close: () => {},
      };
    },
  },
);
