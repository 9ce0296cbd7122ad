import { describe, expect, test } from "@jest/globals";
import { ChunkedMessage } from "../../../../src/protocol/flow/chunked-message.js";
import { ReceiveFlow } from "../../../../src/protocol/flow/receive-flow.js";
import { SendFlow } from "../../../../src/protocol/flow/send-flow.js";

const sendFlow = (retains = false, retainBytesMax = 1_000) =>
  new SendFlow({ retains, retainBytesMax, isFree: false });
const frame = (n: number, bytes = 10) => new Uint8Array(bytes).fill(n);
const written = (flow: SendFlow) => {
  const all: number[] = [];
  for (let next = flow.next(); next !== undefined; next = flow.next()) all.push(next[0] as number);
  return all;
};

describe("what a lane may write", () => {
  test("is nothing before the peer has resumed, whatever waits", () => {
    const flow = sendFlow();
    flow.queue(frame(1), 1);
    flow.attach();
    expect([flow.next(), flow.blocked]).toEqual([undefined, "not-resumed"]);
    flow.resume(7, 0, 100);
    expect(written(flow)).toEqual([1]);
  });

  test("is frames while less than the credit was sent, so one may go beyond", () => {
    const flow = sendFlow();
    flow.attach();
    flow.resume(7, 0, 25);
    for (const n of [1, 2, 3, 4, 5]) flow.queue(frame(n), 1);
    expect(written(flow)).toEqual([1, 2, 3]);
    expect(flow.blocked).toBe("credit");
    flow.window(3, 40);
    expect(written(flow)).toEqual([4]);
    flow.window(3, 30);
    expect(written(flow)).toEqual([]);
  });

  test("is everything at once where no credit is needed", () => {
    const flow = new SendFlow({ retains: false, retainBytesMax: 1, isFree: true });
    flow.queue(frame(1), 1);
    flow.attach();
    expect(written(flow)).toEqual([1]);
  });

  test("stops while more is kept than may be, until the peer has counted some", () => {
    const flow = sendFlow(true, 20);
    flow.attach();
    flow.resume(7, 0, 1_000);
    for (const n of [1, 2, 3, 4]) flow.queue(frame(n), 1);
    expect(written(flow)).toEqual([1, 2]);
    expect(flow.blocked).toBe("retained");
    flow.window(1, 1_000);
    expect(written(flow)).toEqual([3]);
    expect(flow.retainedBytes).toBe(20);
  });
});

describe("a lane whose connection broke", () => {
  const broken = (retains: boolean) => {
    const flow = sendFlow(retains);
    flow.attach();
    flow.resume(7, 0, 1_000);
    for (const n of [1, 2, 3]) flow.queue(frame(n), 1);
    written(flow);
    flow.window(1, 1_000);
    flow.detach();
    flow.queue(frame(4), 1);
    flow.attach();
    return flow;
  };

  test("forgets what was under way, if it keeps nothing", () => {
    const flow = broken(false);
    expect(flow.resume(7, 2, 1_000)).toBe(0);
    expect(written(flow)).toEqual([4]);
  });

  test("writes again what its receiver has not counted, if it keeps", () => {
    const flow = broken(true);
    expect(flow.resume(7, 2, 1_000)).toBe(0);
    expect(written(flow)).toEqual([3, 4]);
    expect(flow.resent).toBe(1);
  });

  test("writes again over a third connection what the second did not bring", () => {
    const flow = broken(true);
    flow.resume(7, 1, 15);
    expect(written(flow)).toEqual([2, 3]);
    flow.detach();
    flow.attach();
    flow.resume(7, 2, 1_000);
    expect(written(flow)).toEqual([3, 4]);
  });

  test("says how much is lost when its receiver has forgotten it, and goes on with the rest", () => {
    const flow = broken(true);
    expect(flow.resume(8, 0, 1_000)).toBe(2);
    expect(written(flow)).toEqual([4]);
    flow.window(1, 1_000);
    expect(flow.retainedBytes).toBe(0);
  });

  test("goes on where another life of the sender's had left the receiver", () => {
    const flow = sendFlow(true);
    flow.attach();
    expect(flow.resume(7, 40, 1_000)).toBe(0);
    flow.queue(frame(1), 1);
    written(flow);
    flow.window(40, 1_000);
    expect(flow.retainedBytes).toBe(10);
    flow.window(41, 1_000);
    expect(flow.retainedBytes).toBe(0);
  });

  test("drops what waits when it is told to, and numbers what comes later as if it had left", () => {
    const flow = sendFlow();
    for (const n of [1, 2]) flow.queue(frame(n), n);
    expect(flow.dropWaiting()).toBe(3);
    expect([flow.begun, flow.nextNumber, flow.queuedBytes]).toEqual([2, 2, 0]);
  });
});

describe("large messages", () => {
  const large = (bytes: number) => {
    const head = Uint8Array.of(1, 0, 0, 0, 0, 0, 9, 9, 9, 9);
    return ChunkedMessage.of(head, new Uint8Array(bytes).fill(5), 100);
  };

  test("leave in chunks, and count as one when the last has left", () => {
    const flow = sendFlow();
    flow.attach();
    flow.resume(7, 0, 10_000);
    flow.queue(large(240), 1);
    flow.queue(frame(2), 1);
    const sizes: number[] = [];
    const messages: number[] = [];
    for (let next = flow.next(); next !== undefined; next = flow.next()) {
      sizes.push(next.length);
      messages.push(flow.messages);
    }
    expect(sizes).toEqual([111, 111, 61, 10]);
    expect(messages).toEqual([0, 0, 1, 1]);
    expect([flow.begun, flow.queuedBytes]).toEqual([2, 0]);
  });

  test("leave nothing when they were taken back before their first chunk", () => {
    const flow = sendFlow();
    const head = Uint8Array.of(2, 0, 0, 0, 0, 0);
    flow.queue(ChunkedMessage.of(head, new Uint8Array(500), 100), 1);
    head[0] = 0;
    flow.queue(frame(2), 1);
    flow.attach();
    flow.resume(7, 0, 10_000);
    expect(written(flow)).toEqual([2]);
    expect([flow.begun, flow.queuedBytes]).toEqual([2, 0]);
  });
});

describe("what a lane has received", () => {
  test("gives new credit when half of the window is free, not for every frame", () => {
    const flow = new ReceiveFlow(7, 100, 50);
    expect(flow.attach()).toBe(100);
    flow.received(40);
    expect(flow.grant()).toBeUndefined();
    flow.received(20);
    expect(flow.grant()).toBe(160);
    expect(flow.tell()).toEqual({ frames: 2, creditBytes: 160 });
  });

  test("gives none for what a handler still holds, and all of it when it lets go", () => {
    const flow = new ReceiveFlow(7, 100, 50);
    flow.attach();
    flow.hold(90);
    flow.received(90);
    expect(flow.grant()).toBeUndefined();
    flow.release(90);
    expect(flow.grant()).toBe(190);
  });

  test("gives what little there is to a peer that has none left", () => {
    const flow = new ReceiveFlow(7, 100, 50);
    flow.attach();
    flow.hold(70);
    flow.received(100);
    expect(flow.grant()).toBe(130);
  });

  test("knows a peer that sends far more than it may", () => {
    const flow = new ReceiveFlow(7, 100, 50);
    flow.attach();
    expect([flow.received(100), flow.received(50), flow.received(1)]).toEqual([true, true, false]);
  });

  test("counts on over a new connection, whose credit begins with what is not held", () => {
    const flow = new ReceiveFlow(7, 100, 50);
    flow.attach();
    flow.received(30);
    flow.hold(30);
    expect(flow.attach()).toBe(70);
    expect(flow.frames).toBe(1);
    expect(flow.owesCount).toBe(false);
  });
});
