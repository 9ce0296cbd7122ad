/** The chaos run itself, for some seconds: real processes, real faults, a judged history. */
import { expect } from "@jest/globals";
import { requires } from "@foundation-tooling/jest";
import { canMakeHosts } from "../../../acceptance/worlds/namespaces/hosts.js";
import { chaos } from "../../src/consensus/run.js";

const namespaces = await requires("network namespaces, nft and tc", canMakeHosts);
const SECONDS = 12;

namespaces.test(
  "three voters lose nothing while they are killed, stopped and cut off",
  async () => {
    const said: string[] = [];
    const report = await chaos({
      minutes: SECONDS / 60,
      voters: 3,
      clients: 6,
      seed: "the run of every test",
      say: (line) => said.push(line),
    });
    expect({ aims: report.aims.filter(({ met }) => !met), said }).toEqual({ aims: [], said });
    expect(Object.keys(report.faults).length).toBeGreaterThan(0);
  },
  240_000,
);
