/**
 * One node that only discovers, for tests that need real processes: `node.ts <directory> <port>`.
 *
 * Writes a line of JSON with the addresses on offer whenever they change; ends on SIGTERM, and when
 * its parent goes away.
 */
import { createNodeId, nodeRandom, silentLogger } from "@foundation/core";
import { createDiscovery, local, userSecret } from "../../src/index.js";

const [, , directory = "", port = ""] = process.argv;
const say = (line: object): boolean => process.stdout.write(`${JSON.stringify(line)}\n`);

async function main(): Promise<void> {
  const secret = await userSecret({ directory });
  const discovery = createDiscovery({
    strategies: [local({ directory })],
    cluster: "integration",
    self: {
      id: createNodeId(nodeRandom()),
      address: `ws://127.0.0.1:${port}`,
      name: `node-${port}`,
    },
    runtime: { logger: silentLogger() },
    onPeers: (peers) => say({ peers: peers.map(({ address }) => address) }),
  });
  await discovery.firstRound;
  // A test may see it: it guards nothing.
  say({ secret: secret.reveal() });
  process.once("SIGTERM", () => void discovery.close().then(() => process.exit(0)));
  process.stdin.resume();
  process.stdin.once("end", () => process.exit(1));
}

void main();
