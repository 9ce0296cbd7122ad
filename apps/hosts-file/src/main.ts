/** A node that finds its peers in the file `hosts` of the current folder. */
import { startCluster } from "@foundation/foundation";
import { hostsFile } from "./hosts-file.js";

const cluster = await startCluster({ name: "hosts-file", cluster: hostsFile("hosts") });
for await (const { type, node } of cluster.watch()) console.log(type, node?.name, node?.address);
