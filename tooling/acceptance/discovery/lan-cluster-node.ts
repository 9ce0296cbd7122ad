/**
 * A node of a LAN cluster, configured by nothing but its environment: what a user starts on two machines. It tells what it
 * sees as lines of JSON, on the one clock that all processes of a machine share.
 */
import { startCluster } from "@foundation/foundation";

/** What it prints. */
export interface LanClusterLine {
  readonly type: "begins" | "members" | "problem";
  readonly atMs: number;
  readonly members?: number;
  readonly address?: string;
  readonly message?: string;
}

const nowMs = (): number => Number(process.hrtime.bigint() / 1_000n) / 1_000;
const say = (line: Omit<LanClusterLine, "atMs">): void => {
  process.stdout.write(`${JSON.stringify({ ...line, atMs: nowMs() })}\n`);
};

say({ type: "begins" });
const cluster = await startCluster({ log: { level: "silent" } });
const told = new Set<string>();
const lookAtProblems = setInterval(() => {
  for (const { lastProblem } of cluster.explainDiscovery()) {
    if (lastProblem === undefined || told.has(lastProblem.message)) continue;
    told.add(lastProblem.message);
    say({ type: "problem", message: lastProblem.message });
  }
}, 20);
for await (const _ of cluster.watch()) {
  say({ type: "members", members: cluster.nodes().length, address: cluster.self.address });
}
clearInterval(lookAtProblems);
