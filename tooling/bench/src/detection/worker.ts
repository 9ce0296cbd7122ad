/** One overlay in a process of its own, as it is by default: tells whom it suspects and declares dead, and when. */
import { silentLogger } from "@foundation/core";
import { createOverlay } from "@foundation/overlay";
import { systemMs } from "../processes/system-time.js";
import type { Heard, Look, NodeTask } from "./messages.js";

const tell = (message: Heard): void => void process.send?.(message);
// Nobody is left to end this process.
process.on("disconnect", () => process.exit(0));

const { host, peers } = JSON.parse(process.argv[2] ?? "{}") as NodeTask;
const { membership, self, address, observe } = await start();
membership.subscribe((event) => {
  const { type: told, node } = event;
  if (told !== "node-suspect" && told !== "node-down") return;
  const reason = event.type === "node-down" ? event.reason : "";
  tell({ type: "news", event: told, of: node.id, atMs: systemMs(), reason });
});
process.on("message", ({ look }: Look) => {
  const { members, suspects, links } = observe();
  tell({ type: "view", look, members, suspects, links });
});
tell({ type: "up", id: self.id, address });

async function start() {
  const overlay = await createOverlay({
    cluster: "detection",
    secret: "the benchmark needs no secret secret",
    host,
    peers,
    runtime: { logger: silentLogger() },
  });
  return {
    membership: overlay.membership,
    self: overlay.self,
    address: overlay.address,
    observe: () => overlay.observe(),
  };
}
