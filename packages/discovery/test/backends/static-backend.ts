/** The setup of `static` for the contract of strategies with a backend: a name in the list with many addresses. */
import { virtualClock } from "@foundation/core/testing";
import {
  virtualTime,
  type DiscoveryBackend,
  type DiscoveryBackendSetup,
  type DiscoveryFailure,
} from "@foundation/testkit";
import { staticList } from "../../src/strategies/static-list.js";

const INTERVAL_MS = 1_000;
const CODES: Partial<Record<DiscoveryFailure, string>> = {
  error: "EAI_AGAIN",
  "not-found": "ENOTFOUND",
};

/** The suite's own node: it is among the addresses of every name, and does not count. */
const OWN = "127.0.0.1";
const PORT = 7000;

function create(): DiscoveryBackend {
  const hosts = new Set<string>();
  let failure: DiscoveryFailure | undefined;
  let requests = 0;
  const lookup = async (host: string): Promise<readonly string[]> => {
    requests += 1;
    const code = failure === undefined ? undefined : CODES[failure];
    if (failure === "hang") return new Promise<never>(() => {});
    // Of two names one is not answered, and the other knows only some.
    if (code !== undefined || (failure === "partial" && host === "b.test")) {
      throw Object.assign(new Error(host), { code: code ?? "EAI_AGAIN" });
    }
    if (failure === "empty") return [];
    return [OWN, ...(failure === "partial" ? [...hosts].slice(0, 1) : hosts)];
  };
  return {
    strategy: staticList({
      addresses: [`a.test:${PORT}`, `b.test:${PORT}`],
      interval: INTERVAL_MS,
      lookup,
    }),
    time: virtualTime(virtualClock()),
    add: (address) => void hosts.add(new URL(address).hostname),
    remove: (address) => void hosts.delete(new URL(address).hostname),
    fail: (kind) => {
      failure = kind;
    },
    recover: () => {
      failure = undefined;
    },
    requests: () => requests,
    close: () => {},
  };
}

/** Two names, so two look-ups at a time. */
export const staticBackend: DiscoveryBackendSetup = {
  create,
  addresses: [`ws://10.77.0.1:${PORT}`, `ws://10.77.0.2:${PORT}`, `ws://10.77.0.3:${PORT}`],
  failures: ["error", "not-found", "empty", "partial", "hang"],
  pace: { requests: 2, perMs: INTERVAL_MS },
  retryMaxMs: 30_000,
  withinMs: 60_000,
};
