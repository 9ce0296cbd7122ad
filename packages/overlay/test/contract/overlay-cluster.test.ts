import { describe, test } from "@jest/globals";
import {
  broadcastContract,
  membershipContract,
  messengerContract,
  type ClusterContractSetup,
  type ClusterFixture,
} from "@foundation/testkit";
import type { TopologyMode } from "../../src/index.js";
import { FLOW } from "../../src/limits.js";
import { OverlayCluster } from "../support/overlay-cluster.js";

const clusterOf = (fixture: ClusterFixture): OverlayCluster => fixture as OverlayCluster;

const setupOf = (topology: TopologyMode): ClusterContractSetup => ({
  create: ({ nodes }) => OverlayCluster.of(nodes, { topology }),
  kill: (fixture, index) => clusterOf(fixture).kill(index),
  leave: (fixture, index) => clusterOf(fixture).leave(index),
  drain: (fixture, index) => clusterOf(fixture).nodes[index]?.drain(),
  add: (fixture) => clusterOf(fixture).add(),
  restart: (fixture, index) => clusterOf(fixture).restart(index),
  messageBytesMax: FLOW.messageBytesMax,
});

describe.each(["auto", "hyparview", "client-server"] as const)("%s", (topology) => {
  const setup = setupOf(topology);
  messengerContract({ describe, test }, setup);
  membershipContract({ describe, test }, setup);
  broadcastContract({ describe, test }, setup);
});
