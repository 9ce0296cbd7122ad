import { expect, test } from "@jest/globals";
import { coreErrors } from "@foundation/core";
import type { ChildSpec } from "../../../src/protocol/child-spec.js";
import { Patience } from "../../../src/runtime/patience.js";
import { Endings } from "../../../src/runtime/supervision/endings.js";
import { counter, world } from "../runtime/world.js";

/** Stops on a node that knows where a child is and not its spec, which is told while the request to its node is lost. */
async function stopUnheard(heard: "running" | "stopped"): Promise<unknown> {
  const w = await world(2);
  const { registry, port } = w.at(0);
  const ref = await w.run(
    registry.startProcess(counter, { from: 0 }, { name: "c", distribute: true }),
  );
  const pid = ref.whereis();
  const { clock } = w;
  const spec = { ...registry.children()[0], args: undefined, state: heard } as unknown as ChildSpec;
  const known = new Map<string, ChildSpec>();
  const request = () => {
    known.set("c", spec);
    const details = { node: pid?.node ?? "?", reason: "it never left" };
    return Promise.reject(coreErrors.ERR_NODE_UNREACHABLE("The request never left", details));
  };
  const wiring = {
    ...{ clock, membership: port.membership, self: { node: "f".repeat(32), boot: port.boot } },
    messenger: { handle: () => () => undefined, request },
  };
  const specs = {
    get: (identity: string) => known.get(identity),
    put: (put: ChildSpec) => known.set(put.identity, put),
  };
  type Given = ConstructorParameters<typeof Endings>;
  const endings = new Endings(
    wiring as unknown as Given[0],
    { specs } as unknown as Given[1],
    {} as Given[2],
    () => Promise.resolve(),
  );
  const patience = new Patience(clock, 1_000, undefined);
  try {
    return await w.run(
      endings.stop("c", pid, patience).then(
        () => "done",
        (error: unknown) => (error as { code?: string }).code,
      ),
    );
  } finally {
    patience.end();
    await w.close();
  }
}

test("a stop that nobody heard is not reported as done because the child is known by then, as running", async () => {
  expect(await stopUnheard("running")).toBe("ERR_NODE_UNREACHABLE");
});

test("a stop that nobody heard is done where the child is known to be stopped: it ends when its node hears of that", async () => {
  expect(await stopUnheard("stopped")).toBe("done");
});
