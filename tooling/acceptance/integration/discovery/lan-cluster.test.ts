/** Machines on one wire that were told one word and a secret, and nothing of each other. */
import { afterAll, afterEach, beforeAll, beforeEach, expect } from "@jest/globals";
import { requires } from "@foundation-tooling/jest";
import { eventually } from "@foundation/testkit";
import {
  bundleLanNode,
  canMakeLan,
  formedMs,
  LanCluster,
  listsTwo,
} from "../../discovery/lan-cluster.js";
import type { LanClusterLine } from "../../discovery/lan-cluster-node.js";
import type { Bundle } from "../../worlds/namespaces/bundle.js";

const lan = await requires(
  "network namespaces with a bridge, and nft (Linux, as root)",
  canMakeLan,
);
const SECRET = "a secret that both of these machines were given";

lan.describe("a cluster on a LAN", () => {
  let program: Bundle;
  let machines: LanCluster;

  beforeAll(() => {
    program = bundleLanNode();
  });
  afterAll(() => program.remove());
  beforeEach(async () => {
    machines = await LanCluster.create(program, 2);
  });
  afterEach(() => machines.close());

  for (const word of ["mdns", "gossip"]) {
    lan.test(
      `two machines meet by the word ${word} and a secret, and part`,
      async () => {
        const both = [machines.start(1, word, SECRET), machines.start(2, word, SECRET)];
        // Five times the aim: other tests run beside this one.
        expect(await formedMs(both)).toBeLessThan(10_000);
        const host = machines.segment.address(1);
        expect(both[0]!.first(listsTwo)!.address).toContain(`wss://${host}:`);
        both[1]!.child.kill("SIGTERM");
        await eventually(() => both[0]!.lines.at(-1)?.members === 1, { within: 20_000 });
      },
      60_000,
    );

    lan.test(
      `by ${word} with two secrets they see each other, refuse, and say what to set`,
      async () => {
        const both = [
          machines.start(1, word, SECRET),
          machines.start(2, word, `${SECRET}, but not the same`),
        ];
        const isTold = ({ message }: LanClusterLine) =>
          message?.includes("FOUNDATION_SECRET") === true;
        await eventually(() => both.every((node) => node.first(isTold) !== undefined), {
          within: 20_000,
        });
        expect(both.some((node) => node.first(listsTwo) !== undefined)).toBe(false);
      },
      60_000,
    );
  }
});
