/** Every scenario with a process and a network namespace for each node. */
import { test } from "@jest/globals";
import { requires } from "@foundation-tooling/jest";
import { Hosts, canMakeHosts } from "../../namespaces/hosts.js";
import { namespaceCapabilities, namespaceWorld } from "../../namespace-world.js";
import { playAll } from "../../play-all.js";
import { trio } from "../../scenarios/scenario.js";

const need = "network namespaces, nft and tc";
const namespaces = await requires(need, canMakeHosts);

playAll({
  world: "namespaces",
  can: namespaceCapabilities,
  create: async ({ needs }) =>
    namespaceWorld({ hosts: await Hosts.create(trio), slowable: needs.includes("slow") }),
  leftOut: ["mangle"],
  test: namespaces.met ? test.concurrent : namespaces.test,
  atOnce: 2,
  skipReason: namespaces.met ? undefined : need,
});
