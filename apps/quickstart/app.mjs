// app.mjs — run it in two terminals
import { startCluster } from "@foundation/foundation";

const cluster = await startCluster();
for await (const event of cluster.watch())
  console.log(event.type, event.node?.name, "→", cluster.nodes().length, "nodes");
