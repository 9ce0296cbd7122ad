import { afterEach, expect, test } from "@jest/globals";
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
