/**
 * messengerContract: what every Messenger must do: order, at most once, honest outcomes, limits.
 */
import assert from "node:assert/strict";
import { coreErrors, createNodeId, isFoundationError, newTrace } from "@foundation/core";
import type { InboundMessage, Messenger, Route } from "@foundation/core/ports";
import { seededRandom } from "@foundation/core/testing";
import { rejectsWith, throwsWith, until } from "../time.js";
import { pairOf, type ClusterContractSetup, type ClusterFixture } from "./cluster-fixture.js";
import { streamDeathTests, streamTests } from "./messenger-streams.js";
import { testsWith, type ContractRunner } from "./runner.js";

type Test = (name: string, run: (fixture: ClusterFixture) => unknown) => void;

/** Runs the suite against one messenger. */
export function messengerContract(runner: ContractRunner, setup: ClusterContractSetup): void {
  const [channel, otherChannel] = setup.channels ?? ["data", "events"];
  const pair = testsWith(runner, () => setup.create({ nodes: 2 }));
  const trio = testsWith(runner, () => setup.create({ nodes: 3 }));
  const route = (to: { readonly messenger: Messenger }, subject = "contract.subject"): Route => ({
    to: to.messenger.self,
    channel,
    subject,
  });
  const describe = (name: string, fn: () => void) => runner.describe(`messenger: ${name}`, fn);
  describe("messages", () => messageTests(pair, route));
  describe("requests", () => requestTests(pair, route));
  describe("outcomes", () => outcomeTests(pair, route));
  describe("handlers", () => handlerTests(pair, route));
  describe("limits", () => limitTests(pair, route, otherChannel, setup.messageBytesMax));
  describe("traces", () => traceTests(trio, route));
  describe("streams", () => streamTests(pair, route));
  if (setup.kill) {
    describe("deaths", () => deathTests(pair, route, setup));
    describe("streams and deaths", () => streamDeathTests(pair, route, setup));
  }
}

type Routing = (to: { readonly messenger: Messenger }, subject?: string) => Route;

function messageTests(test: Test, route: Routing): void {
  test("a message arrives with its sender, boot, channel, subject and payload", async (fixture) => {
    const [a, b] = pairOf(fixture);
    const received = collect(b.messenger);
    await fixture.time.wait(
      a.messenger.send(route(b), { text: "hi", list: [1, null, { x: 2.5 }] }),
    );
    await until(fixture.time, "it arrives", () => received.length === 1);
    const [message] = received;
    assert.equal(message?.from, a.messenger.self);
    assert.equal(message?.fromBoot, a.membership.self.boot);
    assert.equal(message?.channel, route(b).channel);
    assert.equal(message?.subject, "contract.subject");
    assert.equal(message?.kind, "message");
    assert.equal(message?.deadline, undefined);
    assert.deepEqual(message?.payload, { text: "hi", list: [1, null, { x: 2.5 }] });
  });

  test("messages arrive in the order they were sent, once each, whatever way they were sent", async (fixture) => {
    const [a, b] = pairOf(fixture);
    const received = collect(b.messenger);
    const pending: Promise<unknown>[] = [];
    const path = route(b);
    for (let i = 0; i < 600; i++) {
      if (i % 3 === 0) pending.push(a.messenger.send(path, i));
      else if (i % 3 === 1) assert.equal(a.messenger.trySend(path, i), "accepted");
      else pending.push(a.messenger.request(path, i));
    }
    await fixture.time.wait(Promise.all(pending));
    await until(fixture.time, "all arrive", () => received.length >= 600);
    await fixture.time.pass(20);
    assert.deepEqual(
      received.map(({ payload }) => payload),
      range(600),
    );
  });

  test("messages of one key keep their order among those of other keys", async (fixture) => {
    const [a, b] = pairOf(fixture);
    const received = collect(b.messenger);
    for (let i = 0; i < 400; i++) {
      a.messenger.trySend({ ...route(b), key: `key-${i % 7}` }, { key: i % 7, i });
    }
    await until(fixture.time, "all arrive", () => received.length === 400);
    for (let key = 0; key < 7; key++) {
      const ofKey = received.map(({ payload }) => payload as { key: number; i: number });
      const order = ofKey.filter((payload) => payload.key === key).map(({ i }) => i);
      assert.deepEqual(
        order,
        order.toSorted((x, y) => x - y),
      );
    }
  });

  test("what either side does to a payload afterwards does not show on the other", async (fixture) => {
    const [a, b] = pairOf(fixture);
    const received = collect(b.messenger, (message) => {
      (message.payload as { list: number[] }).list.push(99);
    });
    const payload = { list: [1] };
    assert.equal(a.messenger.trySend(route(b), payload), "accepted");
    payload.list.push(2);
    await until(fixture.time, "it arrives", () => received.length === 1);
    assert.deepEqual(received[0]?.payload, { list: [1, 99] });
    assert.deepEqual(payload, { list: [1, 2] });
  });

  test("a message to oneself is encoded, arrives in a later turn, and can be answered", async (fixture) => {
    const [a] = pairOf(fixture);
    const payload = { list: [1] };
    const received = collect(a.messenger, () => "answer");
    const answering = a.messenger.request(route(a), payload);
    assert.equal(received.length, 0);
    assert.equal(await fixture.time.wait(answering), "answer");
    assert.deepEqual(received[0]?.payload, payload);
    assert.notEqual(received[0]?.payload, payload);
    assert.equal(received[0]?.from, a.messenger.self);
  });

  test("a message for a subject nobody handles is dropped and disturbs nobody", async (fixture) => {
    const [a, b] = pairOf(fixture);
    const received = collect(b.messenger);
    await fixture.time.wait(a.messenger.send(route(b, "contract.nobody"), 1));
    await fixture.time.wait(a.messenger.send(route(b), 2));
    await until(fixture.time, "the next arrives", () => received.length === 1);
  });
}

function requestTests(test: Test, route: Routing): void {
  test("a request is answered with what the handler returns, or what its promise gives", async (fixture) => {
    const [a, b] = pairOf(fixture);
    b.messenger.handle("sync", ({ payload, kind }) => ({ payload, kind }));
    b.messenger.handle("async", async ({ payload }) => (payload as number) + 1);
    b.messenger.handle("nothing", () => undefined);
    const answers = ["sync", "async", "nothing"].map((subject) =>
      a.messenger.request(route(b, subject), 41),
    );
    assert.deepEqual(await fixture.time.wait(Promise.all(answers)), [
      { payload: 41, kind: "request" },
      42,
      undefined,
    ]);
  });

  test("each of many requests at once gets its own answer, in whatever order they are given", async (fixture) => {
    const [a, b] = pairOf(fixture);
    const waiting: { payload: unknown; answer: (value: unknown) => void }[] = [];
    b.messenger.handle("contract.subject", ({ payload }) => {
      return new Promise((answer) => waiting.push({ payload, answer }));
    });
    const asking = Promise.all(range(100).map((i) => a.messenger.request(route(b), i)));
    await until(fixture.time, "all have arrived", () => waiting.length === 100);
    for (const { payload, answer } of waiting.reverse()) answer((payload as number) * 2);
    assert.deepEqual(
      await fixture.time.wait(asking),
      range(100).map((i) => i * 2),
    );
  });

  test("a FoundationError the handler throws reaches the caller with code, details and retryability", async (fixture) => {
    const [a, b] = pairOf(fixture);
    b.messenger.handle("contract.subject", async () => {
      throw coreErrors.ERR_TIMEOUT("too slow", { timeoutMs: 7, target: "x" });
    });
    const error = await rejectsWith(fixture.time, a.messenger.request(route(b), 1), "ERR_TIMEOUT");
    assert.deepEqual(error.details, { timeoutMs: 7, target: "x" });
    assert.ok(isFoundationError(error) && error.retryable);
  });

  test("anything else a handler throws becomes ERR_HANDLER_FAILED, sync or async", async (fixture) => {
    const [a, b] = pairOf(fixture);
    b.messenger.handle("sync", () => {
      throw new TypeError("oops");
    });
    b.messenger.handle("async", () => Promise.reject(new RangeError("oops")));
    for (const subject of ["sync", "async"]) {
      const failing = a.messenger.request(route(b, subject), 1);
      const error = await rejectsWith(fixture.time, failing, "ERR_HANDLER_FAILED");
      assert.match(String(error.details["thrown"]), /oops/);
    }
  });

  test("an answer that is not plain data fails the request instead of leaving it waiting", async (fixture) => {
    const [a, b] = pairOf(fixture);
    b.messenger.handle("contract.subject", () => ({ run: () => 1 }));
    const failing = a.messenger.request(route(b), 1);
    await rejectsWith(fixture.time, failing, "ERR_NOT_ENCODABLE", "ERR_HANDLER_FAILED");
  });
}

function outcomeTests(test: Test, route: Routing): void {
  const stranger = createNodeId(seededRandom("a node nobody knows"));

  test("a node that is not a member is unreachable, by every way of sending", async (fixture) => {
    const [a] = pairOf(fixture);
    const path: Route = { ...route(a), to: stranger };
    await rejectsWith(fixture.time, a.messenger.send(path, 1), "ERR_NODE_UNREACHABLE");
    await rejectsWith(fixture.time, a.messenger.request(path, 1), "ERR_NODE_UNREACHABLE");
    assert.equal(a.messenger.trySend(path, 1), "unreachable");
  });

  test("a request for a subject nobody handles fails with ERR_UNKNOWN_SUBJECT", async (fixture) => {
    const [a, b] = pairOf(fixture);
    await rejectsWith(fixture.time, a.messenger.request(route(b), 1), "ERR_UNKNOWN_SUBJECT");
  });

  test("a payload that is not plain data is refused before anything is sent, naming its path", async (fixture) => {
    const [a, b] = pairOf(fixture);
    const received = collect(b.messenger);
    const payload = { items: [1, { run: () => 1 }] };
    const code = "ERR_NOT_ENCODABLE";
    const errors = [
      await rejectsWith(fixture.time, a.messenger.send(route(b), payload), code),
      await rejectsWith(fixture.time, a.messenger.request(route(b), payload), code),
      throwsWith(() => a.messenger.trySend(route(b), payload), code),
    ];
    for (const { details } of errors) assert.equal(details["path"], "$.items[1].run");
    await fixture.time.wait(a.messenger.send(route(b), "good"));
    await until(fixture.time, "the next arrives", () => received.length > 0);
    assert.deepEqual(
      received.map((message) => message.payload),
      ["good"],
    );
  });

  test("a handler that never answers: the outcome is unknown at the deadline, and the handler is told", async (fixture) => {
    const [a, b] = pairOf(fixture);
    let told = false;
    let deadline: number | undefined;
    b.messenger.handle("contract.subject", (message) => {
      deadline = message.deadline;
      message.signal.addEventListener("abort", () => {
        told = true;
      });
      return new Promise(() => {});
    });
    const asking = a.messenger.request(route(b), 1, { timeoutMs: 150 });
    const error = await rejectsWith(fixture.time, asking, "ERR_OUTCOME_UNKNOWN");
    assert.equal(error.details["reason"], "deadline-exceeded");
    assert.equal(typeof deadline, "number");
    await until(fixture.time, "the handler's signal fires", () => told);
  });

  test("an answer that comes too late is dropped, and the next request gets its own", async (fixture) => {
    const [a, b] = pairOf(fixture);
    const answers: ((value: string) => void)[] = [];
    b.messenger.handle("contract.subject", () => new Promise((answer) => answers.push(answer)));
    const late = a.messenger.request(route(b), 1, { timeoutMs: 50 });
    await rejectsWith(fixture.time, late, "ERR_OUTCOME_UNKNOWN");
    const next = a.messenger.request(route(b), 2);
    await until(fixture.time, "both have arrived", () => answers.length === 2);
    answers[0]?.("late");
    answers[1]?.("in time");
    assert.equal(await fixture.time.wait(next), "in time");
  });

  test("what was aborted before it was sent never arrives", async (fixture) => {
    const [a, b] = pairOf(fixture);
    const received = collect(b.messenger);
    const signal = AbortSignal.abort();
    await rejectsWith(fixture.time, a.messenger.send(route(b), 1, { signal }), "ERR_ABORTED");
    await rejectsWith(fixture.time, a.messenger.request(route(b), 1, { signal }), "ERR_ABORTED");
    await fixture.time.wait(a.messenger.send(route(b), "good"));
    await until(fixture.time, "the next arrives", () => received.length > 0);
    assert.deepEqual(
      received.map(({ payload }) => payload),
      ["good"],
    );
  });

  test("a request aborted after it was sent has an unknown outcome, and the handler is told", async (fixture) => {
    const [a, b] = pairOf(fixture);
    let arrived = false;
    let told = false;
    b.messenger.handle("contract.subject", ({ signal }) => {
      arrived = true;
      signal.addEventListener("abort", () => {
        told = true;
      });
      return new Promise(() => {});
    });
    const abort = new AbortController();
    const asking = a.messenger.request(route(b), 1, { signal: abort.signal });
    const outcome = rejectsWith(fixture.time, asking, "ERR_OUTCOME_UNKNOWN");
    await until(fixture.time, "it arrives", () => arrived);
    abort.abort();
    assert.equal((await outcome).details["reason"], "aborted");
    await until(fixture.time, "the handler's signal fires", () => told);
  });
}

function handlerTests(test: Test, route: Routing): void {
  test("a slow or failing handler does not hold up the next message", async (fixture) => {
    const [a, b] = pairOf(fixture);
    const seen: unknown[] = [];
    b.messenger.handle("contract.subject", ({ payload }) => {
      seen.push(payload);
      if (payload === "slow") return new Promise(() => {});
      if (payload === "throws") throw new Error("oops");
      return Promise.reject(new Error("oops"));
    });
    for (const payload of ["slow", "throws", "rejects", "last"]) {
      assert.equal(a.messenger.trySend(route(b), payload), "accepted");
    }
    await until(fixture.time, "all arrive", () => seen.length === 4);
    assert.deepEqual(seen, ["slow", "throws", "rejects", "last"]);
  });

  test("a subject has one handler at a time; when it ended there may be another", async (fixture) => {
    const [a, b] = pairOf(fixture);
    const end = b.messenger.handle("contract.subject", () => "first");
    throwsWith(
      () => b.messenger.handle("contract.subject", () => "second"),
      "ERR_INVALID_ARGUMENT",
    );
    assert.equal(await fixture.time.wait(a.messenger.request(route(b), 1)), "first");
    end();
    await rejectsWith(fixture.time, a.messenger.request(route(b), 1), "ERR_UNKNOWN_SUBJECT");
    b.messenger.handle("contract.subject", () => "second");
    end();
    assert.equal(await fixture.time.wait(a.messenger.request(route(b), 1)), "second");
  });

  test("a message that is not a request has a signal too, and answers nothing", async (fixture) => {
    const [a, b] = pairOf(fixture);
    const received = collect(b.messenger, () => "ignored");
    await fixture.time.wait(a.messenger.send(route(b), 1));
    await until(fixture.time, "it arrives", () => received.length === 1);
    assert.equal(received[0]?.signal.aborted, false);
  });
}

function limitTests(
  test: Test,
  route: Routing,
  otherChannel: string,
  messageBytesMax: number | undefined,
): void {
  const chunk = new Uint8Array(65_536);

  test('a burst ends in "full" before it fills the memory; what was accepted arrives; then there is room again', async (fixture) => {
    const [a, b] = pairOf(fixture);
    const received = collect(b.messenger);
    const accepted = fill(a.messenger, route(b), chunk);
    await until(fixture.time, "the accepted arrive", () => received.length === accepted);
    assert.deepEqual(
      received.map(({ payload }) => (payload as { i: number }).i),
      range(accepted),
    );
    assert.equal(a.messenger.trySend(route(b), { i: -1, chunk }), "accepted");
  });

  test("a full channel does not block another", async (fixture) => {
    const [a, b] = pairOf(fixture);
    fill(a.messenger, route(b), chunk);
    const other: Route = { ...route(b, "contract.other"), channel: otherChannel };
    const received = collect(b.messenger, () => "answer", "contract.other");
    assert.equal(a.messenger.trySend(other, 1), "accepted");
    assert.equal(await fixture.time.wait(a.messenger.request(other, 2)), "answer");
    assert.equal(received.length, 2);
  });

  test("send waits for room: more than fits arrives whole and in order", async (fixture) => {
    const [a, b] = pairOf(fixture);
    const received = collect(b.messenger);
    const sending = (async () => {
      for (let i = 0; i < 400; i++) await a.messenger.send(route(b), { i, chunk });
    })();
    await fixture.time.wait(sending);
    await until(fixture.time, "all arrive", () => received.length === 400);
    assert.deepEqual(
      received.map(({ payload }) => (payload as { i: number }).i),
      range(400),
    );
  });

  if (messageBytesMax === undefined) return;
  test("a payload above messageBytesMax is refused and disturbs nothing", async (fixture) => {
    const [a, b] = pairOf(fixture);
    const received = collect(b.messenger);
    const huge = new Uint8Array(messageBytesMax + 1);
    for (const send of ["send", "request"] as const) {
      const outcome = await fixture.time.wait(
        a.messenger[send](route(b), huge).then(
          () => undefined,
          (error: unknown) => error,
        ),
      );
      assert.ok(isFoundationError(outcome), `${send} of a payload that is too large`);
    }
    assert.throws(
      () => a.messenger.trySend(route(b), huge),
      (error) => isFoundationError(error),
    );
    await fixture.time.wait(a.messenger.send(route(b), "good"));
    await until(fixture.time, "the next arrives", () => received.length > 0);
    assert.deepEqual(
      received.map(({ payload }) => payload),
      ["good"],
    );
  });
}

function traceTests(test: Test, route: Routing): void {
  test("a trace goes with the message, and with what its handler sends on", async (fixture) => {
    const [a, b] = pairOf(fixture);
    const c = fixture.nodes[2] as typeof a;
    const trace = newTrace(seededRandom("trace"));
    const atC = collect(c.messenger);
    const atB = collect(b.messenger, async () => {
      await Promise.resolve();
      b.messenger.trySend(route(c), "on");
    });
    await fixture.time.wait(a.messenger.request(route(b), 1, { trace }));
    await until(fixture.time, "it was sent on", () => atC.length === 1);
    assert.equal(atB[0]?.trace?.traceId, trace.traceId);
    assert.equal(atB[0]?.trace?.flags, trace.flags);
    assert.equal(atC[0]?.trace?.traceId, trace.traceId);
    await fixture.time.wait(a.messenger.send(route(c), "without"));
    await until(fixture.time, "it arrives", () => atC.length === 2);
    assert.equal(atC[1]?.trace, undefined);
  });
}

function deathTests(test: Test, route: Routing, setup: ClusterContractSetup): void {
  test("requests under way to a node that dies have an unknown outcome; later ones do not start", async (fixture) => {
    const [a, b] = pairOf(fixture);
    const target = b.messenger.self;
    let arrived = 0;
    b.messenger.handle("contract.subject", () => {
      arrived += 1;
      return new Promise(() => {});
    });
    const path = route(b);
    const outcome = rejectsWith(
      fixture.time,
      a.messenger.request(path, 1, { timeoutMs: 4_000 }),
      "ERR_OUTCOME_UNKNOWN",
    );
    await until(fixture.time, "it arrives", () => arrived === 1);
    await setup.kill?.(fixture, 1);
    assert.equal((await outcome).details["reason"], "connection-lost");
    await until(fixture.time, "it is down", () => a.membership.member(target) === undefined);
    await rejectsWith(fixture.time, a.messenger.request(path, 1), "ERR_NODE_UNREACHABLE");
    assert.equal(a.messenger.trySend(path, 1), "unreachable");
  });

  test("node-down is told after the last message of the node", async (fixture) => {
    const [a, b] = pairOf(fixture);
    const log: string[] = [];
    a.membership.subscribe(({ type }) => log.push(type));
    a.messenger.handle("contract.subject", () => void log.push("message"));
    for (let i = 0; i < 200; i++) b.messenger.trySend(route(a), i);
    await fixture.time.pass(10);
    await setup.kill?.(fixture, 1);
    await until(fixture.time, "it is down", () => log.includes("node-down"));
    await fixture.time.pass(50);
    assert.ok(log.lastIndexOf("message") < log.indexOf("node-down"), log.join(" "));
  });
}

/** Sends chunks until there is no room, and gives how many were accepted. */
function fill(messenger: Messenger, route: Route, chunk: Uint8Array): number {
  const most = (256 * 1_048_576) / chunk.length;
  for (let i = 0; i < most; i++) {
    const outcome = messenger.trySend(route, { i, chunk });
    if (outcome === "full") return i;
    assert.equal(outcome, "accepted");
  }
  return assert.fail('256 MiB were queued and trySend never said "full"');
}

function collect(
  messenger: Messenger,
  answer: (message: InboundMessage) => unknown = () => undefined,
  subject = "contract.subject",
): InboundMessage[] {
  const received: InboundMessage[] = [];
  messenger.handle(subject, (message) => {
    received.push(message);
    return answer(message);
  });
  return received;
}

function range(length: number): number[] {
  return Array.from({ length }, (_, i) => i);
}
