import { execFile } from "node:child_process";
import { promisify } from "node:util";
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
    await eventually("the node has looked", () => node.peers !== undefined);
    // Its log at debug level names nothing it reads, but its cache does: a SIGUSR1 prints it.
    const cached = async () => {
      responder.child.kill("SIGUSR1");
      await promisify(execFile)("true");
      return responder.output;
    };
    await eventually(
      "it has our record in its cache",
      async () => /_foundation/.test(await cached()),
      () => responder.output,
    );
    await node.stop();
  });
});
