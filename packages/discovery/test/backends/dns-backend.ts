/** The setup of `dns` for the contract of strategies with a backend: A records of a server in this process. */
import { virtualClock } from "@foundation/core/testing";
import {
  socketTime,
  type DiscoveryBackend,
  type DiscoveryBackendSetup,
  type DiscoveryFailure,
} from "@foundation/testkit";
import { dns } from "../../src/strategies/dns.js";
import { fakeDns, type DnsFault } from "./fake-dns.js";

const NAME = "nodes.test";
const PORT = 4100;
const INTERVAL_MS = 1_000;

const FAULTS: Partial<Record<DiscoveryFailure, DnsFault>> = {
  error: "servfail",
  forbidden: "refused",
  "not-found": "nxdomain",
  empty: "empty",
  partial: "servfail-aaaa",
  malformed: "rubbish",
  hang: "silent",
};

async function create(): Promise<DiscoveryBackend> {
  const server = await fakeDns();
  const hosts = new Set<string>();
  const publish = (): void => {
    server.records = [...hosts].map((host) => ({ name: NAME, type: "A", ttl: 0, data: host }));
  };
  const hostOf = (address: string): string => new URL(address).hostname;
  const options = { query: `${NAME}.`, port: PORT, interval: INTERVAL_MS };
  return {
    strategy: dns({ ...options, servers: [server.server] }),
    time: socketTime(virtualClock()),
    add: (address) => {
      hosts.add(hostOf(address));
      publish();
    },
    remove: (address) => {
      hosts.delete(hostOf(address));
      publish();
    },
    fail: (kind) => {
      server.fault = FAULTS[kind];
      // One family fails, and the other knows only half of the nodes.
      if (kind === "partial") server.records = server.records.slice(0, 1);
    },
    recover: () => {
      server.fault = undefined;
      publish();
    },
    requests: () => server.asked.length,
    close: () => server.close(),
  };
}

/** Two questions a look, A and AAAA; a failed one is asked a second time by the resolver. */
export const dnsBackend: DiscoveryBackendSetup = {
  create,
  failures: Object.keys(FAULTS) as DiscoveryFailure[],
  pace: { requests: 2, perMs: INTERVAL_MS },
  retryMaxMs: 30_000,
  withinMs: 60_000,
};
