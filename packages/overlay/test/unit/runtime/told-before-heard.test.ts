/**
 * Nobody is heard before membership has told of them, though a channel has a connection of its own, which may be faster
 * than the one on which membership learns. Found by the simulator: a node that was held up and declared down meanwhile
 * knew nothing of it, and was heard before its node-up was told.
 */
import { expect, test } from "@jest/globals";
import { silentLogger } from "@foundation/core";
import type { Connection, Runtime } from "@foundation/core/ports";
import { createSimulator, type SimulatedHost } from "@foundation/testkit";
import { createOverlay, type Overlay } from "../../../src/index.js";

interface App {
  readonly overlay: Overlay;
  /** What was told and heard, in order. */
  readonly log: string[];
}

/** The first connection that is accepted, which is for membership, lags behind all others. */
const firstIsSlow = ({ transport, clock }: SimulatedHost["runtime"]): Partial<Runtime> => {
  let accepted = 0;
  const slow = (connection: Connection): Connection =>
    new Proxy(connection, {
      get: (target, key) => {
        if (key === "onFrame") {
          return (receive: (frame: Uint8Array) => void) =>
            target.onFrame((frame) => void clock.setTimer(400, () => receive(frame)));
        }
        const value: unknown = Reflect.get(target, key, target);
        return typeof value === "function" ? (value.bind(target) as unknown) : value;
      },
    });
  return {
    transport: {
      ...transport,
      listen: (options, onConnection) =>
        transport.listen(options, (connection) => {
          accepted += 1;
          onConnection(accepted === 1 ? slow(connection) : connection);
        }),
    },
  };
};

const start = async ({ runtime, name }: SimulatedHost): Promise<App> => {
  const overlay = await createOverlay({
    cluster: "told",
    secret: "a secret of at least 16 characters",
    port: 7_000,
    peers: name === "a" ? ["sim://b:7000"] : [],
    runtime: {
      ...runtime,
      logger: silentLogger(),
      ...(name === "b" && firstIsSlow(runtime)),
    },
  });
  const app: App = { overlay, log: [] };
  const { messenger, membership } = overlay;
  messenger.handle("hello", () => app.log.push("heard"));
  membership.subscribe(({ type, node }) => {
    app.log.push(type);
    if (type !== "node-up") return;
    messenger.trySend({ to: node.id, channel: "data", subject: "hello" }, undefined);
  });
  return app;
};

test("a message waits until membership has told of its sender, and is not lost", async () => {
  const sim = createSimulator<App>({ seed: "told" });
  try {
    for (const name of ["a", "b"]) sim.addNode(name, start);
    await sim.run("10s");
    expect(sim.node("b").app?.log).toEqual(["node-up", "heard"]);
    expect(sim.node("a").app?.log).toEqual(["node-up", "heard"]);
  } finally {
    sim.close();
  }
});
