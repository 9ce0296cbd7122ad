/**
 * Roster: the boots of a world's nodes and what became of their books; shared by all worlds.
 *
 * A boot that leaves hands over its outcomes first; those of a killed one are lost with it, as a caller's would be.
 */
import type { Outcome } from "./commands.js";
import { controlOf, type Ask, type NodeControl } from "./world.js";

/** One running boot, as its world holds it. */
export interface Running<Handle> {
  readonly handle: Handle;
  readonly control: NodeControl;
}

export class Roster<Handle> {
  readonly #running = new Map<string, Running<Handle>>();
  readonly #settled: Outcome[] = [];

  get names(): readonly string[] {
    return [...this.#running.keys()];
  }

  get running(): readonly Running<Handle>[] {
    return [...this.#running.values()];
  }

  add(name: string, key: string, handle: Handle, ask: Ask): NodeControl {
    if (this.#running.has(name)) throw new Error(`${name} runs already: stop or kill it first`);
    const control = controlOf(name, key, ask);
    this.#running.set(name, { handle, control });
    return control;
  }

  of(name: string): Running<Handle> {
    const running = this.#running.get(name);
    if (!running) throw new Error(`${name} does not run; there are ${this.names.join(", ")}`);
    return running;
  }

  /** It is about to leave: its work ends and its books are kept. */
  async settle(name: string): Promise<void> {
    const { control } = this.of(name);
    await control.rest();
    this.#settled.push(...(await control.outcomes()));
  }

  /** It is gone. */
  remove(name: string): void {
    this.#running.delete(name);
  }

  async outcomes(): Promise<readonly Outcome[]> {
    const living = await Promise.all(this.running.map(({ control }) => control.outcomes()));
    return [...this.#settled, ...living.flat()];
  }
}
