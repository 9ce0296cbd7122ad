import { describe, expect, test } from "@jest/globals";
import type { Connection } from "../../../src/ports/index.js";
import { memoryNetwork, virtualClock } from "../../../src/testing/index.js";

async function connected(latencyMs = 5) {
  const clock = virtualClock();
  const network = memoryNetwork({ clock, latencyMs });
  const accepted: Connection[] = [];
  const listener = await network
    .transport("b")
    .listen({ host: "b", port: 0 }, (connection) => accepted.push(connection));
  const dial = () =>
    network.transport("a").dial(listener.address, { signal: new AbortController().signal });
  const dialer = await clock.run(dial());
  const received: string[] = [];
  const [acceptor] = accepted;
  acceptor?.onFrame((frame) => received.push(Buffer.from(frame).toString()));
  return { clock, network, listener, dial, dialer, acceptor: acceptor as Connection, received };
}

describe("memoryNetwork", () => {
  test("frames take the latency, a dial a round trip", async () => {
    const { clock, dialer, received } = await connected(5);
    expect(clock.now()).toBe(10);
    dialer.send(Buffer.from("hi"));
    await clock.advance(4);
    expect(received).toEqual([]);
    await clock.advance(1);
    expect(received).toEqual(["hi"]);
  });

  test("a cut holds frames back and loses none; what was sent arrives in order after the heal", async () => {
    const { clock, network, dialer, received } = await connected();
    network.cut("a", "b");
    for (const text of ["1", "2", "3"]) dialer.send(Buffer.from(text));
    await clock.advance(60_000);
    expect(received).toEqual([]);
    expect(dialer.bufferedBytes).toBe(3);
    network.heal("a", "b");
    await clock.advance(10);
    expect(received).toEqual(["1", "2", "3"]);
  });

  test("a one-way cut lets the other direction through", async () => {
    const { clock, network, dialer, acceptor, received } = await connected();
    const back: string[] = [];
    dialer.onFrame((frame) => back.push(Buffer.from(frame).toString()));
    network.cut("a", "b", { oneWay: true });
    dialer.send(Buffer.from("there"));
    acceptor.send(Buffer.from("back"));
    await clock.advance(100);
    expect([received, back]).toEqual([[], ["back"]]);
  });

  test("a dial over a cut waits for the heal, and gives up in the end", async () => {
    const { clock, network, dial } = await connected();
    network.cut("a", "b");
    const healed = dial();
    await clock.advance(1_000);
    network.heal();
    await clock.run(healed);
    network.cut("a", "b");
    await expect(clock.run(dial())).rejects.toMatchObject({ code: "ERR_DIAL_FAILED" });
  });

  test("a crash breaks connections on both sides and refuses dials", async () => {
    const { clock, network, dial, dialer, acceptor } = await connected();
    network.crash("b");
    const ends = await clock.run(Promise.all([dialer.closed, acceptor.closed]));
    expect(ends.map(({ reason }) => reason)).toEqual(["lost", "lost"]);
    await expect(clock.run(dial())).rejects.toMatchObject({ code: "ERR_DIAL_REFUSED" });
    expect(network.openConnections).toBe(0);
  });

  test("severing breaks what is open and lets new connections through", async () => {
    const { clock, network, dial, dialer } = await connected();
    network.sever("a", "b");
    expect((await clock.run(dialer.closed)).reason).toBe("lost");
    await clock.run(dial());
    expect(network.openConnections).toBe(1);
  });

  test("a close that the other side never takes ends by itself", async () => {
    const { clock, dialer, acceptor } = await connected();
    acceptor.pause();
    dialer.send(Buffer.from("never taken"));
    dialer.close();
    const ends = await clock.run(Promise.all([dialer.closed, acceptor.closed]));
    expect(ends.map(({ reason }) => reason)).toEqual(["closed", "lost"]);
    expect(clock.pendingTimers).toBe(0);
  });
});
