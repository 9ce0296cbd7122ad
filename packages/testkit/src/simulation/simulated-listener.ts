/** SimulatedListener: a port of a host that takes connections, and what became of those it took. */
import type { Connection, Listener } from "@foundation/core/ports";
import type { Boot } from "./boot.js";
import type { SimulatedConnection } from "./simulated-connection.js";

export class SimulatedListener implements Listener {
  readonly #accepted = new Set<SimulatedConnection>();
  #closed = false;

  constructor(
    readonly boot: Boot,
    readonly address: string,
    readonly onConnection: (connection: Connection) => void,
    readonly remove: () => void,
  ) {}

  accept(connection: SimulatedConnection): void {
    if (this.#closed) return connection.close();
    this.#accepted.add(connection);
    void connection.closed.then(() => this.#accepted.delete(connection));
    this.onConnection(connection);
  }

  async close(): Promise<void> {
    if (!this.#closed) this.remove();
    this.#closed = true;
    const open = [...this.#accepted];
    for (const connection of open) connection.close();
    await Promise.all(open.map(({ closed }) => closed));
  }
}
