/** Two whole overlays that have no connection but relayed ones: all above runs over them unchanged. */
import { afterEach, beforeEach, expect, test } from "@jest/globals";
import { createBoot, type Transport } from "@foundation/core";
import { memoryMeter, recordingLogger, seededRandom } from "@foundation/core/testing";
import { createOverlay, type Overlay } from "../../../../src/index.js";
import { relayLimits } from "../../../../src/protocol/relay/limits.js";
import { idOf, RelayNodes } from "./relay-nodes.js";

let nodes: RelayNodes;
let overlays: Overlay[];

beforeEach(() => {
  nodes = new RelayNodes();
  overlays = [];
  // Two ways of three links each.
  for (const name of ["a", "r", "s", "t", "u", "b"]) nodes.add(name);
  for (const [from, to] of ["ar", "rs", "sb", "at", "tu", "ub"]) nodes.link(from ?? "", to ?? "");
  nodes.learnAll();
});
afterEach(async () => {
  await nodes.clock.run(Promise.all(overlays.map((overlay) => overlay.close())));
});

/** What dials does so over relays; the address is the node's name. */
function relayed(name: string): Transport {
  return {
    frameBytesMax: relayLimits.frameBytesMax,
    listen: async (_, onConnection) => {
      nodes.node(name).onAccepted = onConnection;
      return { address: `relayed://${name}`, close: async () => {} };
    },
    dial: (address, options) => nodes.node(name).relay.dial(idOf(new URL(address).host), options),
  };
}

async function start(
  name: string,
  secret: string,
  peers: readonly string[] = [],
): Promise<Overlay> {
  const random = seededRandom(`overlay ${name}`);
  const starting = createOverlay({
    cluster: "relayed",
    secret,
    identity: { id: idOf(name), boot: createBoot(1, random), name },
    host: name,
    peers,
    channels: [{ name: "sure", delivery: "reliable" }],
    runtime: {
      clock: nodes.clock,
      random,
      logger: recordingLogger(),
      meter: memoryMeter(),
      transport: relayed(name),
    },
  });
  const overlay = await nodes.clock.run(starting);
  overlays.push(overlay);
  return overlay;
}

const SECRET = "a secret that both of them know";

async function pair(): Promise<readonly [Overlay, Overlay]> {
  const a = await start("a", SECRET);
  const b = await start("b", SECRET, [a.address]);
  await nodes.clock.advance(1_000);
  expect([a, b].map(({ membership }) => membership.members().length)).toEqual([2, 2]);
  return [a, b];
}

test("members meet, prove themselves, and ask each other things of every size", async () => {
  const [a, b] = await pair();
  b.messenger.handle("echo", ({ payload }) => payload);
  const route = { to: b.self.id, channel: "data", subject: "echo" };
  for (const size of [1, 1_000, 100_000, 3_000_000]) {
    const bytes = new Uint8Array(size).fill(size & 0xff);
    const answer = await nodes.clock.run(a.messenger.request(route, bytes));
    expect(Buffer.compare(answer as Uint8Array, bytes)).toBe(0);
  }
});

test("who does not know the secret is refused over relays too", async () => {
  const a = await start("a", SECRET);
  const b = await start("b", "a secret that nobody else knows", [a.address]);
  await nodes.clock.advance(1_000);
  expect(b.membership.members()).toHaveLength(1);
  expect(b.refusals().map(({ code }) => code)).toEqual(["ERR_WRONG_SECRET"]);
});

test("a reliable channel delivers all, once and in order, though links on the way break", async () => {
  const [a, b] = await pair();
  const received: number[] = [];
  b.messenger.handle("number", ({ payload }) => void received.push(payload as number));
  const route = { to: b.self.id, channel: "sure", subject: "number" };
  for (let i = 0; i < 400; i += 1) {
    a.messenger.trySend(route, i);
    await nodes.clock.advance(5);
    // Every connection that leads over the link that breaks ends; then it is there again.
    if (i === 100 || i === 300) nodes.cut("r", "s");
    if (i === 200) nodes.cut("t", "u");
    if (i === 180 || i === 280) {
      nodes.link("r", "s");
      nodes.link("t", "u");
      nodes.learnAll();
    }
  }
  await nodes.clock.advance(5_000);
  expect(received).toEqual(Array.from({ length: 400 }, (_, i) => i));
  expect(a.links().find(({ channel }) => channel === "sure")?.reconnects).toBeGreaterThan(1);
  expect([a, b].map(({ membership }) => membership.members().length)).toEqual([2, 2]);
});
