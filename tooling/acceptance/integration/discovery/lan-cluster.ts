/**
 * One process of a cluster on a network: `startCluster` with the word that its argument names and nothing else; the secret
 * comes from the environment. Prints the number of nodes and the warnings as lines of JSON.
 */
import { hrtime } from "node:process";
import { silentLogger, type Logger } from "@foundation/core";
import { startCluster } from "@foundation/foundation";

/** What it prints; `atMs` is the machine's monotonic clock, which all its namespaces share. */
export interface LanClusterLine {
  readonly nodes?: number;
  readonly warning?: string;
  readonly atMs: number;
}

const say = (line: Omit<LanClusterLine, "atMs">): void => {
  const atMs = Number(hrtime.bigint() / 1_000n) / 1_000;
  process.stdout.write(`${JSON.stringify({ ...line, atMs })}\n`);
};

const warn: Logger["warn"] = (message, fields) => {
  say({ warning: `${message} ${JSON.stringify(fields ?? {})}` });
};
const logger: Logger = { ...silentLogger(), warn, error: warn, child: () => logger };

async function main(): Promise<void> {
  const word = process.argv[2] === "gossip" ? "gossip" : "mdns";
  say({});
  const cluster = await startCluster({ cluster: word, runtime: { logger } });
  const tell = (): void => say({ nodes: cluster.nodes().length });
  tell();
  for await (const _ of cluster.watch()) tell();
}

void main();
