/** Every scenario with a process and a network namespace for each node. */
import { afterAll, test } from "@jest/globals";
import { requires } from "@foundation-tooling/jest";
import { bundleHostedNode } from "../../namespaces/bundle.js";
import { Hosts, canMakeHosts } from "../../namespaces/hosts.js";
import { namespaceCapabilities, namespaceWorld } from "../../namespace-world.js";
import { playAll } from "../../play-all.js";
import { trio } from "../../scenarios/scenario.js";

const need = "network namespaces, nft and tc";
const namespaces = await requires(need, canMakeHosts);
const program = namespaces.met ? bundleHostedNode() : undefined;

afterAll(() => program?.remove());

playAll({
  world: "namespaces",
  can: namespaceCapabilities,
  create: async ({ needs }) =>
    namespaceWorld({
      hosts: await Hosts.create(trio),
      program: program?.file ?? "",
      slowable: needs.includes("slow"),
    }),
  leftOut: ["mangle"],
  test: namespaces.met ? test.concurrent : namespaces.test,
  atOnce: 3,
  skipReason: namespaces.met ? undefined : need,
});
