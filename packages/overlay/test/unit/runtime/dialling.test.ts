import { describe, expect, test } from "@jest/globals";
import type { Connection, ConnectionEnd } from "@foundation/core";
import { virtualClock } from "@foundation/core/testing";
import { presets } from "../../../src/presets.js";
import { Dialling, type DialOutcome } from "../../../src/runtime/dialling.js";

/** A dial whose connection is up and whose welcome is still on its way. */
async function underWay() {
  let receive: (frame: Uint8Array) => void = () => {};
  const ends: (ConnectionEnd | undefined)[] = [];
  const connection = {
    remote: "sim://b:1",
    bufferedBytes: 0,
    binding: undefined,
    closed: new Promise<ConnectionEnd>(() => {}),
    send: () => {},
    onFrame: (fn) => {
      receive = fn;
    },
    drained: () => Promise.resolve(),
    pause: () => () => {},
    // As a real one: what the other side has sent still arrives after our close.
    close: (end) => void ends.push(end),
  } satisfies Connection;
  const machine = { start: () => [], handle: () => [{ type: "established", peer: { name: "b" } }] };
  const adopted: unknown[] = [];
  const parts = [
    { clock: virtualClock(), preset: presets.local },
    { frameBytesMax: 1_024, dial: () => Promise.resolve(connection) },
    { dialer: () => machine },
    { keyProved: () => true },
    { adopt: (peer: unknown) => adopted.push(peer) },
    {},
  ] as unknown as ConstructorParameters<typeof Dialling>;
  const outcomes: DialOutcome[] = [];
  const giveUp = new Dialling(...parts).dial({
    address: "sim://b:1",
    channel: "events",
    lane: 0,
    done: (outcome) => outcomes.push(outcome),
  });
  await new Promise((resume) => setImmediate(resume));
  return { giveUp, welcome: () => receive(new Uint8Array(1)), adopted, outcomes, ends };
}

describe("a dial", () => {
  test("is established by the welcome, and giving it up afterwards does nothing", async () => {
    const { giveUp, welcome, adopted, outcomes, ends } = await underWay();
    welcome();
    giveUp();
    expect(adopted).toHaveLength(1);
    expect(outcomes.map(({ type }) => type)).toEqual(["established"]);
    expect(ends).toEqual([]);
  });

  test("that was given up is not established by a welcome that was under way: a newer dial of the channel would be replaced by an older one, and the order of its messages lost", async () => {
    const { giveUp, welcome, adopted, outcomes, ends } = await underWay();
    giveUp();
    welcome();
    expect(adopted).toEqual([]);
    expect(outcomes.map(({ type }) => type)).toEqual(["failed"]);
    expect(ends).toHaveLength(1);
  });
});
