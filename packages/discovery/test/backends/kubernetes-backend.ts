/** `kubernetes` and its backend for the contract: a service of three pods in a fake API server, in virtual time. */
import { virtualClock } from "@foundation/core/testing";
import {
  virtualTime,
  type DiscoveryBackendSetup,
  type DiscoveryFailure,
} from "@foundation/testkit";
import { kubernetesLimits } from "../../src/protocol/kubernetes/limits.js";
import { FakeKubernetes, type FakeOutage } from "../kubernetes/fake-kubernetes.js";
import { endpointSlice, type FakePod } from "../kubernetes/fake-objects.js";
import { kubernetesInMemory } from "../kubernetes/in-memory.js";

const SERVICE = "contract";

/** The service's slices: one for each pod, so that a list has several pages. */
export class FakeService {
  readonly #fake: FakeKubernetes;

  constructor(fake: FakeKubernetes) {
    this.#fake = fake;
  }

  add(address: string): void {
    this.#fake.put(sliceOf(address));
  }

  remove(address: string): void {
    this.#fake.store.delete(sliceOf(address));
  }

  fail(kind: DiscoveryFailure): void {
    // Who watches has to list again, and gets the bad list; the old version is that of the first pod alone.
    const outage = OUTAGES[kind];
    this.#fake.fail(outage);
  }

  recover(): void {
    this.#fake.fail(undefined);
  }
}

/** Stale: the service as it was when it was made, from a server that lags behind. */
const OUTAGES: Readonly<Record<DiscoveryFailure, FakeOutage>> = {
  error: { type: "status", code: 503 },
  forbidden: { type: "status", code: 403 },
  "not-found": { type: "status", code: 404 },
  empty: { type: "empty" },
  partial: { type: "partial" },
  stale: { type: "stale", version: 1_001 },
  malformed: { type: "text", text: "<html>Sign in to the proxy</html>" },
  hang: { type: "hang" },
};

function sliceOf(address: string) {
  const { hostname, port } = new URL(address);
  const pod: FakePod = { name: `pod-${hostname}-${port}`, ips: [hostname] };
  const name = `${SERVICE}-${hostname}-${port}`;
  return endpointSlice({ service: SERVICE, name, ports: { foundation: Number(port) } }, [pod]);
}

export const kubernetesBackend: DiscoveryBackendSetup = {
  create: () => {
    const clock = virtualClock();
    const fake = new FakeKubernetes({ clock });
    const service = new FakeService(fake);
    return {
      strategy: kubernetesInMemory(fake),
      time: virtualTime(clock),
      add: (address) => service.add(address),
      remove: (address) => service.remove(address),
      fail: (kind) => service.fail(kind),
      recover: () => service.recover(),
      requests: () => fake.requests.length,
      close: () => fake.cut(),
    };
  },
  failures: Object.keys(OUTAGES) as DiscoveryFailure[],
  // A watch is opened anew every few minutes, by its own wish.
  pace: { requests: 1, perMs: 60_000 },
  retryMaxMs: kubernetesLimits.pauseMaxMs,
  withinMs: 2 * kubernetesLimits.requestMs + kubernetesLimits.pauseMaxMs,
};
