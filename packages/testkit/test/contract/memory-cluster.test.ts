import { describe, test } from "@jest/globals";
import { memoryCluster, virtualClock, type MemoryCluster } from "@foundation/core/testing";
import {
  broadcastContract,
  membershipContract,
  messengerContract,
  virtualTime,
  type ClusterContractSetup,
  type ClusterFixture,
} from "../../src/index.js";

interface MemoryFixture extends ClusterFixture {
  readonly cluster: MemoryCluster;
}

const clusterOf = (fixture: ClusterFixture): MemoryCluster => (fixture as MemoryFixture).cluster;

const setup: ClusterContractSetup = {
  create: ({ nodes }): MemoryFixture => {
    const clock = virtualClock();
    const cluster = memoryCluster({ clock, nodes, latencyMs: 2, detectionMs: 20 });
    return { cluster, nodes: cluster.nodes, time: virtualTime(clock), close: () => {} };
  },
  kill: (fixture, index) => clusterOf(fixture).down(index),
  leave: (fixture, index) => clusterOf(fixture).leave(index),
  drain: (fixture, index) => clusterOf(fixture).drain(index),
  add: (fixture) => clusterOf(fixture).add(),
  restart: (fixture, index) => clusterOf(fixture).restart(index),
  messageBytesMax: 1_048_576,
};

messengerContract({ describe, test }, setup);
membershipContract({ describe, test }, setup);
broadcastContract({ describe, test }, setup);
