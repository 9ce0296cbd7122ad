import { afterAll, afterEach, beforeAll, beforeEach, expect } from "@jest/globals";
import { requires } from "@foundation-tooling/jest";
import { eventually, haveMet, LanMachines, LanProgram } from "../../support/lan-machines.js";
import { canMakeLan } from "../../support/lan-segment.js";

const lan = await requires(
  "network namespaces with a bridge, and nft (Linux, as root)",
  canMakeLan,
);

lan.describe("gossip between machines", () => {
  let program: LanProgram;
  let machines: LanMachines;
  const gossip = { strategy: "gossip" } as const;

  beforeAll(async () => {
    program = await LanProgram.bundle();
  });
  afterAll(() => program.remove());
  beforeEach(async () => {
    machines = await LanMachines.create(program, 3);
  });
  afterEach(() => machines.close());

  lan.test("three machines find each other by multicast, a goodbye is heard", async () => {
    const [a, b, c] = [1, 2, 3].map((host) => machines.start(host, gossip)) as [P, P, P];
    await eventually(
      "they meet",
      () => haveMet(a, b, c),
      () => [a.peers, b.peers, c.peers],
    );
    expect(await c.stop()).toBe(0);
    await eventually("the one that left is gone", () => haveMet(a, b));
    expect([a, b, c].flatMap(({ problems }) => problems)).toEqual([]);
  });

  lan.test("by IPv6 alone, and by broadcast", async () => {
    const six = { ...gossip, options: { multicastAddress: "ff12::466f:756e" } };
    const [a, b] = [1, 2].map((host) =>
      machines.start(host, { ...six, address: `ws://[${machines.segment.address6(host)}]:4100` }),
    ) as [P, P];
    await eventually(
      "they meet by IPv6",
      () => haveMet(a, b),
      () => [a.lines, b.lines],
    );
    const broadcast = {
      ...gossip,
      options: { multicastAddress: "239.255.70.78", broadcast: true },
    };
    const others = [1, 2, 3].map((host) =>
      machines.start(host, { ...broadcast, cluster: "other" }),
    );
    await eventually("they meet by broadcast", () => haveMet(...others));
  });

  lan.test("with 30 of 100 datagrams lost they meet, and stay", async () => {
    for (const host of [1, 2, 3]) await machines.segment.lose(host, 30);
    const peers = [1, 2, 3].map((host) => machines.start(host, gossip));
    await eventually("they meet", () => haveMet(...peers));
  });

  lan.test(
    "processes of one machine share the port, and a wrong secret is told in words",
    async () => {
      const one = { ...gossip, address: `ws://${machines.segment.address(1)}:4101` };
      const peers = [machines.start(1, gossip), machines.start(1, one), machines.start(2, gossip)];
      const stranger = machines.start(3, { ...gossip, secrets: ["another secret"] });
      await eventually("they meet", () => haveMet(...peers));
      await eventually("the stranger is told", () => stranger.problems.length > 0);
      for (const peer of peers) await eventually("so are they", () => peer.problems.length > 0);
      await eventually("the stranger has looked", () => stranger.peers?.length === 0);
      expect(stranger.problems[0]?.code).toBe("ERR_LAN_STRANGER");
      expect(stranger.problems[0]?.message).toContain("FOUNDATION_SECRET");
    },
  );

  lan.test(
    "a machine that gets another address, and one that gets another interface, are followed",
    async () => {
      const { segment } = machines;
      const a = machines.start(1, { ...gossip, listensOn: "0.0.0.0" });
      const b = machines.start(2, { ...gossip, listensOn: "0.0.0.0" });
      await eventually("they meet", () => haveMet(a, b));
      await segment.readdress(2, 80);
      const moved = `ws://${segment.address(2, 80)}:4100`;
      await eventually(
        "the new address is announced",
        () => a.peers?.join() === moved,
        () => a.lines,
      );
      await segment.addInterface(3, "eth1", 99);
      await segment.addInterface(1, "eth1", 99);
      await segment.in(3, "ip", "link", "set", "eth0", "down");
      const address = `ws://${segment.address(3, 99)}:4100`;
      const c = machines.start(3, { ...gossip, address });
      await eventually(
        "they meet over the second interface",
        () => a.peers?.includes(address) === true,
      );
      await eventually(
        "both ways",
        () => c.peers?.includes(`ws://${segment.address(1, 99)}:4100`) === true,
        () => c.lines,
      );
    },
  );
});

type P = ReturnType<LanMachines["start"]>;
