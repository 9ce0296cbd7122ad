import { afterEach, expect, jest, test } from "@jest/globals";
import { once } from "node:events";
import { request } from "node:http";
import type { Socket } from "node:net";
import { WebSocket } from "ws";
import type { Connection } from "@foundation/core";
import { websocketTransport } from "../../src/index.js";

const closers: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0)) await close();
});

/** Both ends of one connection. */
async function ends(options: Parameters<typeof websocketTransport>[0] = {}) {
  const transport = websocketTransport(options);
  let accept: (connection: Connection) => void = () => {};
  const accepted = new Promise<Connection>((resolve) => {
    accept = resolve;
  });
  const listener = await transport.listen({ host: "127.0.0.1", port: 0 }, accept);
  closers.push(() => listener.close());
  const { signal } = new AbortController();
  const dialled = await transport.dial(listener.address, { signal });
  dialled.onFrame(() => {});
  return { transport, dialled, accepted: await accepted };
}

test.each(["é", "🙂", "x🙂"])(
  "a reason for people that is full of %s is cut to what a close frame holds, at a whole character",
  async (text) => {
    const { dialled, accepted } = await ends();
    accepted.onFrame(() => {});
    accepted.close({ reason: "timeout", detail: text.repeat(200) });
    const end = await dialled.closed;
    expect(end.reason).toBe("timeout");
    expect(text.repeat(200).startsWith(end.detail)).toBe(true);
    expect(end.detail.length).toBeGreaterThan(40);
  },
);

test("a connection that is not admitted may send so many bytes in all; an admitted one is bound no more", async () => {
  for (const admitted of [false, true]) {
    const { transport, dialled, accepted } = await ends({ strangerBytesMax: 10_000 });
    const received: number[] = [];
    accepted.onFrame((frame) => received.push(frame.length));
    if (admitted) transport.admit(accepted);
    for (let i = 0; i < 3; i += 1) dialled.send(new Uint8Array(4_000));
    dialled.send(new Uint8Array(100_000));
    dialled.close();
    expect((await accepted.closed).reason).toBe(admitted ? "closed" : "protocol");
    if (admitted) expect(received).toEqual([4_000, 4_000, 4_000, 100_000]);
    else expect(received).not.toContain(100_000);
  }
});

test("the frames of nodes never go through ws: it would cost more than a small message", async () => {
  const emit = jest.spyOn(WebSocket.prototype, "emit");
  closers.push(async () => emit.mockRestore());
  const { dialled, accepted } = await ends();
  const lengths = [0, 125, 126, 65_535, 65_536, 1_000_000];
  for (const [from, to] of [
    [dialled, accepted],
    [accepted, dialled],
  ] as const) {
    const received: number[] = [];
    const all = new Promise<void>((resolve) => {
      to.onFrame((frame) => {
        if (received.push(frame.length) === lengths.length) resolve();
      });
    });
    for (const length of lengths) from.send(new Uint8Array(length));
    await all;
    expect(received).toEqual(lengths);
  }
  expect(emit.mock.calls.filter(([event]) => event === "message")).toEqual([]);
});

/** A peer that writes what it likes, and the end that a node has of it. */
async function rawPeer() {
  let accept: (connection: Connection) => void = () => {};
  const accepted = new Promise<Connection>((resolve) => {
    accept = resolve;
  });
  const listener = await websocketTransport().listen({ host: "127.0.0.1", port: 0 }, accept);
  closers.push(() => listener.close());
  const upgrade = request(`${listener.address.replace("ws:", "http:")}/_foundation`, {
    headers: {
      "sec-websocket-version": "13",
      "sec-websocket-key": Buffer.alloc(16).toString("base64"),
      "sec-websocket-protocol": "foundation.1",
      connection: "Upgrade",
      upgrade: "websocket",
    },
  });
  upgrade.end();
  const [, socket] = (await once(upgrade, "upgrade")) as [unknown, Socket];
  closers.unshift(async () => void socket.destroy());
  return { socket, accepted: await accepted };
}

const masked = (first: number, text: string, mask = [0, 0, 0, 0]) =>
  Buffer.from([
    ...[first, 0x80 | text.length, ...mask],
    ...Buffer.from(text).map((byte, i) => byte ^ (mask[i % 4] as number)),
  ]);

test("a peer may send pings and masks of its own between frames as nodes send them: all is read in order", async () => {
  const { socket, accepted } = await rawPeer();
  const received: string[] = [];
  accepted.onFrame((frame) => received.push(Buffer.from(frame).toString()));
  const answered = once(socket, "data") as Promise<[Buffer]>;
  socket.write(Buffer.concat([masked(0x82, "one"), masked(0x82, "two"), masked(0x89, "?")]));
  expect((await answered)[0]).toEqual(Buffer.from([0x8a, 1, ...Buffer.from("?")]));
  socket.write(Buffer.concat([masked(0x82, "three", [1, 2, 3, 4]), masked(0x82, "four")]));
  const close = masked(0x88, String.fromCharCode(0x03, 0x78));
  close.set([0x03, 0xe8], 6);
  socket.write(close);
  expect((await accepted.closed).reason).toBe("closed");
  expect(received).toEqual(["one", "two", "three", "four"]);
});

test("what looks like a frame within one that is cut off by the end of its connection is none", async () => {
  const { socket, accepted } = await rawPeer();
  const received: string[] = [];
  let resume = () => {};
  const begun = new Promise<void>((resolve) => {
    accepted.onFrame((frame) => {
      received.push(Buffer.from(frame).toString());
      resume = accepted.pause();
      resolve();
    });
  });
  // The second one would have 100 bytes.
  const beginning = Buffer.from([0x82, 0x80 | 100, 0, 0, 0, 0, 1]);
  socket.write(Buffer.concat([masked(0x82, "whole"), beginning]));
  await begun;
  await new Promise((resolve) => socket.write(masked(0x82, "hidden"), resolve));
  // The other side of the loopback takes it from the system in its next turn: read, and given to nobody.
  for (let turn = 0; turn < 3; turn += 1) await new Promise((resolve) => setImmediate(resolve));
  socket.resetAndDestroy();
  expect((await accepted.closed).reason).toBe("lost");
  resume();
  expect(received).toEqual(["whole"]);
});
