import { describe, expect, test } from "@jest/globals";
import type { NodeId } from "@foundation/core";
import { seededRandom } from "@foundation/core/testing";
import type { SwitchEffect, SwitchInput } from "../../../../src/protocol/switching/effects.js";
import { switchLimits, switchTimes as times } from "../../../../src/protocol/switching/limits.js";
import type { SwitchRecord } from "../../../../src/protocol/switching/record.js";
import type { TopologyMode } from "../../../../src/protocol/switching/topologies.js";
import { TopologySwitch } from "../../../../src/protocol/switching/topology-switch.js";
import { DrivenCore } from "../../../support/driven-core.js";
import { idOf } from "../../../support/membership-entries.js";

const self = idOf(5);
const peer = idOf(7);
const lower = idOf(1);

const recordOf = (change: Partial<SwitchRecord>): SwitchRecord => {
  return { epoch: 0, turn: 0, mode: "full-mesh", pinned: false, by: peer, ...change };
};
const heard = (change: Partial<SwitchRecord>, from: NodeId = peer): SwitchInput => {
  return { type: "message", from, message: { type: "topology", record: recordOf(change) } };
};
const up = (id: NodeId): SwitchInput => ({ type: "link-up", id });
const size = (count: number, lowest: NodeId = self): SwitchInput => {
  return { type: "members", count, lowest };
};
const tell = (record: SwitchRecord, ...to: NodeId[]) => {
  return { type: "tell", to, message: { type: "topology", record } };
};

/** A node with links to these, started; `settle` lets it listen to the end. */
function nodeOf(mode: TopologyMode, links: readonly NodeId[] = [], settle = true) {
  const core = new TopologySwitch({ self, mode, random: seededRandom(1) });
  const driven = new DrivenCore<SwitchInput, SwitchEffect>(core);
  driven.give({ type: "start" }, ...links.map(up));
  if (settle) driven.wait(times.settleMs + times.settleSpreadMs);
  return { core, driven };
}

const settledAuto = (...links: NodeId[]) => nodeOf("auto", links);
const changes = (effects: readonly { readonly type: string }[]) => {
  return effects.filter(({ type }) => type === "change");
};

describe("a node that starts", () => {
  test("says nothing of its configuration at first, and tells all neighbours later", () => {
    const { core, driven } = nodeOf("hyparview", [peer], false);
    expect(core.topology).toBe("hyparview");
    expect(driven.wait(times.settleMs - 1)).toEqual([]);
    expect(driven.give(up(lower))).toEqual([]);
    const own = recordOf({ mode: "hyparview", pinned: true, by: self });
    expect(driven.wait(times.settleSpreadMs + 1)).toContainEqual(tell(own, peer, lower));
    expect(core.isSettled).toBe(true);
  });

  test("follows the first record it hears, though its own would be greater", () => {
    const { core, driven } = nodeOf("hyparview", [peer, lower], false);
    const effects = driven.give(heard({ turn: 3 }));
    const record = recordOf({ turn: 3 });
    expect(effects).toEqual([
      { type: "count", counter: "configured-otherwise" },
      { type: "change", from: "hyparview", to: "full-mesh", record },
      tell(record, lower),
    ]);
    expect(core.record).toEqual(record);
    expect(driven.timers).toEqual(["repeat"]);
  });

  test("that is configured with auto counts nothing when the cluster decided by itself", () => {
    const { driven } = nodeOf("auto", [peer], false);
    const effects = driven.give(heard({ turn: 1, mode: "hyparview" }));
    expect(effects.map(({ type }) => type)).toEqual(["change"]);
  });
});

describe("a record", () => {
  test("that is greater is taken over and told on to the other neighbours", () => {
    const { core, driven } = settledAuto(peer, lower);
    const record = recordOf({ epoch: 1, mode: "client-server", pinned: true });
    expect(driven.give(heard(record))).toEqual([
      { type: "change", from: "full-mesh", to: "client-server", record },
      tell(record, lower),
    ]);
    expect(core.record).toEqual(record);
  });

  test("that is known is ignored, and a lesser one answered", () => {
    const { core, driven } = settledAuto(peer, lower);
    driven.give(heard({ epoch: 2, pinned: true }));
    expect(driven.give(heard({ epoch: 2, pinned: true }, lower))).toEqual([]);
    expect(driven.give(heard({ epoch: 1, pinned: true }, lower))).toEqual([
      tell(core.record, lower),
    ]);
  });

  test("is told to a new neighbour, and again to one neighbour every ten seconds or so", () => {
    const { core, driven } = settledAuto();
    expect(driven.give(up(peer))).toEqual([tell(core.record, peer)]);
    const told = driven.wait(100_000);
    expect(told.length).toBeGreaterThanOrEqual(8);
    expect(told.length).toBeLessThanOrEqual(13);
    for (const effect of told) expect(effect).toEqual(tell(core.record, peer));
    driven.give({ type: "link-down", id: peer });
    expect(driven.wait(60_000)).toEqual([]);
  });

  test("is told on to six in a full mesh, and to all in the other topologies", () => {
    const links = Array.from({ length: 20 }, (_, index) => idOf(100 + index));
    const { driven } = settledAuto(peer, ...links);
    const toldOn = (record: Partial<SwitchRecord>): readonly NodeId[] => {
      const effects = driven.give(heard({ ...record, pinned: true }));
      return effects.flatMap((effect) => (effect.type === "tell" ? effect.to : []));
    };
    for (let epoch = 1; epoch < 30; epoch += 1) {
      const to = toldOn({ epoch });
      expect(new Set(to).size).toBe(switchLimits.relayedTo);
      expect(to).toHaveLength(switchLimits.relayedTo);
      expect(to).not.toContain(peer);
    }
    expect(toldOn({ epoch: 30, mode: "hyparview" })).toHaveLength(switchLimits.relayedTo);
    expect(toldOn({ epoch: 31 })).toEqual(links);
  });
});

describe("a switch by hand", () => {
  test("pins the topology and tells everybody", () => {
    const { core, driven } = settledAuto(peer, lower);
    const record = { epoch: 1, turn: 0, mode: "hyparview", pinned: true, by: self } as const;
    expect(driven.give({ type: "switch", to: "hyparview" })).toEqual([
      { type: "change", from: "full-mesh", to: "hyparview", record },
      tell(record, peer, lower),
    ]);
    driven.give(size(5));
    expect(changes(driven.wait(600_000))).toEqual([]);
    expect(core.topology).toBe("hyparview");
  });

  test("to what holds already does nothing, but for a pin where there was none", () => {
    const { core, driven } = settledAuto(peer);
    expect(driven.give({ type: "switch", to: "auto" })).toEqual([]);
    expect(driven.give({ type: "switch", to: "full-mesh" })).toEqual([tell(core.record, peer)]);
    expect(core.record.pinned).toBe(true);
    expect(driven.give({ type: "switch", to: "full-mesh" })).toEqual([]);
  });

  test("back to auto takes the topology of the size at once", () => {
    const { core, driven } = settledAuto();
    driven.give(size(20), { type: "switch", to: "client-server" });
    expect(changes(driven.give({ type: "switch", to: "auto" }))).toHaveLength(1);
    const expected = { epoch: 2, turn: 0, mode: "full-mesh", pinned: false, by: self };
    expect(core.record).toEqual(expected);
  });

  test("back to auto keeps the topology while the size is not known", () => {
    const { core, driven } = settledAuto();
    driven.give({ type: "switch", to: "client-server" }, { type: "switch", to: "auto" });
    expect(core.topology).toBe("client-server");
  });

  test("that another one at the same time replaces is counted as overruled", () => {
    const { core, driven } = settledAuto(peer);
    driven.give({ type: "switch", to: "hyparview" });
    const effects = driven.give(heard({ epoch: 1, mode: "client-server", pinned: true }));
    expect(effects).toContainEqual({ type: "count", counter: "overruled" });
    expect(core.topology).toBe("client-server");
  });

  test("is not undone by any number of automatic decisions made without it", () => {
    const { core, driven } = settledAuto(peer);
    driven.give({ type: "switch", to: "full-mesh" });
    expect(changes(driven.give(heard({ epoch: 1, turn: 900, mode: "hyparview" })))).toEqual([]);
    expect(core.topology).toBe("full-mesh");
  });

  test("is not made when numbers have run out, and that is counted", () => {
    const { core, driven } = settledAuto(peer);
    driven.give(heard({ epoch: switchLimits.decisionsMax, pinned: true }));
    expect(driven.give({ type: "switch", to: "hyparview" })).toEqual([
      { type: "count", counter: "decisions-exhausted" },
    ]);
    expect(core.topology).toBe("full-mesh");
  });
});

describe("auto", () => {
  test("switches five seconds after the cluster became too large", () => {
    const { core, driven } = settledAuto(peer);
    driven.give(size(110));
    expect(changes(driven.wait(600_000))).toEqual([]);
    driven.give(size(111));
    expect(changes(driven.wait(times.growthMs - 1))).toEqual([]);
    const record = { epoch: 0, turn: 1, mode: "hyparview", pinned: false, by: self };
    const effects = driven.wait(1);
    expect(effects).toContainEqual({ type: "count", counter: "decided" });
    expect(effects).toContainEqual({ type: "change", from: "full-mesh", to: "hyparview", record });
    expect(effects).toContainEqual(tell(core.record, peer));
  });

  test("switches back half a minute after the cluster became too small, without a break", () => {
    const { driven } = settledAuto();
    driven.give(size(200));
    driven.wait(100_000);
    driven.give(size(89));
    driven.wait(times.shrinkMs - 1);
    driven.give(size(90));
    driven.give(size(89));
    expect(changes(driven.wait(times.shrinkMs - 1))).toEqual([]);
    expect(changes(driven.wait(1))).toHaveLength(1);
  });

  test("goes to client-server in one step when a cluster starts large", () => {
    const { core, driven } = settledAuto();
    driven.give(size(300));
    driven.wait(2_000);
    driven.give(size(2_000));
    driven.wait(times.growthMs - 2_000);
    expect(core.topology).toBe("client-server");
    expect(core.record.turn).toBe(1);
  });

  test("decides nothing within half a minute of a change", () => {
    const { driven } = settledAuto();
    driven.give(heard({ turn: 4, mode: "hyparview" }));
    driven.give(size(2_000));
    expect(changes(driven.wait(times.dwellMs - 1))).toEqual([]);
    expect(changes(driven.wait(1))).toHaveLength(1);
  });

  test("is decided by another than the lowest member only after it has not for a minute", () => {
    const { driven } = settledAuto(lower);
    driven.give(size(500, lower));
    expect(changes(driven.wait(times.growthMs + times.patienceMs - 1))).toEqual([]);
    expect(changes(driven.wait(times.patienceSpreadMs + 1))).toHaveLength(1);
  });

  test("is decided at once by who becomes the lowest member meanwhile", () => {
    const { driven } = settledAuto(lower);
    driven.give(size(500, lower));
    driven.wait(times.growthMs);
    expect(changes(driven.give(size(499, self)))).toHaveLength(1);
  });

  test("is over with leave", () => {
    const { driven } = settledAuto(peer);
    driven.give(size(500), { type: "leave" });
    expect(driven.timers).toEqual([]);
    expect(driven.give(heard({ epoch: 9, mode: "hyparview" }), up(lower))).toEqual([]);
  });

  test("refuses thresholds without a band between them", () => {
    const make = () => {
      return new TopologySwitch({
        self,
        mode: "auto",
        random: seededRandom(1),
        thresholds: { hyparviewMin: 200 },
      });
    };
    expect(make).toThrow(/HyParView/);
  });
});
