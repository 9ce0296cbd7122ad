import { afterAll, afterEach, beforeAll, beforeEach, expect } from "@jest/globals";
import { requires } from "@foundation-tooling/jest";
import { eventually, haveMet, LanMachines, LanProgram } from "../../support/lan-machines.js";
import { canMakeLan } from "../../support/lan-segment.js";

const lan = await requires(
  "network namespaces with a bridge, and nft (Linux, as root)",
  canMakeLan,
);

lan.describe("mDNS between machines", () => {
  let program: LanProgram;
  let machines: LanMachines;
  const mdns = { strategy: "mdns" } as const;

  beforeAll(async () => {
    program = await LanProgram.bundle();
  });
  afterAll(() => program.remove());
  beforeEach(async () => {
    machines = await LanMachines.create(program, 3);
  });
  afterEach(() => machines.close());

  lan.test("three machines find each other, a newcomer too, and a goodbye is heard", async () => {
    const [a, b] = [machines.start(1, mdns), machines.start(2, mdns)];
    await eventually(
      "they meet",
      () => haveMet(a, b),
      () => [a.lines, b.lines],
    );
    const c = machines.start(3, mdns);
    await eventually(
      "the newcomer too",
      () => haveMet(a, b, c),
      () => [a.lines, c.lines],
    );
    expect(await c.stop()).toBe(0);
    await eventually("the one that left is gone", () => haveMet(a, b));
    expect([a, b, c].flatMap(({ problems }) => problems)).toEqual([]);
  });

  lan.test("by IPv6 alone, and several processes of one machine", async () => {
    const six = { ...mdns, options: { families: [6] } as const };
    const peers = [1, 2].map((host) =>
      machines.start(host, { ...six, address: `ws://[${machines.segment.address6(host)}]:4100` }),
    );
    const second = `ws://[${machines.segment.address6(1)}]:4101`;
    peers.push(machines.start(1, { ...six, address: second }));
    await eventually(
      "they meet",
      () => haveMet(...peers),
      () => peers.map(({ lines }) => lines),
    );
  });

  lan.test("with 20 of 100 packets lost they meet", async () => {
    for (const host of [1, 2, 3]) await machines.segment.lose(host, 20);
    const peers = [1, 2, 3].map((host) => machines.start(host, mdns));
    await eventually(
      "they meet",
      () => haveMet(...peers),
      () => peers.map(({ lines }) => lines),
    );
  });

  lan.test("a wrong secret is told in words on both sides", async () => {
    const [a, b] = [machines.start(1, mdns), machines.start(2, { ...mdns, secrets: ["another"] })];
    for (const node of [a, b]) await eventually("it is told", () => node.problems.length > 0);
    for (const { problems, peers } of [a, b]) {
      expect(problems[0]?.code).toBe("ERR_LAN_STRANGER");
      expect(problems[0]?.message).toContain("FOUNDATION_SECRET");
      expect(peers ?? []).toEqual([]);
    }
  });

  lan.test(
    "a machine that gets another address is followed, and one without a network waits for it",
    async () => {
      const { segment } = machines;
      await segment.in(3, "ip", "link", "set", "eth0", "down");
      const [a, b, c] = [1, 2, 3].map((host) =>
        machines.start(host, { ...mdns, listensOn: "0.0.0.0" }),
      );
      await eventually("they meet", () => haveMet(a!, b!));
      await segment.readdress(2, 80);
      const moved = `ws://${segment.address(2, 80)}:4100`;
      await eventually(
        "the new address is seen",
        () => a?.peers?.join() === moved,
        () => [a?.lines, b?.lines],
      );
      await segment.in(3, "ip", "link", "set", "eth0", "up");
      await eventually(
        "the third comes too",
        () => a?.peers?.includes(c!.address) === true,
        () => c?.lines,
      );
    },
  );
});
