/**
 * Members: starts and stops the processes of an ecosystem, many at once.
 *
 * Limit: `startsAtOnceMax` starts or stops at once.
 */
import { isFoundationError, type ProcessDefinition } from "@foundation/core";
import type { EcosystemMember } from "../../protocol/ecosystem-plan.js";
import type { Registry } from "../registry.js";
import type { OperationOptions, StartOptions } from "../supervision/start-options.js";
import type { Wiring } from "../wiring.js";

export class Members {
  readonly #wiring: Wiring;
  readonly #registry: Pick<Registry, "startProcess" | "process">;

  constructor(wiring: Wiring, registry: Pick<Registry, "startProcess" | "process">) {
    this.#wiring = wiring;
    this.#registry = registry;
  }

  /** Throws whatever `startProcess` throws. */
  async start(
    member: EcosystemMember,
    options: Pick<StartOptions, "placement" | "ifRunning" | "timeout" | "signal">,
  ): Promise<void> {
    const { definitions } = this.#wiring;
    const { process, args, on, constraints } = member.kind;
    const definition = definitions.get(process) ?? ({ name: process } as ProcessDefinition);
    const where = { on, constraints } as Pick<StartOptions, "on" | "constraints">;
    const asked = { name: member.name, distribute: true, ...where, ...options };
    await this.#registry.startProcess(definition, args as never, asked);
  }

  /** Nothing where none runs. */
  async stop(member: EcosystemMember, options: OperationOptions): Promise<void> {
    const { definitions } = this.#wiring;
    const definition = definitions.get(member.kind.process) ?? { name: member.kind.process };
    const ref = this.#registry.process(definition as ProcessDefinition, member.name);
    try {
      await ref.stop(options);
    } catch (error) {
      // What is not there need not be stopped.
      if (!isFoundationError(error, "ERR_NO_PROCESS")) throw error;
    }
  }

  /** Does something with each, so many at once; after a failure nothing more is begun. */
  async each(
    members: readonly EcosystemMember[],
    run: (member: EcosystemMember) => Promise<void>,
  ): Promise<void> {
    const waiting = [...members].reverse();
    const failures: unknown[] = [];
    const worker = async () => {
      for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
        try {
          await run(next);
        } catch (error) {
          failures.push(error);
          waiting.length = 0;
        }
      }
    };
    const workers = Math.min(this.#wiring.limits.startsAtOnceMax, waiting.length);
    await Promise.all(Array.from({ length: workers }, worker));
    if (failures.length > 0) throw failures[0];
  }
}
