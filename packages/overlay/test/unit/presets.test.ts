import { afterEach, describe, expect, test } from "@jest/globals";
import { createNodeId, createBoot, silentLogger } from "@foundation/core";
import { seededRandom } from "@foundation/core/testing";
import { createOverlay, type Overlay, type OverlayOptions } from "../../src/index.js";
import { LINK } from "../../src/limits.js";
import { presetOf, presets } from "../../src/presets.js";
import { VirtualOverlays, outcomeOf } from "../support/virtual-overlays.js";

const open: Overlay[] = [];

afterEach(async () => {
  for (const one of open.splice(0)) await one.close();
});

describe("presets", () => {
  test("are local on loopback and lan beyond, unless one is named", () => {
    expect(presetOf(undefined, true)).toBe(presets.local);
    expect(presetOf(undefined, false)).toBe(presets.lan);
    expect(presetOf("wan", true)).toBe(presets.wan);
  });

  test("fit together: what waits for something waits for longer than that takes", () => {
    for (const { membership, ...preset } of Object.values(presets)) {
      expect(preset.dialTimeoutMs).toBeGreaterThanOrEqual(preset.handshakeTimeoutMs);
      expect(preset.openTimeoutMs).toBeGreaterThanOrEqual(preset.dialTimeoutMs);
      expect(preset.windowGrowthMax).toBeGreaterThanOrEqual(1);
      const largest = preset.windowBytes * preset.windowGrowthMax;
      expect(largest).toBeLessThanOrEqual(preset.budgetBytesMax);
      expect(preset.retainBytesMax).toBeGreaterThanOrEqual(preset.windowBytes);
      expect(membership.relayTimeoutMs).toBeLessThan(membership.indirectTimeoutMs);
      const roundMs = membership.probeTimeoutMinMs + membership.indirectTimeoutMs;
      expect(roundMs).toBeLessThanOrEqual(membership.periodMs);
      expect(membership.suspicionBaseMs).toBeGreaterThan(2 * membership.periodMs);
      expect(membership.syncIntervalMs).toBeGreaterThan(membership.periodMs);
    }
  });

  test("decide the windows of a node's links", async () => {
    const world = new VirtualOverlays();
    const [a, b] = (await world.form(2, { preset: "wan" })) as [Overlay, Overlay];
    a.messenger.trySend({ to: b.self.id, channel: "events", subject: "n" }, 1);
    await world.clock.advance(100);
    const link = a.links().find(({ channel }) => channel === "events");
    expect(link?.windowBytes).toBe(presets.wan.windowBytes);
    await world.close();
  });

  test("decide how long a channel that does not open is waited for, and a death takes", async () => {
    for (const name of ["lan", "wan"] as const) {
      const world = new VirtualOverlays();
      const [a, b] = (await world.form(2, { preset: name })) as [Overlay, Overlay];
      let downAt: number | undefined;
      a.membership.subscribe((event) => {
        if (event.type === "node-down") downAt ??= world.clock.now();
      });
      const cutAt = world.clock.now();
      world.network.cut("a", "b");
      const sent = outcomeOf(
        a.messenger.request({ to: b.self.id, channel: "events", subject: "n" }, 1, {
          timeoutMs: 600_000,
        }),
      );
      await world.clock.advance(LINK.openTimeoutMs + 100);
      if (name === "lan") expect(sent).toEqual({ code: "ERR_NODE_UNREACHABLE" });
      else expect(sent).toEqual({});
      await world.clock.advance(300_000);
      expect(sent).toEqual({ code: "ERR_NODE_UNREACHABLE" });
      const { suspicionBaseMs } = presets[name].membership;
      expect((downAt as number) - cutAt).toBeGreaterThanOrEqual(suspicionBaseMs);
      expect((downAt as number) - cutAt).toBeLessThan(
        suspicionBaseMs + 4 * presets[name].membership.periodMs + 5_000,
      );
      await world.close();
    }
  });

  test("another name is refused, saying which there are", async () => {
    const random = seededRandom("presets");
    const options: OverlayOptions = {
      cluster: "test",
      secret: "the secret of the overlay's tests",
      identity: { id: createNodeId(random), boot: createBoot(1, random), name: "n" },
      runtime: { logger: silentLogger() },
    };
    const wrong = { ...options, preset: "moon" } as unknown as OverlayOptions;
    await expect(createOverlay(wrong)).rejects.toMatchObject({ code: "ERR_INVALID_ARGUMENT" });
    await expect(createOverlay(wrong)).rejects.toThrow(/local, lan, wan/);
    const local = await createOverlay(options);
    open.push(local);
    const own = { to: local.self.id, channel: "data", subject: "n" };
    local.messenger.trySend(own, 1);
    expect(local.links().length).toBeGreaterThan(0);
  });
});
