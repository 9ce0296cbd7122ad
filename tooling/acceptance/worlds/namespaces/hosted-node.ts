/**
 * One node of the whole stack in a process and a network namespace of its own, told what to do over Node's channel.
 *
 * When that channel closes, whoever started it is gone, and it ends too.
 */
import { appendFileSync } from "node:fs";
import { nodeClock } from "@foundation/core";
import { seededRandom } from "@foundation/core/testing";
import { Agent } from "../agent.js";
import { writeLedgerTo } from "../ledger.js";
import { gatedTransport } from "../proxy/gated-transport.js";
import { Proxy } from "../proxy/proxy.js";
import type { FromHosted, HostedOptions, ProxyCommand, ToHosted } from "./host-messages.js";

const tell = (message: FromHosted): void => void process.send?.(message);
process.on("disconnect", () => process.exit(0));
await main(JSON.parse(process.argv[2] ?? "{}") as HostedOptions);

async function main(options: HostedOptions): Promise<void> {
  const { cluster, name, secret, host, slowable } = options;
  writeLedgerTo((line) => appendFileSync(options.ledger, `${JSON.stringify(line)}\n`));
  const proxy = new Proxy(seededRandom(name));
  const nodeAt = (address: string) => slowable?.[new URL(address).hostname];
  const agent = await Agent.start({
    clock: nodeClock(),
    start: {
      name: cluster,
      node: { name },
      cluster: "local",
      dataDir: options.dataDir,
      overlay: { host },
      security: { secret },
      shutdown: { timeout: "5s" },
      log: { level: "silent" },
      signals: false,
      ...(slowable && { runtime: { transport: gatedTransport({ proxy, dialler: name, nodeAt }) } }),
    },
  });

  async function handle({ seq, command }: ToHosted): Promise<void> {
    try {
      const isForProxy = command.type === "proxy-slow" || command.type === "proxy-heal";
      const answer = isForProxy ? disturb(proxy, command) : await agent.handle(command);
      tell({ type: "answer", seq, answer });
    } catch (error) {
      tell({ type: "failed", seq, message: error instanceof Error ? String(error.stack) : "?" });
    }
  }
  process.on("message", (message: ToHosted) => void handle(message));
  tell({ type: "up", key: agent.key });
}

function disturb(proxy: Proxy, command: ProxyCommand): void {
  if (command.type === "proxy-heal") return proxy.heal();
  const { from, to, latencyMs, jitterMs } = command;
  proxy.set(from, to, { latencyMs, jitterMs });
}
