/**
 * NodeRegistration: keeps this node registered as an instance of the service while the strategy runs.
 *
 * It registers, renews the check at a third of its TTL, registers again when the agent has forgotten it (a restart, a
 * clean-up by hand), says when the node drains, and deregisters at the end. A failure is reported and tried again with
 * growing pauses, never later than the next renewal would be. Invariant: what is sent last is the deregistration.
 */
import { isFoundationError, type DiscoveryContext } from "@foundation/core";
import { discoveryErrors } from "../errors.js";
import { discoveryLimits } from "../limits.js";
import { isCheckUnknown } from "../protocol/consul/refusal.js";
import { scope } from "../protocol/consul/health-query.js";
import {
  checkId,
  instanceId,
  registrationBody,
  renewalBody,
  type Registration,
} from "../protocol/consul/service-registration.js";
import { reportAside } from "../strategies/aside.js";
import { retryMs } from "../strategies/keep-looking.js";
import type { ConsulApi, ConsulCall } from "./consul-api.js";
import type { ConsulSettings } from "./consul-settings.js";

/** Starts it; the function ends it, and resolves when the node is deregistered or that was given up. */
export function keepRegistered(
  api: ConsulApi,
  settings: ConsulSettings,
  context: DiscoveryContext,
): () => Promise<void> {
  const registration = new NodeRegistration(api, settings, context);
  const running = registration.run();
  return () => registration.end(running);
}

class NodeRegistration {
  readonly #api: ConsulApi;
  readonly #settings: ConsulSettings;
  readonly #context: DiscoveryContext;
  readonly #abort = new AbortController();
  /** Ends the pause before the next renewal: the node drains now. */
  #hurry = new AbortController();
  /** The agent has said that it knows us. */
  #isKnown = false;
  #wasSent = false;
  #hasToldDraining = false;

  constructor(api: ConsulApi, settings: ConsulSettings, context: DiscoveryContext) {
    this.#api = api;
    this.#settings = settings;
    this.#context = context;
  }

  async run(): Promise<void> {
    const { clock, draining, random } = this.#context;
    const { signal } = this.#abort;
    const jitter = random.fork("discovery.consul.renewal");
    const onDraining = (): void => this.#hurry.abort();
    draining.addEventListener("abort", onDraining, { once: true });
    for (let failures = 0; !signal.aborted; ) {
      failures = (await this.#step()) ? 0 : failures + 1;
      const renewMs = this.#settings.ttlMs / 3;
      const pauseMs = failures === 0 ? renewMs : Math.min(renewMs, retryMs(failures));
      await clock
        .sleep(pauseMs * (1 - jitter.next() / 8), { signal: this.#hurry.signal })
        .catch(() => undefined);
      this.#hurry = new AbortController();
      if (signal.aborted) this.#hurry.abort();
    }
    draining.removeEventListener("abort", onDraining);
  }

  /** Registers or renews once; false when that failed, which it has reported. */
  async #step(): Promise<boolean> {
    const registration = this.#registration();
    try {
      if (this.#isKnown && registration.draining === this.#hasToldDraining) {
        if (await this.#renew(registration)) return true;
      }
      await this.#register(registration);
      return true;
    } catch (error) {
      // The others are found all the same, or the look says that they are not.
      if (!this.#abort.signal.aborted) reportAside(this.#context, problemOf(error));
      return false;
    }
  }

  /** False when the agent has forgotten us. */
  async #renew(registration: Registration): Promise<boolean> {
    const call = this.#put(
      `/v1/agent/check/update/${encodeURIComponent(checkId(registration))}`,
      renewalBody(registration),
      `renew the check of "${registration.service}"`,
    );
    const answer = await this.#api.ask(call);
    if (answer.status === 200) return true;
    if (!isCheckUnknown(answer.status, answer.body)) throw await this.#api.problem(call, answer);
    this.#isKnown = false;
    this.#context.logger.info("The Consul agent had forgotten this node; it is registered again");
    return false;
  }

  async #register(registration: Registration): Promise<void> {
    this.#wasSent = true;
    await this.#api.askWell(
      this.#put(
        "/v1/agent/service/register",
        registrationBody(registration),
        `register this node as an instance of "${registration.service}"`,
      ),
    );
    this.#isKnown = true;
    this.#hasToldDraining = registration.draining;
    // A registration that replaces one keeps its check's old status.
    if (registration.draining) await this.#renew(registration);
  }

  async end(running: Promise<void>): Promise<void> {
    this.#abort.abort();
    this.#hurry.abort();
    await running;
    if (!this.#wasSent) return;
    const { clock, logger } = this.#context;
    // Nobody waits long for an agent that has never answered: the TTL takes the instance away if it is there at all.
    const limitMs = this.#isKnown
      ? discoveryLimits.withdrawMs
      : discoveryLimits.withdrawUnansweredMs;
    const abort = new AbortController();
    const timer = clock.setTimer(limitMs, () => abort.abort());
    const id = encodeURIComponent(instanceId(this.#registration()));
    const call = this.#put(`/v1/agent/service/deregister/${id}`, undefined, "deregister this node");
    try {
      const answer = await this.#api.ask({ ...call, signal: abort.signal });
      // 404: it was gone already.
      if (answer.status !== 200 && answer.status !== 404) {
        throw await this.#api.problem(call, answer);
      }
    } catch (error) {
      logger.warn("This node could not be deregistered; Consul forgets it by its TTL", {
        reason: error instanceof Error ? error.message : String(error),
      });
    } finally {
      timer.cancel();
    }
  }

  #registration(): Registration {
    const { cluster, self, draining } = this.#context;
    return {
      ...this.#settings,
      cluster,
      id: self.id,
      address: self.address,
      draining: draining.aborted,
    };
  }

  #put(path: string, body: string | undefined, what: string): ConsulCall {
    const { namespace, partition } = this.#settings;
    const query = scope({ datacenter: undefined, namespace, partition }).join("&");
    return {
      method: "PUT",
      path: query === "" ? path : `${path}?${query}`,
      ...(body !== undefined && { body }),
      what,
      access: "write",
      timeoutMs: discoveryLimits.lookTimeoutMs,
      signal: this.#abort.signal,
    };
  }
}

function problemOf(error: unknown) {
  if (isFoundationError(error)) return error;
  const reason = error instanceof Error ? error.message : String(error);
  return discoveryErrors.ERR_LOOKUP_FAILED(
    `This node could not be registered in Consul: ${reason}. It is tried again.`,
    { strategy: "consul", reason },
    error,
  );
}
