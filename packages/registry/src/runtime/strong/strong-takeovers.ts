/**
 * StrongTakeovers: from a free name to the right to run its child on this node.
 *
 * Invariant: what was acquired is run under the spec that is written here, or given back.
 */
import { strongTakeover, isStrong } from "../../protocol/strong.js";
import type { ChildSpec } from "../../protocol/child-spec.js";
import { withoutEnd } from "../../protocol/tree.js";
import type { SpecStore } from "../supervision/spec-store.js";
import type { Wiring } from "../wiring.js";
import type { StrongNames } from "./strong-names.js";

export class StrongTakeovers {
  readonly #wiring: Wiring;
  readonly #strong: StrongNames;
  readonly #specs: SpecStore;
  readonly #mayRun: (spec: ChildSpec) => boolean;
  /** Names that are being asked for. */
  readonly #asking = new Set<string>();

  /** `mayRun` is asked again when the name was given: the node may drain by then, or the child have started. */
  constructor(
    wiring: Wiring,
    strong: StrongNames,
    specs: SpecStore,
    mayRun: (spec: ChildSpec) => boolean,
  ) {
    this.#wiring = wiring;
    this.#strong = strong;
    this.#specs = specs;
    this.#mayRun = mayRun;
  }

  /** Asks for the name, if its turn has come; gives the spec by which the child is run here, already written. */
  async take(spec: ChildSpec, rank: number): Promise<ChildSpec | undefined> {
    const { identity, definition } = spec;
    if (this.#asking.has(identity) || !this.#mayRun(spec)) return undefined;
    if (!this.#strong.isDue(identity, rank)) return undefined;
    const { limits, logger, self } = this.#wiring;
    this.#asking.add(identity);
    try {
      const wait = { timeoutMs: limits.storeTimeoutMs };
      const lease = await this.#strong.acquire(identity, definition, wait);
      if (lease === undefined) return undefined;
      const known = this.#specs.get(identity);
      // One that has ended is started again only when the supervisor of its tree asks for that.
      const isAsked =
        known?.state === "running" || (known?.state === "failed" && spec.state === "failed");
      if (known !== undefined && isAsked && isStrong(known) && this.#mayRun(known)) {
        const taken = strongTakeover(withoutEnd(known), self, lease.token);
        this.#specs.put(taken);
        return taken;
      }
      void this.#strong.release(identity);
    } catch (error) {
      logger.debug("A free name could not be taken; it is tried again", { identity, error });
      void this.#strong.release(identity);
    } finally {
      this.#asking.delete(identity);
    }
    return undefined;
  }
}
