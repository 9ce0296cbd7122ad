import { afterAll, afterEach, beforeAll, beforeEach, expect } from "@jest/globals";
import { requires } from "@foundation-tooling/jest";
import { Avahi, hasAvahi } from "../../support/avahi.js";
import { eventually, haveMet, LanMachines, LanProgram } from "../../support/lan-machines.js";
import { canMakeLan } from "../../support/lan-segment.js";

const avahi = await requires(
  "avahi-daemon, network namespaces and nft (Linux, as root)",
  async () => (await canMakeLan()) && (await hasAvahi()),
);

avahi.describe("with avahi in the same network", () => {
  let program: LanProgram;
  let machines: LanMachines;
  let responders: Avahi[] = [];
  const mdns = { strategy: "mdns" } as const;

  beforeAll(async () => {
    program = await LanProgram.bundle();
  });
  afterAll(() => program.remove());
  beforeEach(async () => {
    machines = await LanMachines.create(program, 3);
    responders = [];
  });
  afterEach(async () => {
    await Promise.all(responders.map((each) => each.stop()));
    await machines.close();
  });

  async function start(
    ...rest: Parameters<typeof Avahi.start> extends [unknown, ...infer R] ? R : never
  ) {
    const responder = await Avahi.start(machines.segment, ...rest);
    responders.push(responder);
    await eventually(
      "it runs",
      () => /Server startup complete/.test(responder.output),
      () => responder.output,
    );
    return responder;
  }

  avahi.test(
    "nodes find each other beside it, also on its own machine, and do not take its services for peers",
    async () => {
      const printer = { name: "printer", type: "_ipp._tcp", port: 631, texts: ["rp=ipp"] };
      // Of our type, with a tag that nobody made: a stranger.
      const forged = {
        name: "forged",
        type: "_foundation._tcp",
        port: 4_100,
        texts: ["v=1", "tag=00"],
      };
      const one = await start(1, "one", [printer, forged]);
      await start(3, "three", [printer]);
      const peers = [1, 2, 3].map((host) => machines.start(host, mdns));
      await eventually(
        "they meet",
        () => haveMet(...peers),
        () => peers.map(({ lines }) => lines),
      );
      await eventually("the forged one is refused", () =>
        peers.every(({ problems }) => problems.some(({ code }) => code === "ERR_LAN_STRANGER")),
      );
      expect(peers.map(({ peers: found }) => found?.length)).toEqual([2, 2, 2]);
      expect(one.output).not.toMatch(/invalid|malformed|conflict/i);
    },
  );

  avahi.test("it reads our announcements and our goodbyes", async () => {
    const responder = await start(1, "one");
    const node = machines.start(2, mdns);
    /** What it has cached: it prints that when it is sent SIGUSR1. */
    const cached = async (): Promise<string> => {
      responder.forget();
      responder.child.kill("SIGUSR1");
      const printed = () => responder.output;
      // One for each family of eth0 and of lo.
      const dumps = () => printed().match(/CACHE DUMP FOLLOWS/g)?.length;
      await eventually("it prints its caches", () => dumps() === 4, printed);
      return printed();
    };
    const service = /\._foundation\._tcp\.local\s+IN\s+SRV 0 0 4100/;
    await eventually(
      "it has our service",
      async () => service.test(await cached()),
      () => responder.output,
    );
    await node.stop();
    await eventually("it has let it go", async () => !/_foundation/.test(await cached()));
  });
});
