/**
 * Naming: names given by hand, for processes that already run.
 *
 * A claim lives in the shard of the node where the process runs, so that it goes with that node; a
 * request to name a process of another node is carried there. A name is withdrawn when its process
 * ends.
 */
import { coreErrors, type InboundMessage, type NodeId, type Pid } from "@foundation/core";
import { registryErrors } from "../../errors.js";
import type { ClaimValue } from "../../protocol/name-resolution.js";
import { checkName } from "../../protocol/names.js";
import { parsePid } from "../calls/foundation-errors.js";
import { noProcess } from "../calls/local-calls.js";
import type { NameEntry } from "./name-store.js";
import type { Patience } from "../patience.js";
import type { Supervision, SupervisionParts } from "../supervision/supervision.js";
import { CHANNEL, isLocal, show, type Wiring } from "../wiring.js";

const REGISTER = "registry.register";
const UNREGISTER = "registry.unregister";

/** What is registered. */
export interface Registration {
  readonly name: string;
  readonly pid: Pid;
  readonly definition: string | undefined;
  readonly meta: unknown;
}

/** Names given by hand. */
export class Naming {
  readonly #wiring: Wiring;
  readonly #parts: Pick<SupervisionParts, "names" | "specs">;
  readonly #supervision: Supervision;
  /** Monitors of processes named by hand, by name. */
  readonly #monitors = new Map<string, () => void>();
  readonly #stops: (() => void)[];

  constructor(
    wiring: Wiring,
    parts: Pick<SupervisionParts, "names" | "specs">,
    supervision: Supervision,
  ) {
    this.#wiring = wiring;
    this.#parts = parts;
    this.#supervision = supervision;
    this.#stops = [
      wiring.messenger.handle(REGISTER, ({ payload }) => this.#onRegister(payload)),
      wiring.messenger.handle(UNREGISTER, (message) => this.#onUnregister(message)),
    ];
  }

  /** Gives a running process a name. @throws {ERR_NAME_TAKEN} @throws {ERR_NO_PROCESS} */
  async register(registration: Registration, patience: Patience): Promise<void> {
    const { name, pid } = registration;
    checkName(name, this.#wiring.limits.nameBytesMax);
    if (isLocal(pid, this.#wiring.self)) return this.#registerHere(registration);
    await this.#request(pid.node, REGISTER, registration, patience);
    const { definition, meta } = registration;
    this.#parts.names.hint({ name, pid, definition, meta, incarnation: 0, generation: 0 });
  }

  /** Takes a name given by hand away; false when nobody has it. */
  async unregister(name: string, patience: Patience): Promise<boolean> {
    const entry = this.#parts.names.locate(name);
    if (entry === undefined) return false;
    if (isLocal(entry.pid, this.#wiring.self)) return this.#unregisterHere(name);
    this.#parts.names.dropHint(name);
    return (await this.#request(entry.pid.node, UNREGISTER, name, patience)) === true;
  }

  /** A claim of this node lost: whoever runs under it here ends, unless its spec decides. */
  lost(name: string, own: ClaimValue): void {
    const { children } = this.#supervision;
    const child = children.get(name);
    if (child?.spec !== undefined) return this.#supervision.mark(name);
    const { logger, metrics, kernel, self } = this.#wiring;
    metrics.conflicts.add();
    logger.warn(`Another process holds the name ${show(name)}: this node's gives way`, { name });
    this.#forget(name);
    if (child !== undefined) {
      void children.end(name, { type: "name-conflict" });
      return;
    }
    this.#parts.names.withdraw(name, own.serial);
    const pid = { ...self, serial: own.serial };
    // A second name of a supervised child is not worth the child.
    if (children.byPid(pid) !== undefined) return;
    kernel.exit(pid, { type: "name-conflict" });
  }

  close(): void {
    for (const stop of this.#stops) stop();
    for (const stop of this.#monitors.values()) stop();
    this.#monitors.clear();
  }

  #registerHere({ name, pid, definition, meta }: Registration): void {
    const { names, specs } = this.#parts;
    const { kernel } = this.#wiring;
    const entry = names.locate(name);
    const own = names.ownClaim(name);
    if (own !== undefined && own.serial === pid.serial && entry?.pid.serial === pid.serial) {
      return names.claim(name, { ...own, meta });
    }
    const spec = specs.get(name);
    if (entry !== undefined) throw taken(name, entry);
    if (spec?.state === "running" || this.#supervision.children.get(name) !== undefined) {
      const { node, boot } = spec?.owner ?? this.#wiring.self;
      throw taken(name, { pid: { node, boot }, definition: spec?.definition });
    }
    const running = kernel.find(pid);
    if (running === undefined) throw noProcess(pid, "it has ended");
    this.#forget(name);
    const stop = kernel.monitor(pid, () => {
      this.#monitors.delete(name);
      names.withdraw(name, pid.serial);
    });
    this.#monitors.set(name, stop);
    names.claim(name, {
      serial: pid.serial,
      definition: definition ?? running.definition,
      incarnation: 0,
      generation: 0,
      meta,
    });
  }

  #unregisterHere(name: string): boolean {
    const own = this.#parts.names.ownClaim(name);
    if (own === undefined) return false;
    if (this.#supervision.children.get(name) !== undefined) {
      throw coreErrors.ERR_INVALID_ARGUMENT(
        `The process "${name}" was started under that name; use stop() to end it`,
        { argument: "name", expected: "a name given by register()", found: name },
      );
    }
    this.#forget(name);
    this.#parts.names.withdraw(name, own.serial);
    return true;
  }

  #forget(name: string): void {
    this.#monitors.get(name)?.();
    this.#monitors.delete(name);
  }

  #request(to: NodeId, subject: string, payload: unknown, patience: Patience): Promise<unknown> {
    return this.#wiring.messenger.request({ to, channel: CHANNEL, subject }, payload, {
      timeoutMs: patience.remainingMs(),
      signal: patience.callerSignal,
    });
  }

  #onRegister(payload: unknown): void {
    const { name, pid, definition, meta } = (payload ?? {}) as Partial<Registration>;
    const parsed = parsePid(pid);
    checkName(name, this.#wiring.limits.nameBytesMax);
    if (parsed === undefined || !isLocal(parsed, this.#wiring.self)) {
      throw noProcess(name, "the node was started anew since");
    }
    this.#registerHere({
      name,
      pid: parsed,
      definition: typeof definition === "string" ? definition : undefined,
      meta,
    });
  }

  #onUnregister({ payload }: InboundMessage): boolean {
    return typeof payload === "string" && this.#unregisterHere(payload);
  }
}

function taken(
  name: string,
  holder: {
    readonly pid: Omit<Pid, "serial"> & { readonly serial?: number };
    readonly definition: NameEntry["definition"];
  },
): Error {
  const { node, boot, serial } = holder.pid;
  return registryErrors.ERR_NAME_TAKEN(
    `The name "${name}" is taken by a process of node ${node}; choose another, or stop that one`,
    { name, holder: { node, boot, serial }, definition: holder.definition },
  );
}
