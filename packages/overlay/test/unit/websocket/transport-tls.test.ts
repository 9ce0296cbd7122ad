import { hkdfSync } from "node:crypto";
import { describe, expect, test } from "@jest/globals";
import { createKeyRing, keyNameOf, Secret } from "@foundation/core";
import {
  clientTls,
  contextOf,
  identityOf,
  sanOf,
  serverTls,
} from "../../../src/websocket/transport-tls.js";

type PskServer = { pskCallback(socket: unknown, identity: string): Buffer };

describe("the key for TLS", () => {
  const keys = createKeyRing(["first", "second"]);
  const tls = { type: "psk", cluster: "shop", keys } as const;
  const server = serverTls(tls) as unknown as PskServer;
  const clientOf = (secret: string) => {
    const { pskCallback } = clientTls(tls, contextOf(tls), new Secret(secret));
    return pskCallback?.("") as { psk: Buffer; identity: string };
  };

  test("is HKDF-SHA256 of the secret, salted by the cluster, and both sides derive the same for each of the ring", () => {
    for (const secret of ["first", "second"]) {
      const expected = Buffer.from(hkdfSync("sha256", secret, "shop", "foundation psk v1", 32));
      const { psk, identity } = clientOf(secret);
      expect(psk.equals(expected)).toBe(true);
      expect(server.pskCallback({}, identity).equals(expected)).toBe(true);
      expect(identity).toBe(`v1:shop:${keyNameOf(new Secret(secret), "shop")}`);
      expect(identity).not.toContain(secret);
    }
  });

  test("is 32 random bytes for an identity nobody knows, others each time", () => {
    const unknown = clientOf("third").identity;
    const answers = [unknown, unknown, "", "v1:shop:", "v1:other:0000000000000000"].map(
      (identity) => server.pskCallback({}, identity),
    );
    expect(answers.map(({ length }) => length)).toEqual([32, 32, 32, 32, 32]);
    expect(new Set(answers.map((bytes) => bytes.toString("hex"))).size).toBe(5);
  });

  test("follows the ring while it changes", () => {
    const { psk, identity } = clientOf("third");
    keys.add("third");
    expect(server.pskCallback({}, identity).equals(psk)).toBe(true);
    keys.remove("third");
    expect(server.pskCallback({}, identity).equals(psk)).toBe(false);
  });

  test("has an identity that fits TLS, whatever the cluster's name is", () => {
    const names = ["shop", "@acme/shop", "x".repeat(128), "é".repeat(128), "a\0b", "a b", "\ud800"];
    const identities = names.map((cluster) => identityOf(cluster, "0".repeat(16)));
    expect(new Set(identities).size).toBe(names.length);
    for (const identity of identities) expect(identity).toMatch(/^v1:[!-~]{1,64}:0{16}$/);
    expect(identities[1]).toBe("v1:@acme/shop:0000000000000000");
  });
});

test("certificates that are none are refused by name, and their key is not shown", () => {
  const certificates = { cert: "no", key: "do-not-print", ca: "neither" };
  const make = () => contextOf({ type: "certificates", cluster: "shop", certificates });
  expect(make).toThrow(expect.objectContaining({ code: "ERR_INVALID_ARGUMENT" }));
  expect(make).not.toThrow(/do-not-print/);
});

test("the name that certificates carry is percent-encoded, so no cluster's name holds another's", () => {
  expect(sanOf("shop")).toBe("foundation://shop/");
  expect(sanOf("shop/a")).toBe("foundation://shop%2Fa/");
  expect(sanOf('it\'s, "x"')).toBe("foundation://it%27s%2C%20%22x%22/");
});
