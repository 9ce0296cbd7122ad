/** Secrets exchanged while a cluster works, over real sockets. */
import { describe, expect, test } from "@jest/globals";
import { eventually, startNode, uniqueName } from "./real-nodes.js";

const old = "an old secret, known to somebody who left";
const fresh = "Zk0wq1TzZf3p2G8s7Vb5nXcLhYt4Rr6Ee9Uu0Aa1Ii=";

describe("reconfigure", () => {
  test.each(["off", "psk"] as const)(
    "exchanges the secret of three nodes under load, TLS %s: no request is lost, and then only the new one joins",
    async (tls) => {
      const name = uniqueName();
      const start = (secret: string) => startNode({ name, security: { secret, tls } });
      const nodes = await Promise.all([start(old), start(old), start(old)]);
      await Promise.all(nodes.map((node) => node.ready({ nodes: 3, timeout: "10s" })));
      const [a, b] = nodes;
      b!.channel("work").handle(({ payload }) => payload);
      const work = a!.channel<number, number>("work");
      let running = true;
      let answered = 0;
      const load = (async () => {
        while (running) answered += (await work.request(b!.self, 1)) as number;
      })();

      for (const [secret, joins] of [
        [[old, fresh], old],
        [[fresh, old], fresh],
      ] as const) {
        for (const node of nodes) await node.reconfigure({ security: { secret } });
        const joining = await start(joins);
        await joining.ready({ nodes: 4, timeout: "10s" });
        await joining.leave();
        await eventually(() => nodes.every((node) => node.nodes().length === 3));
      }
      for (const node of nodes) await node.reconfigure({ security: { secret: [fresh] } });
      const newcomer = await start(fresh);
      await newcomer.ready({ nodes: 4, timeout: "10s" });
      const outdated = await start(old);
      await expect(outdated.ready({ nodes: 2, timeout: "1s" })).rejects.toMatchObject({
        code: "ERR_NOT_READY",
      });
      running = false;
      await load;
      expect(answered).toBeGreaterThan(100);
      expect(a!.nodes()).toHaveLength(4);
      const { services, recommendations } = await a!.health();
      expect(services.overlay).toBe("degraded");
      expect(recommendations.join("\n")).toContain("ERR_WRONG_SECRET");
      expect(JSON.stringify(a!.config.explain())).not.toContain(fresh);
    },
  );
});
