/** The book of channels passes what is right and names what was planted. */
import { describe, expect, test } from "@jest/globals";
import { virtualClock } from "@foundation/core/testing";
import { ChannelBook, type Sent } from "./channel-book.js";
import type { ChannelName } from "./channel-names.js";
import { excerptOf, isPartOf, noiseAt } from "./noise.js";
import { Partings } from "./partings.js";

const [a, b] = ["a/1", "b/1"];
const alive = new Set([a, b]);

function bookOf() {
  let nowMs = 0;
  const book = new ChannelBook(() => (nowMs += 1));
  book.serves(b, 0);
  const send = (channel: ChannelName = "simulation.reliable", outcome: string | null = "ok") => {
    const sent = book.sending({ channel, from: a, to: b, key: "k" }, excerptOf(10, 0.5));
    if (outcome !== null) book.told(sent, outcome);
    return sent;
  };
  const handle = ({ id, content }: Sent) => book.handling(id, noiseAt(content), b)();
  const wrong = () => [...book.violations, ...book.gaps(), ...book.missing(alive)];
  return { book, send, handle, wrong };
}

describe("the book of channels", () => {
  test("balances when all arrived once and in order, and what was refused did not", () => {
    const { book, send, handle, wrong } = bookOf();
    const [first, , third] = [send(), send(undefined, "ERR_NODE_UNREACHABLE"), send()];
    for (const sent of [first, third]) handle(sent);
    expect([...wrong(), ...book.unsettled(alive)]).toEqual([]);
  });

  test("shows what came twice, too early, changed, from nobody, and though it was refused", () => {
    const { book, send, handle } = bookOf();
    const [first, second, refused] = [send(), send(), send(undefined, "full")];
    handle(second);
    handle(first);
    handle(second);
    book.handling(send().id, new Uint8Array(10), b);
    book.handling(99, new Uint8Array(1), b);
    handle(refused);
    const all = book.violations.join("\n");
    expect(all).toMatch(/#0 .* came to b\/1 after number 2/);
    expect(all).toMatch(/#1 .* was handled 2 times/);
    expect(all).toMatch(/#3 .* other bytes/);
    expect(all).toMatch(/message 99, which nobody sent/);
    expect(all).toMatch(/#2 .*told full\) was handled by b/);
  });

  test("shows a gap and a loss on a reliable channel, unless one has given the other up", () => {
    const { book, send, handle } = bookOf();
    const [, second] = [send(), send()];
    handle(second);
    expect([book.gaps().length, book.missing(alive).length]).toEqual([1, 1]);
    expect(book.missing(new Set([a]))).toEqual([]);
    book.parted(b, a, "test");
    expect([...book.gaps(), ...book.missing(alive)]).toEqual([]);
  });

  test("asks a best channel for order only, and one of newest values for the last", () => {
    const { send, handle, wrong } = bookOf();
    send("simulation.best");
    handle(send("simulation.best"));
    const [old, newest] = [send("simulation.latest"), send("simulation.latest")];
    expect(wrong()).toHaveLength(1);
    handle(newest);
    expect(wrong()).toEqual([]);
    handle(old);
    expect(wrong()).toHaveLength(1);
  });

  test("shows an acked send that was told too early, and one that was told nothing", () => {
    const { book, send } = bookOf();
    const sent = send("simulation.acked", null);
    expect(book.unsettled(alive)).toHaveLength(1);
    const finished = book.handling(sent.id, noiseAt(sent.content), b);
    book.told(sent, "ok");
    expect(book.violations).toHaveLength(1);
    finished();
    book.told(sent, "ok");
    expect(book.violations).toHaveLength(1);
  });

  test("shows a message for one start that a later one got, and a request that was not withdrawn", () => {
    const { book, send } = bookOf();
    const sent = send();
    book.serves("b/2", 5);
    book.handling(sent.id, noiseAt(sent.content), "b/2");
    expect(book.violations).toHaveLength(1);
    const route = { channel: "simulation.reliable", from: a, to: b, key: "k" } as const;
    const request = book.sending(route, excerptOf(1, 0), true);
    book.told(request, "ERR_TIMEOUT");
    book.handling(request.id, noiseAt(request.content), b);
    expect(book.violations).toHaveLength(2);
  });

  test("expects nothing of a start that has no handlers yet", () => {
    const book = new ChannelBook();
    const sent = book.sending(
      { channel: "simulation.reliable", from: a, to: b, key: undefined },
      excerptOf(1, 0),
    );
    book.told(sent, "ok");
    expect(book.missing(alive)).toEqual([]);
  });
});

describe("partings", () => {
  const node = (boot: string) => ({ id: "b", boot }) as unknown as Parameters<Partings["told"]>[1];

  test.each([
    ["an hour", 3_600_000, 0],
    ["a moment", 1_000, 1],
  ])("a return after %s", async (_, downMs, missing) => {
    const clock = virtualClock();
    const book = new ChannelBook(() => clock.now());
    book.serves("b/1", 0);
    await clock.advance(1);
    const partings = new Partings(a, clock, book);
    const sent = book.sending(
      { channel: "simulation.reliable", from: a, to: "b/1", key: undefined },
      excerptOf(1, 0),
    );
    book.told(sent, "ok");
    for (const type of ["node-up", "node-down"]) partings.told(type, node("1"));
    await clock.advance(downMs);
    partings.told("node-up", node("1"));
    expect(book.missing(new Set([a, "b/1"]))).toHaveLength(missing);
  });

  test.each([
    ["a farewell", "node-left", "1"],
    ["a newer start", "node-up", "2"],
  ])("%s is for good", (_, type, boot) => {
    const book = new ChannelBook();
    const told: string[] = [];
    book.parted = (one, other) => void told.push(`${one} ${other}`);
    const partings = new Partings(a, virtualClock(), book);
    partings.told("node-up", node("1"));
    partings.told(type, node(boot));
    expect(told).toEqual([`${a} b/1`]);
  });
});

test("noise is told from other noise, and a part of it by its place", () => {
  const whole = excerptOf(1_000, 0.3);
  expect(isPartOf(whole, noiseAt(whole))).toBe(true);
  expect(isPartOf(whole, noiseAt(whole).subarray(100), 100)).toBe(true);
  expect(isPartOf(whole, noiseAt(whole).subarray(100), 99)).toBe(false);
  expect(isPartOf(whole, noiseAt(whole), 1)).toBe(false);
});
