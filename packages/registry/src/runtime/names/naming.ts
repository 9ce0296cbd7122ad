/**
 * Naming: names given by hand, for processes that already run.
 *
 * A claim lives in the shard of the node where the process runs, so that it goes with that node; a
 * request to name a process of another node is carried there. A name is withdrawn when its process
 * ends.
 */
import { coreErrors, type InboundMessage, type NodeId, type Pid } from "@foundation/core";
import { registryErrors } from "../../errors.js";
import { sameOwner } from "../../protocol/child-spec.js";
import type { ClaimValue } from "../../protocol/name-resolution.js";
import { checkName } from "../../protocol/names.js";
import { parseDuplicateKey } from "../../protocol/name-value.js";
import { parsePid } from "../calls/foundation-errors.js";
import { noProcess } from "../calls/local-calls.js";
import type { Alias } from "../migration/aliases.js";
import type { Patience } from "../patience.js";
import type { Supervision, SupervisionParts } from "../supervision/supervision.js";
import { CHANNEL, isLocal, show, type Wiring } from "../wiring.js";
import type { Claims } from "./claims.js";
import { DuplicateNames } from "./duplicate-names.js";
import { HeldKeys } from "./held-keys.js";
import type { NameEntry } from "./name-store.js";

const REGISTER = "registry.register";
const UNREGISTER = "registry.unregister";

/** What is registered. */
export interface Registration {
  readonly name: string;
  readonly pid: Pid;
  readonly definition: string | undefined;
  readonly meta: unknown;
  /** Beside others under the same name. */
  readonly duplicate: boolean;
  /** Waits until every member knows it. */
  readonly visible: boolean;
}

/** What is unregistered: a name, or one process of a duplicate name, or all of a node that have it. */
interface Removal {
  readonly name: string;
  readonly duplicate: boolean;
  readonly serial: number | undefined;
}

/** Names given by hand. */
export class Naming {
  readonly #wiring: Wiring;
  readonly #parts: Pick<SupervisionParts, "names" | "specs">;
  readonly #supervision: Supervision;
  readonly #visible: (signal: AbortSignal) => Promise<void>;
  /** What processes are named by hand, in either way. */
  readonly #held: HeldKeys;
  readonly #duplicates: DuplicateNames;
  readonly #stops: (() => void)[];

  /** `visible` resolves when every member knows what this node has claimed. */
  constructor(
    wiring: Wiring,
    parts: Pick<SupervisionParts, "names" | "specs">,
    supervision: Supervision,
    claims: Claims,
    visible: (signal: AbortSignal) => Promise<void>,
  ) {
    this.#wiring = wiring;
    this.#parts = parts;
    this.#supervision = supervision;
    this.#visible = visible;
    this.#held = new HeldKeys(wiring, (key, serial) => {
      if (parseDuplicateKey(key) === undefined) parts.names.withdraw(key, serial);
      else claims.store.delete(key);
    });
    this.#duplicates = new DuplicateNames(claims, wiring.self.node, this.#held);
    this.#stops = [
      wiring.messenger.handle(REGISTER, (message) => this.#onRegister(message)),
      wiring.messenger.handle(UNREGISTER, (message) => this.#onUnregister(message)),
    ];
  }

  /** Who has a duplicate name. */
  all(name: string): readonly NameEntry[] {
    return this.#duplicates.all(name);
  }

  /** Gives a running process a name. @throws {ERR_NAME_TAKEN} @throws {ERR_NO_PROCESS} */
  async register(registration: Registration, patience: Patience): Promise<void> {
    const { name, pid } = registration;
    if (isLocal(pid, this.#wiring.self)) {
      this.registerHere(registration);
      return registration.visible ? this.#visible(patience.signal) : undefined;
    }
    checkName(name, this.#wiring.limits.nameBytesMax);
    await this.#request(pid.node, REGISTER, registration, patience);
    const { definition, meta } = registration;
    if (registration.duplicate) return;
    this.#parts.names.hint({ name, pid, definition, meta, incarnation: 0, generation: 0 });
  }

  /** The same for a process of this node, which takes no time. */
  registerHere(registration: Registration): void {
    const { name, pid, definition, meta, duplicate } = registration;
    const { names } = this.#parts;
    checkName(name, this.#wiring.limits.nameBytesMax);
    if (duplicate) return this.#addHere(registration);
    const entry = names.locate(name);
    const isSame = entry?.pid.serial === pid.serial && isLocal(entry.pid, this.#wiring.self);
    const own = isSame ? names.ownClaim(name) : undefined;
    if (own?.serial === pid.serial) return names.claim(name, { ...own, meta });
    this.#refuseTaken(name, entry);
    const running = this.#runningAt(pid);
    names.claim(name, {
      serial: pid.serial,
      definition: definition ?? running.definition,
      incarnation: 0,
      generation: 0,
      meta,
    });
    this.#held.add(name, pid.serial);
  }

  /** Changes what is kept beside a name of a process of this node. @throws {ERR_NOT_HOLDER} */
  update(name: string, meta: unknown): void {
    const { names } = this.#parts;
    const entry = names.locate(name);
    const own = names.ownClaim(name);
    const isHere = entry !== undefined && isLocal(entry.pid, this.#wiring.self);
    if (!isHere || own === undefined) throw notHolder(name, entry);
    names.claim(name, { ...own, meta });
  }

  /** Takes a name given by hand away; false when nobody has it. */
  async unregister(name: string, patience: Patience): Promise<boolean> {
    const entry = this.#parts.names.locate(name);
    if (entry === undefined) return false;
    if (isLocal(entry.pid, this.#wiring.self)) return this.#unregisterHere(name);
    this.#parts.names.dropHint(name);
    return this.#remove(entry.pid.node, { name, duplicate: false, serial: undefined }, patience);
  }

  /** Takes a duplicate name from a process, or from all of this node that have it. */
  async removeDuplicate(name: string, pid: Pid | undefined, patience: Patience): Promise<boolean> {
    const { self } = this.#wiring;
    if (pid === undefined || isLocal(pid, self)) return this.#duplicates.remove(name, pid?.serial);
    return this.#remove(pid.node, { name, duplicate: true, serial: pid.serial }, patience);
  }

  aliasesOf({ serial }: Pid): readonly Alias[] {
    const aliases: Alias[] = [];
    for (const key of this.#held.of(serial)) {
      const name = parseDuplicateKey(key)?.name;
      const own = name === undefined ? this.#parts.names.ownClaim(key) : undefined;
      if (name !== undefined) {
        const { meta } = this.#duplicates.own(key) ?? {};
        aliases.push({ name, duplicate: true, meta, generation: 0 });
      } else if (own?.serial === serial) {
        const { meta, generation } = own;
        aliases.push({ name: key, duplicate: false, meta, generation });
      }
    }
    return aliases;
  }

  /** The names of a process that moves away. The unique ones stay claimed here until they are withdrawn. */
  takeAliases(pid: Pid): readonly Alias[] {
    const taken = this.aliasesOf(pid);
    for (const { name, duplicate } of taken) {
      if (duplicate) this.#duplicates.remove(name, pid.serial);
      else this.#held.remove(name, pid.serial);
    }
    return taken;
  }

  /** The names of a process that has moved here. Who has been given one of them meanwhile keeps it. */
  adoptAliases(aliases: readonly Alias[], pid: Pid, from: Pid): void {
    const definition = this.#runningAt(pid).definition;
    for (const { name, duplicate, meta, generation } of aliases) {
      if (duplicate) {
        this.#duplicates.add(name, pid.serial, definition, meta);
        continue;
      }
      if (!this.#mayAdopt(name, generation, from)) continue;
      this.#parts.names.claim(name, {
        ...{ serial: pid.serial, definition, incarnation: 0, generation: generation + 1, meta },
      });
      this.#held.add(name, pid.serial);
    }
  }

  /** A claim of this node lost: whoever runs under it here ends, unless its spec decides. */
  lost(name: string, own: ClaimValue): void {
    const { children } = this.#supervision;
    const child = children.get(name);
    if (child?.spec !== undefined) return this.#supervision.mark(name);
    if (this.#supervision.moves?.isLingering(name, own.serial)) return;
    const { logger, metrics, kernel, self } = this.#wiring;
    metrics.conflicts.add();
    logger.warn(`Another process holds the name ${show(name)}: this node's gives way`, { name });
    this.#held.remove(name, own.serial);
    if (child !== undefined) {
      void this.#supervision.loseName(name);
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
    this.#duplicates.close();
    this.#held.close();
  }

  /**
   * Whether the name of a process that has moved here still is its own. What is known here may be the claim of a node that
   * it left before: the one that it has just left wrote a later one, which outranks it.
   */
  #mayAdopt(name: string, generation: number, from: Pid): boolean {
    const held = this.#parts.names.located(name);
    if (held === undefined) return true;
    if (sameOwner(held.pid, from) && held.pid.serial === from.serial) return true;
    return held.incarnation === 0 && held.generation < generation;
  }

  #addHere({ name, pid, definition, meta }: Registration): void {
    const running = this.#runningAt(pid);
    this.#duplicates.add(name, pid.serial, definition ?? running.definition, meta);
  }

  #refuseTaken(name: string, entry: NameEntry | undefined): void {
    if (entry !== undefined) throw taken(name, entry);
    const spec = this.#parts.specs.get(name);
    if (spec?.state !== "running" && this.#supervision.children.get(name) === undefined) return;
    const { node, boot } = spec?.owner ?? this.#wiring.self;
    throw taken(name, { pid: { node, boot }, definition: spec?.definition });
  }

  #runningAt(pid: Pid): { readonly definition: string } {
    const running = this.#wiring.kernel.find(pid);
    if (running === undefined) throw noProcess(pid, "it has ended");
    return running;
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
    this.#held.remove(name, own.serial);
    this.#parts.names.withdraw(name, own.serial);
    return true;
  }

  async #remove(to: NodeId, removal: Removal, patience: Patience): Promise<boolean> {
    return (await this.#request(to, UNREGISTER, removal, patience)) === true;
  }

  #request(to: NodeId, subject: string, payload: unknown, patience: Patience): Promise<unknown> {
    return this.#wiring.messenger.request({ to, channel: CHANNEL, subject }, payload, {
      timeoutMs: patience.remainingMs(),
      signal: patience.callerSignal,
    });
  }

  #onRegister({ payload, signal }: InboundMessage): Promise<void> | undefined {
    const { name, pid, definition, meta, duplicate, visible } = (payload ??
      {}) as Partial<Registration>;
    const parsed = parsePid(pid);
    checkName(name, this.#wiring.limits.nameBytesMax);
    if (parsed === undefined || !isLocal(parsed, this.#wiring.self)) {
      throw noProcess(name, "the node was started anew since");
    }
    this.registerHere({
      name,
      pid: parsed,
      definition: typeof definition === "string" ? definition : undefined,
      meta,
      duplicate: duplicate === true,
      visible: visible === true,
    });
    return visible === true ? this.#visible(signal) : undefined;
  }

  #onUnregister({ payload }: InboundMessage): boolean {
    const { name, duplicate, serial } = (payload ?? {}) as Partial<Removal>;
    if (typeof name !== "string") return false;
    if (duplicate !== true) return this.#unregisterHere(name);
    return typeof serial === "number" && this.#duplicates.remove(name, serial);
  }
}

function notHolder(name: string, entry: NameEntry | undefined): Error {
  const holder = entry?.pid.node;
  const where = holder === undefined ? "nobody has it" : `a process of node ${holder} has it`;
  return registryErrors.ERR_NOT_HOLDER(
    `No process of this node has the name "${name}": ${where}; update it where its process runs`,
    { name, holder },
  );
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
