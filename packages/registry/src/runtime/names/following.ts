/**
 * Following: from a name to whoever has it now, and references that look anew for every message.
 *
 * Invariants: a reference is never led to a process of another definition; a look-up never finds one that may not serve any
 * more, and a message goes to such a one only to be sent on from there.
 */
import type { Pid, ProcessDefinition } from "@foundation/core";
import { sameOwner } from "../../protocol/child-spec.js";
import { checkName, isGenerated } from "../../protocol/names.js";
import { mismatch, type Target } from "../calls/calls.js";
import { reference, type ClusterRef, type ReferenceParts } from "../calls/process-reference.js";
import { parseSuccessor } from "../calls/successors.js";
import type { Supervision, SupervisionParts } from "../supervision/supervision.js";
import { isMember, type Wiring } from "../wiring.js";
import type { NameEntry } from "./name-store.js";

export class Following {
  readonly #wiring: Wiring;
  readonly #parts: SupervisionParts;
  readonly #supervision: Supervision;
  readonly #references: ReferenceParts;

  constructor(
    wiring: Wiring,
    parts: SupervisionParts,
    supervision: Supervision,
    references: ReferenceParts,
  ) {
    this.#wiring = wiring;
    this.#parts = parts;
    this.#supervision = supervision;
    this.#references = references;
  }

  /** Where an info to a name goes. @throws {ERR_NAME_INVALID} */
  target(name: string): Target {
    this.check(name);
    return { ...this.#followed(name), locate: () => this.locate(name)?.pid ?? this.#former(name) };
  }

  /** A name to look up may also be one that the registry made. @throws {ERR_NAME_INVALID} */
  check(name: unknown): void {
    const made = typeof name === "string" && name.length > 1 && isGenerated(name);
    checkName(made ? name.slice(1) : name, this.#wiring.limits.nameBytesMax);
  }

  /** A reference that follows the name, and refuses to follow it to another definition. */
  follow<D extends ProcessDefinition>(definition: D, name: string): ClusterRef<D> {
    const { board } = this.#parts;
    const { children } = this.#supervision;
    const find = () => this.locate(name);
    const former = () => this.#former(name);
    const target: Target = {
      ...this.#followed(name),
      locate() {
        const entry = find();
        if (entry === undefined) return children.get(name)?.pid ?? former();
        const found = entry.definition ?? definition.name;
        if (found !== definition.name) throw mismatch(name, definition.name, found);
        board.check(name, entry.pid.node, definition);
        return entry.pid;
      },
    };
    return reference(this.#references, definition, name, target);
  }

  /** Where a name leads: that of a strong child only to who may have it now. */
  locate(name: string): NameEntry | undefined {
    const { names, strong, specs } = this.#parts;
    const { membership } = this.#wiring;
    const entry = names.locate(name);
    if (!strong.isUsed) return entry;
    const spec = specs.get(name);
    if (entry !== undefined && strong.mayServe(entry.pid, spec)) return entry;
    const pid = strong.movedTo(name);
    // The store's word comes late where a process was moved away, back and away: what was here last sends on, and what was
    // here before knows of nothing any more.
    if (entry !== undefined && pid !== undefined && isLater(entry.pid, pid)) return entry;
    if (pid === undefined || spec === undefined || !isMember(pid, membership)) return undefined;
    return { name, pid, definition: spec.definition, meta: spec.meta };
  }

  /** Where messages for a strong child go that was moved, while only its spec tells so: to where it was. */
  #former(name: string): Pid | undefined {
    const { names, strong, specs } = this.#parts;
    if (!strong.isUsed || !strong.mayForward(specs.get(name))) return undefined;
    return names.locate(name)?.pid;
  }

  #followed(name: string): Omit<Target, "locate"> {
    const { names, specs, guard, strong } = this.#parts;
    return {
      refusal() {
        const spec = specs.get(name);
        if (spec?.state !== "running" || spec.rules === undefined) return undefined;
        return guard.refusal(spec) ?? strong.refusal(spec);
      },
      title: name,
      stale: () => names.dropHint(name),
      moved: (told) => {
        const successor = parseSuccessor(told);
        // The versions of a name given by hand are its own: only those of a child can be compared.
        if (successor === undefined || specs.get(name) === undefined) return;
        const { definition, meta } = names.locate(name) ?? {};
        names.hint({ name, definition, meta, ...successor });
      },
      why() {
        const spec = specs.get(name);
        if (spec?.state === "failed")
          return `it was given up after too many crashes (${spec.reason})`;
        if (spec?.state === "running") {
          return strong.why(spec) ?? "it is being started, here or elsewhere";
        }
        return "nobody runs under it";
      },
    };
  }
}

/** Of two instances of one start, which serial came later. */
function isLater(one: Pid, other: Pid): boolean {
  return sameOwner(one, other) && one.serial > other.serial;
}
