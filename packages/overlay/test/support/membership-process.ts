/**
 * One overlay in a process of its own, for tests that kill and pause processes: tells its parent
 * what it sees. Its argument is the topology.
 */
import { silentLogger } from "@foundation/core";
import { createOverlay, type TopologyMode } from "../../src/index.js";

const overlay = await createOverlay({
  cluster: "membership-processes",
  secret: "a secret of the test, and only of the test",
  host: "127.0.0.1",
  port: 0,
  topology: (process.argv[2] ?? "auto") as TopologyMode,
  runtime: { logger: silentLogger() },
});
const tell = (report: ProcessReport): void => void process.send?.(report);
const members = () => overlay.membership.members().map((member) => member.id);

/** What the child tells: first its address, then the members after each event. */
export interface ProcessReport {
  readonly event: string;
  readonly about: string;
  readonly address: string;
  readonly members: readonly string[];
}

process.on("message", (addresses: readonly string[]) => overlay.dial(addresses));
process.on("disconnect", () => process.exit(0));
overlay.membership.subscribe(({ type, node }) => {
  tell({ event: type, about: node.id, address: overlay.address, members: members() });
});
tell({ event: "listening", about: overlay.self.id, address: overlay.address, members: members() });
