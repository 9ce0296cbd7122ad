/** An application of tests that listens and writes down what its connections bring. */
import type { Connection } from "@foundation/core/ports";
import type { SimulatedHost } from "../../../src/index.js";

/** What a node of these tests remembers. */
export interface App {
  readonly host: SimulatedHost;
  readonly log: string[];
  readonly connections: Connection[];
}

export async function app(host: SimulatedHost): Promise<App> {
  const made: App = { host, log: [], connections: [] };
  const { transport } = host.runtime;
  await transport.listen({ host: host.name, port: 7_000 }, (connection) =>
    follow(made, connection),
  );
  return made;
}

export function follow(made: App, connection: Connection): void {
  made.connections.push(connection);
  connection.onFrame((frame) => made.log.push(`frame ${frame[0]}`));
  void connection.closed.then(({ reason }) => made.log.push(`closed ${reason}`));
}
