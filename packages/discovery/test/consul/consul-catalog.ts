/**
 * ConsulCatalog: what the servers of one fake datacentre know: instances, their checks, and the index of each service.
 *
 * As Consul's documentation has it: every change of a service raises its index; a check of the kind TTL that is not renewed
 * becomes critical; an instance that was critical for its `DeregisterCriticalServiceAfter` is removed; waiters wake when
 * their service's index is above theirs. Time is the clock's.
 */
import type { Clock, Timer } from "@foundation/core/ports";

export type CheckStatus = "passing" | "warning" | "critical";

export interface CatalogCheck {
  readonly id: string;
  status: CheckStatus;
  output: string;
  readonly ttlMs: number | undefined;
  readonly deregisterAfterMs: number | undefined;
}

export interface CatalogInstance {
  readonly id: string;
  readonly service: string;
  readonly tags: readonly string[];
  readonly address: string;
  readonly port: number;
  readonly meta: Readonly<Record<string, string>>;
  readonly checks: Map<string, CatalogCheck>;
}

interface Waiter {
  /** Ends the wait when its service has changed. */
  wake(): void;
}

export class ConsulCatalog {
  readonly instances = new Map<string, CatalogInstance>();
  readonly #clock: Clock;
  readonly #indexes = new Map<string, number>();
  readonly #timers = new Map<string, Timer>();
  readonly #waiters = new Set<Waiter>();
  #index: number;

  constructor(clock: Clock, index = 100) {
    this.#clock = clock;
    this.#index = index;
  }

  indexOf(service: string): number {
    return this.#indexes.get(service) ?? 1;
  }

  of(service: string): readonly CatalogInstance[] {
    return [...this.instances.values()].filter((each) => each.service === service);
  }

  /** The checks of an instance that is replaced keep their status, as an agent has it. */
  register(instance: CatalogInstance): void {
    const before = this.instances.get(instance.id);
    for (const check of instance.checks.values()) {
      const old = before?.checks.get(check.id);
      if (old !== undefined) check.status = old.status;
    }
    this.instances.set(instance.id, instance);
    for (const check of instance.checks.values()) this.#watch(instance, check);
    this.#changed(instance.service);
  }

  /** False when there is none. */
  deregister(id: string): boolean {
    const instance = this.instances.get(id);
    if (instance === undefined) return false;
    for (const check of instance.checks.keys()) this.#unwatch(check);
    this.instances.delete(id);
    this.#changed(instance.service);
    return true;
  }

  find(
    checkId: string,
  ): { readonly instance: CatalogInstance; readonly check: CatalogCheck } | undefined {
    for (const instance of this.instances.values()) {
      const check = instance.checks.get(checkId);
      if (check !== undefined) return { instance, check };
    }
    return undefined;
  }

  /** Renews a check; an update that changes nothing raises no index. */
  update(checkId: string, status: CheckStatus, output: string): boolean {
    const found = this.find(checkId);
    if (found === undefined) return false;
    const { instance, check } = found;
    const isChange = check.status !== status || check.output !== output;
    check.status = status;
    check.output = output;
    this.#watch(instance, check);
    if (isChange) this.#changed(instance.service);
    return true;
  }

  /** Maintenance is a critical check of its own. */
  maintain(id: string, enable: boolean): boolean {
    const instance = this.instances.get(id);
    if (instance === undefined) return false;
    const checkId = `_service_maintenance:${id}`;
    const none = { ttlMs: undefined, deregisterAfterMs: undefined };
    if (enable) {
      instance.checks.set(checkId, { id: checkId, status: "critical", output: "", ...none });
    } else instance.checks.delete(checkId);
    this.#changed(instance.service);
    return true;
  }

  /** Resolves when the service's index is above this one, or `gone` fires, or the time is over. */
  wait(service: string, index: number, waitMs: number, gone: AbortSignal): Promise<void> {
    if (this.indexOf(service) > index || gone.aborted) return Promise.resolve();
    return new Promise((resolve) => {
      const done = (): void => {
        timer.cancel();
        gone.removeEventListener("abort", done);
        this.#waiters.delete(waiter);
        resolve();
      };
      const wake = (): void => {
        if (this.indexOf(service) > index) done();
      };
      const waiter: Waiter = { wake };
      const timer = this.#clock.setTimer(waitMs, done);
      gone.addEventListener("abort", done, { once: true });
      this.#waiters.add(waiter);
    });
  }

  /** As after a restore from a snapshot: the same instances, lower indexes. */
  restore(index: number): void {
    this.#index = index;
    for (const service of this.#indexes.keys()) this.#indexes.set(service, index);
  }

  /** As an agent without its data after a restart. */
  clear(): void {
    for (const id of [...this.instances.keys()]) this.deregister(id);
  }

  close(): void {
    for (const timer of this.#timers.values()) timer.cancel();
  }

  #changed(service: string): void {
    this.#index += 1;
    this.#indexes.set(service, this.#index);
    for (const waiter of [...this.#waiters]) waiter.wake();
  }

  #watch(instance: CatalogInstance, check: CatalogCheck): void {
    this.#unwatch(check.id);
    const { ttlMs, deregisterAfterMs } = check;
    if (check.status === "critical") {
      if (deregisterAfterMs === undefined) return;
      const reap = (): void => void this.deregister(instance.id);
      this.#timers.set(check.id, this.#clock.setTimer(deregisterAfterMs, reap));
    } else if (ttlMs !== undefined) {
      const expire = (): void => void this.update(check.id, "critical", "TTL expired");
      this.#timers.set(check.id, this.#clock.setTimer(ttlMs, expire));
    }
  }

  #unwatch(checkId: string): void {
    this.#timers.get(checkId)?.cancel();
    this.#timers.delete(checkId);
  }
}
