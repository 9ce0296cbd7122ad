/**
 * ServiceDirectory: the instances of all services in the cluster, those of this node among them.
 *
 * Records live in an owner-sharded store, so a node's instances vanish with it and return with it. What stands there is
 * checked once, when it comes.
 * Limits: `servicesMax` of this node; `watchBuffer`.
 */
import {
  checkOptionalText,
  checkOptions,
  invalidArgument,
  boundedStream,
  coreErrors,
  type BoundedStream,
  type InboundMessage,
  type Member,
  type NodeLoad,
} from "@foundation/core";
import type { OwnedChange, OwnedStore } from "@foundation/crdt";
import { checkName } from "../../protocol/names.js";
import { misfitOf, type ServiceConstraints } from "../../protocol/services/fitness.js";
import {
  instanceId,
  parseRecord,
  parseRecordKey,
  recordKey,
  type ServiceInstance,
} from "../../protocol/services/record.js";
import { Patience } from "../patience.js";
import { Sight } from "../sight.js";
import { timeoutOf, type OperationOptions } from "../supervision/start-options.js";
import type { Wiring } from "../wiring.js";
import { checkConstraints } from "./constraint-checks.js";
import { gone, OfferedService } from "./offered-service.js";
import type {
  ServiceEvent,
  ServiceFilter,
  ServiceHandle,
  ServiceOptions,
  Services,
} from "./services.js";

/** The subject of requests to services. */
export const REQUEST = "services.request";

const PREFIX = "s:";
const HEALTH: readonly unknown[] = ["starting", "healthy", "unhealthy", "any"];

interface Watcher {
  readonly name: string | undefined;
  readonly stream: BoundedStream<ServiceEvent>;
}

export class ServiceDirectory implements Services {
  readonly #wiring: Wiring;
  readonly #store: OwnedStore<unknown>;
  readonly #services = new Map<string, Map<string, ServiceInstance>>();
  readonly #loadOf: (member: Member) => NodeLoad | undefined;
  readonly #offered = new Map<number, OfferedService>();
  readonly #watchers = new Set<Watcher>();
  readonly #listeners = new Set<(event: ServiceEvent) => void>();
  readonly #sight = new Sight();
  readonly #stops: (() => void)[];
  #serial = 0;
  #closed = false;

  /** `store` may hold others' entries too: those of services begin with a sign of their own. */
  constructor(
    wiring: Wiring,
    store: OwnedStore<unknown>,
    loadOf: (member: Member) => NodeLoad | undefined,
  ) {
    this.#wiring = wiring;
    this.#store = store;
    this.#loadOf = loadOf;
    this.#stops = [
      store.subscribe((change) => this.#onChange(change)),
      wiring.messenger.handle(REQUEST, (message) => this.#onRequest(message)),
    ];
  }

  register(name: string, options: ServiceOptions): ServiceHandle {
    this.#assertOpen();
    checkName(name, this.#wiring.limits.nameBytesMax);
    const { servicesMax } = this.#wiring.limits;
    if (this.#offered.size >= servicesMax) {
      throw coreErrors.ERR_QUEUE_FULL(
        `This node offers ${servicesMax} instances of services already (limits.servicesMax)`,
        { queue: "services", limit: servicesMax, unit: "messages" },
      );
    }
    const serial = this.#serial++;
    const key = PREFIX + recordKey(serial, name);
    const offered = new OfferedService(this.#wiring, name, serial, options, {
      changed: (record) => this.#store.set(key, record),
      ended: () => {
        this.#offered.delete(serial);
        if (!this.#closed) this.#store.delete(key);
      },
    });
    this.#offered.set(serial, offered);
    return offered;
  }

  async discover(
    filter: ServiceFilter = {},
    options: OperationOptions & { readonly atLeast?: number | undefined } = {},
  ): Promise<readonly ServiceInstance[]> {
    this.#assertOpen();
    checkDiscover(filter, options);
    const timeoutMs = timeoutOf(options, this.#wiring.limits);
    const { atLeast = 0 } = options;
    let found = this.find(filter);
    if (found.length >= atLeast) return found;
    const patience = new Patience(this.#wiring.clock, timeoutMs, options.signal);
    try {
      const isEnough = (): boolean => (found = this.find(filter)).length >= atLeast;
      if (await this.#sight.until(isEnough, patience.signal)) return found;
      this.#assertOpen();
      throw tooFew(found.length, atLeast, patience.expired ? timeoutMs : undefined);
    } finally {
      patience.end();
    }
  }

  names(): readonly string[] {
    return [...this.#services.keys()].sort();
  }

  watch(
    options: { readonly name?: string | undefined; readonly signal?: AbortSignal | undefined } = {},
  ): AsyncIterableIterator<ServiceEvent> {
    this.#assertOpen();
    checkOptions("services.watch", options, ["name", "signal"]);
    checkOptionalText("services.watch", "name", options.name);
    const stream = boundedStream<ServiceEvent>({
      name: "services.watch",
      buffer: this.#wiring.limits.watchBuffer,
      overflow: "drop-oldest",
      signal: options.signal,
      onEnd: () => this.#watchers.delete(watcher),
    });
    const watcher: Watcher = { name: options.name, stream };
    if (stream.ended) return stream.iterator;
    for (const instance of this.find({ name: options.name, health: "any" })) {
      stream.push({ type: "registered", instance });
    }
    this.#watchers.add(watcher);
    return stream.iterator;
  }

  /** Every instance of a service. */
  instances(service: string): Iterable<ServiceInstance> {
    return this.#services.get(service)?.values() ?? [];
  }

  /** Instances that fit, ordered by id. */
  find({ name, health = "healthy", ...wanted }: ServiceFilter): readonly ServiceInstance[] {
    const found: ServiceInstance[] = [];
    const names = name === undefined ? this.#services.keys() : [name];
    for (const service of names) {
      for (const instance of this.instances(service)) {
        if (health !== "any" && instance.health !== health) continue;
        if (this.misfitOf(instance, wanted) === undefined) found.push(instance);
      }
    }
    return found.sort((a, b) => (a.id < b.id ? -1 : 1));
  }

  /** Why an instance is not what somebody asks for, by what is known of its node now. */
  misfitOf(instance: ServiceInstance, wanted: ServiceConstraints): string | undefined {
    const member = this.#wiring.membership.member(instance.node);
    const load = member && this.#loadOf(member);
    return misfitOf(instance, member, load, wanted);
  }

  /** Calls the listener with each later change. */
  subscribe(listener: (event: ServiceEvent) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  close(): void {
    this.#closed = true;
    for (const stop of this.#stops) stop();
    for (const offered of this.#offered.values()) offered.drop();
    this.#offered.clear();
    for (const { stream } of [...this.#watchers]) stream.end();
    this.#sight.close();
  }

  async #onRequest(message: InboundMessage): Promise<unknown> {
    const fields = Array.isArray(message.payload) ? (message.payload as readonly unknown[]) : [];
    const [boot, serial, service, request] = fields;
    const offered = typeof serial === "number" ? this.#offered.get(serial) : undefined;
    const isMeant = boot === this.#wiring.self.boot && offered?.service === service;
    if (offered === undefined || !isMeant) return gone(String(service).slice(0, 64));
    return offered.serve(request, message);
  }

  #onChange(change: OwnedChange<unknown>): void {
    if (!change.key.startsWith(PREFIX)) return;
    const parsed = parseRecordKey(change.key.slice(PREFIX.length));
    if (parsed === undefined) return;
    const { service, serial } = parsed;
    const { owner: node, boot } = change;
    const id = instanceId(node, boot, serial);
    const previous = this.#services.get(service)?.get(id);
    const record = change.type === "removed" ? undefined : parseRecord(change.value);
    if (record === undefined) {
      if (previous !== undefined) this.#remove(previous);
      return;
    }
    const instance: ServiceInstance = { ...record, id, service, node, boot, serial };
    const instances = this.#services.get(service) ?? new Map<string, ServiceInstance>();
    this.#services.set(service, instances.set(id, instance));
    if (previous === undefined) this.#tell({ type: "registered", instance });
    else this.#tell({ type: "updated", instance, previous });
  }

  #remove(instance: ServiceInstance): void {
    const instances = this.#services.get(instance.service);
    instances?.delete(instance.id);
    if (instances?.size === 0) this.#services.delete(instance.service);
    this.#tell({ type: "deregistered", instance });
  }

  #tell(event: ServiceEvent): void {
    for (const listener of [...this.#listeners]) listener(event);
    this.#sight.changed();
    for (const { name, stream } of this.#watchers) {
      if (name === undefined || name === event.instance.service) stream.push(event);
    }
  }

  #assertOpen(): void {
    if (!this.#closed) return;
    throw coreErrors.ERR_CLOSED("The registry is closed: its services take no more", {
      what: "services",
    });
  }
}

/** @throws {ERR_INVALID_ARGUMENT} */
function checkDiscover(filter: ServiceFilter, options: { readonly atLeast?: number | undefined }) {
  const operation = "services.discover";
  checkConstraints(operation, filter, ["name", "health"]);
  checkOptionalText(operation, "name", filter.name);
  const { health } = filter;
  if (health !== undefined && !HEALTH.includes(health)) {
    throw invalidArgument(operation, "health", `one of ${HEALTH.join(", ")}`, health);
  }
  checkOptions(operation, options, ["atLeast", "timeout", "signal"]);
  const { atLeast = 0 } = options;
  if (Number.isSafeInteger(atLeast) && atLeast >= 0) return;
  throw invalidArgument(operation, "atLeast", "an integer of at least 0", atLeast);
}

function tooFew(found: number, wanted: number, timeoutMs: number | undefined): Error {
  const text = `${found} instances fit, and at least ${wanted} are wanted`;
  if (timeoutMs === undefined) {
    return coreErrors.ERR_ABORTED(`${text}; the caller gave up`, { target: "services.discover" });
  }
  return coreErrors.ERR_TIMEOUT(`${text}; no more came within ${timeoutMs} ms`, {
    timeoutMs,
    target: "services.discover",
  });
}
