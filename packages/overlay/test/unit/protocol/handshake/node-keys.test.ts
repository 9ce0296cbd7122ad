import { describe, expect, test } from "@jest/globals";
import { createNodeId, createNodeKey, hmacAuthentication } from "@foundation/core";
import { seededRandom } from "@foundation/core/testing";
import { PinnedKeys } from "../../../../src/protocol/handshake/pinned-keys.js";
import { acceptorOf, dialerOf, endOf, runBoth } from "../../../support/handshakes.js";

const random = seededRandom("node keys");
const ofDialer = createNodeKey(random);
const ofAcceptor = createNodeKey(random);
const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString("hex");
const read = (bytes: Uint8Array) =>
  JSON.parse(new TextDecoder().decode(bytes)) as Record<string, unknown>;
const changed = (bytes: Uint8Array, fields: Record<string, unknown>) =>
  new TextEncoder().encode(JSON.stringify({ ...read(bytes), ...fields }));

describe("node keys in the handshake", () => {
  test("are named in hello and challenge, signed with in auth and welcome, and told with the peer", () => {
    const run = runBoth(dialerOf({ nodeKey: ofDialer }), acceptorOf({ nodeKey: ofAcceptor }));
    expect(run.wire.map(({ bytes }) => Object.keys(read(bytes)).at(-1))).toEqual([
      "nodeKey",
      "nodeKey",
      "signature",
      "signature",
    ]);
    expect(run.dialer.at(-1)).toMatchObject({
      type: "established",
      peer: { nodeKey: hex(ofAcceptor.publicKey) },
    });
    expect(run.acceptor.at(-1)).toMatchObject({
      type: "established",
      peer: { nodeKey: hex(ofDialer.publicKey) },
    });
  });

  test("are no duty: one side may have one, both may have none, and then nothing is signed", () => {
    const one = runBoth(dialerOf({ nodeKey: ofDialer }), acceptorOf());
    expect([endOf(one.dialer), endOf(one.acceptor)]).toEqual(["established", "established"]);
    const none = runBoth(dialerOf(), acceptorOf());
    expect(none.wire.map(({ bytes }) => Object.keys(read(bytes))).flat()).not.toContain(
      "signature",
    );
  });

  test.each([
    ["without a signature", {}],
    ["with another's signature", { signature: "00".repeat(64) }],
  ])(
    "a member that names a key of another and comes %s is refused on both sides",
    (_what, sent) => {
      const thief = { publicKey: ofDialer.publicKey, sign: () => new Uint8Array(64) };
      const run = runBoth(dialerOf({ nodeKey: thief }), acceptorOf(), {
        tamper: (bytes, at) => {
          const { signature: _, ...rest } = read(bytes);
          return at === 2 ? new TextEncoder().encode(JSON.stringify({ ...rest, ...sent })) : bytes;
        },
      });
      expect(endOf(run.acceptor)).toBe("ERR_NODE_KEY_MISMATCH by us");
      expect(endOf(run.dialer)).toBe("ERR_NODE_KEY_MISMATCH by peer");
    },
  );

  test("an acceptor that cannot sign with the key it names is refused", () => {
    const thief = { publicKey: ofAcceptor.publicKey, sign: () => new Uint8Array(64) };
    const run = runBoth(dialerOf(), acceptorOf({ nodeKey: thief }));
    expect(endOf(run.dialer)).toBe("ERR_NODE_KEY_MISMATCH by us");
  });

  test("a signature of an earlier handshake, of the other role or of another connection is refused", () => {
    const keys = { nodeKey: ofDialer };
    const earlier = runBoth(dialerOf({ ...keys, nonce: "1d".repeat(32) }), acceptorOf());
    const replayed = read(earlier.wire[2]?.bytes as Uint8Array)["signature"];
    const refusedAt = (at: number, signature: unknown, who: "dialer" | "acceptor") => {
      const run = runBoth(dialerOf(keys), acceptorOf({ nodeKey: ofDialer }), {
        tamper: (bytes, index) => (index === at ? changed(bytes, { signature }) : bytes),
      });
      return endOf(run[who]);
    };
    expect(refusedAt(2, replayed, "acceptor")).toBe("ERR_NODE_KEY_MISMATCH by us");
    // One node's key on both sides: still a dialer's signature is none of an acceptor.
    let own: unknown;
    const run = runBoth(dialerOf(keys), acceptorOf({ nodeKey: ofDialer }), {
      tamper: (bytes, at) => {
        if (at === 2) own = read(bytes)["signature"];
        return at === 3 ? changed(bytes, { signature: own }) : bytes;
      },
    });
    expect(endOf(run.dialer)).toBe("ERR_NODE_KEY_MISMATCH by us");
    // An insider relays over two TLS connections: it can make the proof anew, not the signature.
    const bound = runBoth(dialerOf({ ...keys, binding: new Uint8Array(32).fill(1) }), acceptorOf());
    expect(endOf(bound.acceptor)).toBe("ERR_WRONG_SECRET by us");
  });

  test("cannot be taken off the hello on the way", () => {
    const run = runBoth(dialerOf({ nodeKey: ofDialer }), acceptorOf(), {
      tamper: (bytes, at) => {
        const { nodeKey: _, signature: __, ...rest } = read(bytes);
        return at === 0 || at === 2 ? new TextEncoder().encode(JSON.stringify(rest)) : bytes;
      },
    });
    expect(endOf(run.acceptor)).toBe("ERR_WRONG_SECRET by us");
  });

  test.each([
    ["nodeKey", "00".repeat(31)],
    ["nodeKey", 7],
    ["keyNames", "00"],
    ["keyNames", Array(9).fill("00")],
    ["keyNames", ["not hex"]],
    ["signature", "00"],
    ["holder", "a b"],
  ])("a hello with %s = %j is malformed", (field, value) => {
    const run = runBoth(dialerOf(), acceptorOf(), {
      tamper: (bytes, at) => (at === 0 ? changed(bytes, { [field]: value }) : bytes),
    });
    expect(endOf(run.acceptor)).toBe("ERR_HANDSHAKE_MALFORMED by us");
  });
});

describe("the keys of the secret in the handshake", () => {
  const ring = (...secrets: string[]) => ({
    authentication: hmacAuthentication(secrets, { cluster: "shop" }),
  });

  test.each([
    [["old"], ["old", "new"]],
    [["new", "old"], ["old"]],
    [["old"], ["new", "old"]],
    [["new"], ["old", "new"]],
    [
      ["new", "old"],
      ["old", "new"],
    ],
    [
      ["x", "y", "common"],
      ["z", "common"],
    ],
  ])("%j dials %j: they link by a secret that both have", (dialers, acceptors) => {
    const run = runBoth(dialerOf(ring(...dialers)), acceptorOf(ring(...acceptors)));
    expect([endOf(run.dialer), endOf(run.acceptor)]).toEqual(["established", "established"]);
  });

  test("without a common one the dialer is refused, and learns of no key that is known", () => {
    const run = runBoth(dialerOf(ring("a", "b")), acceptorOf(ring("c", "d")));
    expect(endOf(run.acceptor)).toBe("ERR_WRONG_SECRET by us");
    expect(Object.keys(read(run.wire[1]?.bytes as Uint8Array))).not.toContain("keyName");
  });

  test("a key that the acceptor names and the dialer does not know is not proved with", () => {
    const run = runBoth(dialerOf(ring("a")), acceptorOf(ring("a")), {
      tamper: (bytes, at) => (at === 1 ? changed(bytes, { keyName: "00" }) : bytes),
    });
    expect(endOf(run.acceptor)).toBe("ERR_WRONG_SECRET by us");
  });
});

describe("a clash of node ids", () => {
  test("names the addresses of both processes on both sides", () => {
    const judge = (who: string) =>
      who === "acceptor" ? ("ERR_NODE_ID_CLASH" as const) : undefined;
    const run = runBoth(dialerOf(), acceptorOf(), { judge, holder: "wss://10.0.0.7:4100" });
    for (const side of [run.dialer, run.acceptor]) {
      const last = side.at(-1);
      const reason = last?.type === "refused" ? last.refusal.reason : "";
      expect(reason).toContain("wss://10.0.0.7:4100");
      expect(reason).toContain("ws://127.0.0.1:41");
    }
  });

  test("tells an acceptor that has proved nothing no address of a member, unless TLS has", () => {
    const judge = (who: string) => (who === "dialer" ? ("ERR_NODE_ID_CLASH" as const) : undefined);
    const lastOf = (binding: Uint8Array | undefined) => {
      const [dialer, acceptor] = [dialerOf({ binding }), acceptorOf({ binding })];
      const run = runBoth(dialer, acceptor, { judge, holder: "wss://10.0.0.7:4100" });
      return Object.keys(read(run.wire.at(-1)?.bytes as Uint8Array));
    };
    expect(lastOf(undefined)).not.toContain("holder");
    expect(lastOf(new Uint8Array(32))).toContain("holder");
  });
});

describe("pinned keys", () => {
  const ids = Array.from({ length: 6 }, () => createNodeId(random));
  const [a, b] = ids as [(typeof ids)[0], (typeof ids)[0]];

  test("hold an id to the key it proved first: no other one, and not none", () => {
    const pins = new PinnedKeys(() => false);
    expect(pins.fits(a, undefined)).toBe(true);
    expect(pins.proved(a, "k1")).toBe(true);
    expect(pins.fits(a, "k1")).toBe(true);
    expect(pins.fits(a, "k2")).toBe(false);
    expect(pins.fits(a, undefined)).toBe(false);
    expect(pins.proved(a, "k2")).toBe(false);
    expect(pins.fits(b, "k2")).toBe(true);
  });

  test("let an id that never had a key get one", () => {
    const pins = new PinnedKeys(() => false);
    expect(pins.proved(a, undefined)).toBe(true);
    expect(pins.size).toBe(0);
    expect(pins.proved(a, "k1")).toBe(true);
  });

  test("forget, at their bound, who proved longest ago and is not linked", () => {
    const pins = new PinnedKeys((id) => id === ids[0], 3);
    for (const id of ids.slice(0, 3)) pins.proved(id, "k");
    pins.proved(ids[1] as typeof a, "k");
    pins.proved(ids[3] as typeof a, "k");
    expect(pins.size).toBe(3);
    expect(ids.map((id) => !pins.fits(id, "other"))).toEqual([
      true,
      true,
      false,
      true,
      false,
      false,
    ]);
  });

  test("take no new one while all they hold are linked", () => {
    const pins = new PinnedKeys(() => true, 2);
    for (const id of ids.slice(0, 3)) pins.proved(id, "k");
    expect(ids.map((id) => !pins.fits(id, "other"))).toEqual([
      true,
      true,
      false,
      false,
      false,
      false,
    ]);
  });
});
