import { describe, expect, test } from "@jest/globals";
import {
  acceptorOf,
  dialerOf,
  endOf,
  identity,
  proverOf,
  runBoth,
  WALL_MS,
} from "../../../support/handshakes.js";

const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
const bytesOf = (value: unknown) =>
  new TextEncoder().encode(typeof value === "string" ? value : JSON.stringify(value));
const frame = (value: unknown) =>
  ({ type: "frame", bytes: bytesOf(value), wallMs: WALL_MS }) as const;

describe("the handshake", () => {
  test("ends established on both sides, each knowing who the other is, after four frames", () => {
    const dialing = identity("d");
    const accepting = identity("a");
    const run = runBoth(
      dialerOf({ self: dialing, channel: "events", lane: 3 }),
      acceptorOf({ self: accepting }),
    );
    expect(run.wire.map(({ from }) => from)).toEqual(["dialer", "acceptor", "dialer", "acceptor"]);
    const common = { version: 1, channel: "events", lane: 3 };
    expect(run.dialer.at(-1)).toEqual({ type: "established", peer: { ...accepting, ...common } });
    expect(run.acceptor.at(-1)).toEqual({ type: "established", peer: { ...dialing, ...common } });
  });

  test("speaks the highest version both know", () => {
    const run = runBoth(dialerOf({ versions: [1, 4] }), acceptorOf({ versions: [2, 3] }));
    expect(run.dialer.at(-1)).toMatchObject({ type: "established", peer: { version: 3 } });
  });

  test.each([
    ["another secret", { authentication: proverOf("other") }, "ERR_WRONG_SECRET"],
    ["another cluster", { cluster: "shop-2" }, "ERR_WRONG_CLUSTER"],
    ["a newer protocol", { versions: [2, 5] as const }, "ERR_PROTOCOL_VERSION"],
    ["an older protocol", { versions: [0, 0] as const }, "ERR_PROTOCOL_VERSION"],
    [
      "another method",
      { authentication: proverOf("the secret", "ed25519") },
      "ERR_AUTHENTICATION_METHOD",
    ],
    ["a clock 501 ms ahead", { wallMs: WALL_MS + 501 }, "ERR_CLOCK_SKEW"],
    ["another TLS connection", { binding: new Uint8Array(32) }, "ERR_WRONG_SECRET"],
  ])("of a dialer with %s is refused by the acceptor", (_what, options, code) => {
    const run = runBoth(dialerOf(options), acceptorOf());
    expect(endOf(run.acceptor)).toBe(`${code} by us`);
    expect(endOf(run.dialer)).toBe(`${code} by peer`);
  });

  test("accepts a clock that is 500 ms ahead, and any that is behind", () => {
    expect(endOf(runBoth(dialerOf({ wallMs: WALL_MS + 500 }), acceptorOf()).dialer)).toBe(
      "established",
    );
    expect(endOf(runBoth(dialerOf({ wallMs: WALL_MS - 60_000 }), acceptorOf()).dialer)).toBe(
      "established",
    );
  });

  test("with an acceptor whose clock is ahead is refused by the dialer before it proves anything", () => {
    const acceptor = acceptorOf();
    const dialer = dialerOf();
    const [hello] = dialer.start();
    if (hello?.type !== "send") throw new Error("a dialer begins by sending");
    const [challenge] = acceptor.handle({
      type: "frame",
      bytes: hello.bytes,
      wallMs: WALL_MS + 501,
    });
    if (challenge?.type !== "send") throw new Error("a hello is answered");
    const effects = dialer.handle({ type: "frame", bytes: challenge.bytes, wallMs: WALL_MS });
    expect(endOf(effects)).toBe("ERR_CLOCK_SKEW by us");
    expect(
      effects.filter(({ type }) => type === "send").map((e) => text((e as typeof hello).bytes)),
    ).toEqual([expect.stringContaining('"reject"')]);
  });

  test("tells nothing of the acceptor to a dialer that cannot prove the secret", () => {
    const run = runBoth(dialerOf({ authentication: proverOf("other") }), acceptorOf());
    const answers = run.wire
      .filter(({ from }) => from === "acceptor")
      .map(({ bytes }) => text(bytes));
    expect(answers.at(-1)).toBe('{"type":"reject","code":"ERR_WRONG_SECRET","versions":[1,1]}');
    expect(answers.join()).not.toContain("proof");
  });

  test("with an acceptor that does not know the secret is refused by the dialer", () => {
    // An impostor that takes every proof and makes one of its own.
    const impostor = { ...proverOf("other"), verify: () => true };
    const run = runBoth(dialerOf(), acceptorOf({ authentication: impostor }));
    expect(endOf(run.dialer)).toBe("ERR_WRONG_SECRET by us");
  });

  test("refuses the proof of an earlier handshake when it is replayed", () => {
    const honest = runBoth(dialerOf(), acceptorOf());
    const [hello, , auth] = honest.wire.map(({ bytes }) => bytes);
    const acceptor = acceptorOf({ nonce: "0b".repeat(32) });
    acceptor.handle({ type: "frame", bytes: hello as Uint8Array, wallMs: WALL_MS });
    const effects = acceptor.handle({ type: "frame", bytes: auth as Uint8Array, wallMs: WALL_MS });
    expect(endOf(effects)).toBe("ERR_WRONG_SECRET by us");
  });

  test("refuses a dialer's own proof of this very handshake when it is reflected as the acceptor's", () => {
    let proof = "";
    const run = runBoth(dialerOf(), acceptorOf(), {
      tamper: (bytes) => {
        const message = JSON.parse(text(bytes)) as { type: string; proof: string };
        if (message.type === "auth") proof = message.proof;
        return message.type === "welcome" ? bytesOf({ type: "welcome", proof }) : bytes;
      },
    });
    expect(proof).toHaveLength(64);
    expect(endOf(run.dialer)).toBe("ERR_WRONG_SECRET by us");
  });

  test.each([
    ["the hello", 0],
    ["the challenge", 1],
  ])("ends with a wrong proof when a name in %s is changed on the way", (_what, index) => {
    const run = runBoth(dialerOf(), acceptorOf(), {
      tamper: (bytes, at) =>
        at === index ? bytesOf(text(bytes).replace('"name":"', '"name":"x')) : bytes,
    });
    expect(endOf(run.acceptor)).toBe("ERR_WRONG_SECRET by us");
    expect(endOf(run.dialer)).toBe("ERR_WRONG_SECRET by peer");
  });

  test.each([
    ["bytes that are not UTF-8", Uint8Array.of(0xff, 0xfe)],
    ["text that is not JSON", bytesOf("GET / HTTP/1.1")],
    ["a list", bytesOf([1])],
    ["an unknown message", bytesOf({ type: "hallo" })],
    ["a type of the prototype", bytesOf({ type: "constructor" })],
    ["a hello without fields", bytesOf({ type: "hello" })],
    ["an auth before a hello", bytesOf({ type: "auth", proof: "00" })],
    ["more than 4 KiB", bytesOf(" ".repeat(4_097))],
  ])("ends with ERR_HANDSHAKE_MALFORMED when the acceptor gets %s", (_what, bytes) => {
    const effects = acceptorOf().handle({ type: "frame", bytes, wallMs: WALL_MS });
    expect(endOf(effects)).toBe("ERR_HANDSHAKE_MALFORMED by us");
  });

  test.each([
    ["id", "not hex"],
    ["boot", 7],
    ["name", ""],
    ["name", "x".repeat(256)],
    ["cluster", "x".repeat(129)],
    ["versions", [2, 1]],
    ["versions", [1]],
    ["channel", "../up"],
    ["lane", 16],
    ["lane", -1],
    ["wallMs", null],
    ["nonce", "00"],
    ["nonce", "ZZ".repeat(32)],
  ])("ends with ERR_HANDSHAKE_MALFORMED when a hello has %s = %j", (field, value) => {
    const [hello] = dialerOf().start();
    const fields = JSON.parse(text((hello as { bytes: Uint8Array }).bytes)) as Record<
      string,
      unknown
    >;
    expect(endOf(acceptorOf().handle(frame({ ...fields, [field]: value })))).toBe(
      "ERR_HANDSHAKE_MALFORMED by us",
    );
  });

  test("ignores fields it does not know", () => {
    const run = runBoth(dialerOf(), acceptorOf(), {
      tamper: (bytes, at) => (at === 3 ? bytesOf({ ...JSON.parse(text(bytes)), more: 1 }) : bytes),
    });
    expect(endOf(run.dialer)).toBe("established");
  });

  test("times out on either side, and answers nothing afterwards", () => {
    const dialer = dialerOf();
    const acceptor = acceptorOf();
    expect(endOf(dialer.handle({ type: "timeout" }))).toBe("ERR_HANDSHAKE_TIMEOUT by us");
    expect(endOf(acceptor.handle({ type: "timeout" }))).toBe("ERR_HANDSHAKE_TIMEOUT by us");
    expect(dialer.handle({ type: "timeout" })).toEqual([]);
    expect(acceptor.handle(frame({ type: "hello" }))).toEqual([]);
  });

  test.each([
    "ERR_NODE_ID_CLASH",
    "ERR_STALE_BOOT",
    "ERR_SHUTTING_DOWN",
    "ERR_DUPLICATE_LINK",
  ] as const)("carries the acceptor's verdict %s to the dialer", (code) => {
    const judge = (who: string) => (who === "acceptor" ? code : undefined);
    const run = runBoth(dialerOf(), acceptorOf(), { judge });
    expect(endOf(run.acceptor)).toBe(`${code} by us`);
    expect(endOf(run.dialer)).toBe(`${code} by peer`);
  });

  test("ends without a proof when the dialer's own rules refuse the peer", () => {
    const judge = (who: string) => (who === "dialer" ? ("ERR_SELF_DIAL" as const) : undefined);
    const run = runBoth(dialerOf(), acceptorOf(), { judge });
    expect(endOf(run.dialer)).toBe("ERR_SELF_DIAL by us");
    expect(endOf(run.acceptor)).toBe("ERR_SELF_DIAL by peer");
    expect(run.wire.map(({ bytes }) => text(bytes)).join()).not.toContain('"auth"');
  });

  test("keeps the code of a refusal that a newer version invented", () => {
    const dialer = dialerOf();
    const effects = dialer.handle(
      frame({ type: "reject", code: "ERR_MOON_PHASE", versions: [1, 9] }),
    );
    expect(effects).toMatchObject([
      { type: "refused", refusal: { code: "ERR_HANDSHAKE_REFUSED", peerCode: "ERR_MOON_PHASE" } },
    ]);
  });

  test("sends no REJECT after the dialer's proof, where the acceptor may have a link already", () => {
    const proof = "00".repeat(32);
    const run = runBoth(dialerOf(), acceptorOf(), {
      tamper: (bytes, at) => (at === 3 ? bytesOf({ type: "welcome", proof }) : bytes),
    });
    expect(endOf(run.acceptor)).toBe("established");
    expect(endOf(run.dialer)).toBe("ERR_WRONG_SECRET by us");
    expect(run.wire).toHaveLength(4);
  });
});
