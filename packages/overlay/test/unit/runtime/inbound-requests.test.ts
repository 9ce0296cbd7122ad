import { describe, expect, test } from "@jest/globals";
import { createBoot, createCodec, createNodeId, type MessageHandler } from "@foundation/core";
import { seededRandom, virtualClock } from "@foundation/core/testing";
import { MessageType } from "../../../src/protocol/frame.js";
import { Handlers } from "../../../src/runtime/handlers.js";
import { InboundRequests } from "../../../src/runtime/inbound-requests.js";
import type { Link } from "../../../src/runtime/link.js";
import { Peer } from "../../../src/runtime/peer.js";
import type { World } from "../../../src/runtime/world.js";
import { hashOf } from "../../../src/protocol/subject.js";
import { readerAt } from "../../support/stream-link.js";

const codec = createCodec();

/** The requests of one peer, and a link that keeps what was answered: "reply" or an error's code. */
function requestsOf(handler: MessageHandler) {
  const clock = virtualClock();
  const random = seededRandom("requests");
  const handlers = new Handlers();
  handlers.add("work", handler);
  const world = { clock, codec, self: { id: createNodeId(random) } } as unknown as World;
  const requests = new InboundRequests(world, handlers);
  const peer = new Peer(createNodeId(random), createBoot(1, random), "peer", "", 0);
  const answers: unknown[] = [];
  const link = {
    peer,
    channel: "data",
    postValue: (_type: MessageType, _flags: number, _subject: number, id: number) =>
      answers.push([id, "reply"]),
    post: (...[, , , id, , , payload]: Parameters<Link["post"]>) =>
      answers.push([id, (codec.decode(payload) as { code: string }).code]),
  } as unknown as Link;
  const ask = (id: number) => {
    const payload = codec.encode(null);
    const reader = readerAt(MessageType.request, id, payload, hashOf("work"), 1_000);
    requests.onRequest(link, reader, clock.now());
  };
  return { clock, requests, peer, answers, ask };
}

describe("requests of a peer", () => {
  test("of one id are handled one at a time, so that no peer has more calls than the limit", () => {
    let calls = 0;
    const { peer, answers, ask } = requestsOf(() => {
      calls += 1;
      return new Promise(() => {});
    });
    ask(7);
    ask(7);
    ask(8);
    expect(calls).toBe(2);
    expect(peer.calls.size).toBe(2);
    expect(answers).toEqual([[7, "ERR_FRAME_MALFORMED"]]);
  });

  test.each(["returns", "throws"])(
    "do not abort the signal of a handler that %s at once when their deadline passes",
    async (how) => {
      let signal: AbortSignal | undefined;
      const { clock, answers, ask } = requestsOf((message) => {
        signal = message.signal;
        if (how === "throws") throw new Error("no");
        return 1;
      });
      ask(1);
      expect(answers).toHaveLength(1);
      await clock.advance(5_000);
      expect(signal?.aborted).toBe(false);
    },
  );

  test("abort the signal of a handler that is still at it when their deadline passes", async () => {
    let signal: AbortSignal | undefined;
    const { clock, ask } = requestsOf((message) => {
      signal = message.signal;
      return new Promise(() => {});
    });
    ask(1);
    await clock.advance(999);
    expect(signal?.aborted).toBe(false);
    await clock.advance(100);
    expect(signal?.aborted).toBe(true);
  });
});
