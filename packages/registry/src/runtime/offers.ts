/**
 * Offers: what the nodes of a cluster offer each other beside names: groups of processes, services, and the balancing of
 * requests to them. Opened and closed together, because they share one store.
 */
import type {
  Broadcast,
  Member,
  Membership,
  Messenger,
  Meter,
  NodeLoad,
  Pid,
  Runtime,
} from "@foundation/core";
import {
  createOwnedStore,
  createReplicatedMap,
  type OwnedStore,
  type ReplicatedMap,
} from "@foundation/crdt";
import type { BalancingRules } from "../limits.js";
import { checkRules } from "./balancing/route-options.js";
import type { LoadBalancer } from "./balancing/load-balancer.js";
import { ServiceBalancer } from "./balancing/service-balancer.js";
import type { Calls } from "./calls/calls.js";
import type { Identities } from "./groups/group-store.js";
import type { Groups } from "./groups/groups.js";
import { ProcessGroups } from "./groups/process-groups.js";
import { ServiceDirectory } from "./services/service-directory.js";
import type { Services } from "./services/services.js";
import type { Wiring } from "./wiring.js";

/** The ports under the stores. */
export interface OfferPorts {
  readonly messenger: Messenger;
  readonly membership: Membership;
  readonly broadcast: Broadcast;
  readonly runtime: Pick<Runtime, "clock" | "random" | "logger"> & { readonly meter: Meter };
}

/** What the offers need of the registry. */
export interface OfferParts {
  readonly calls: Calls;
  readonly identities: Identities;
  /** The distributed child that a process of this node is, by its pid; undefined when it is none. */
  identityOf(pid: Pid): string | undefined;
  /** How busy a member said it is. */
  loadOf(member: Member): NodeLoad | undefined;
  /** Numbers of balancing. @default defaultBalancing */
  readonly balancing: Partial<BalancingRules> | undefined;
}

export class Offers {
  readonly groups: Groups;
  readonly services: Services;
  readonly loadBalancer: LoadBalancer;
  readonly #stores: readonly [OwnedStore<unknown>, ReplicatedMap<unknown>];
  readonly #parts: readonly { close(): void }[];

  constructor(wiring: Wiring, ports: OfferPorts, parts: OfferParts) {
    const { balancing, ...rest } = parts;
    const rules = checkRules(balancing);
    const processes = createOwnedStore<unknown>({ ...ports, name: "registry.offers" });
    const identities = createReplicatedMap<unknown>({ ...ports, name: "registry.members" });
    this.#stores = [processes, identities];
    const groups = new ProcessGroups(wiring, { ...rest, stores: { processes, identities } });
    const services = new ServiceDirectory(wiring, processes, (member) => parts.loadOf(member));
    const balancer = new ServiceBalancer(wiring, ports.runtime.meter, services, rules);
    this.groups = groups;
    this.services = services;
    this.loadBalancer = balancer;
    this.#parts = [balancer, services, groups];
  }

  async close(): Promise<void> {
    for (const part of this.#parts) part.close();
    for (const store of this.#stores) await store.close();
  }
}
