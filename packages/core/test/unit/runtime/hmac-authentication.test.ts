import { createHmac, hkdfSync } from "node:crypto";
import { describe, expect, test } from "@jest/globals";
import { hmacAuthentication, Secret } from "../../../src/index.js";

const transcript = Buffer.from("both hellos");

describe("hmacAuthentication", () => {
  test("a proof is HMAC-SHA256 of the transcript under HKDF-SHA256 of the secret, salted by the cluster", () => {
    const key = Buffer.from(hkdfSync("sha256", "s3cret", "shop", "foundation hmac v1", 32));
    const expected = createHmac("sha256", key).update(transcript).digest();
    const { prove, method } = hmacAuthentication("s3cret", { cluster: "shop" });
    expect(Buffer.from(prove(transcript)).equals(expected)).toBe(true);
    expect(method).toBe("hmac-sha256");
  });

  test("the same secret in another cluster proves nothing", () => {
    const ours = hmacAuthentication("s3cret", { cluster: "shop" });
    const theirs = hmacAuthentication("s3cret", { cluster: "shop-2" });
    expect(ours.verify(transcript, theirs.prove(transcript))).toBe(false);
  });

  test("a key ring proves with its first secret and accepts all, so a secret can be changed without a stop", () => {
    const cluster = { cluster: "shop" };
    const before = hmacAuthentication("old", cluster);
    const during = hmacAuthentication(["old", new Secret("new")], cluster);
    const later = hmacAuthentication([new Secret("new"), "old"], cluster);
    const after = hmacAuthentication("new", cluster);
    for (const [a, b] of [
      [before, during],
      [during, later],
      [later, after],
    ] as const) {
      expect(a.verify(transcript, b.prove(transcript))).toBe(true);
      expect(b.verify(transcript, a.prove(transcript))).toBe(true);
    }
    expect(after.verify(transcript, before.prove(transcript))).toBe(false);
  });

  test("no secret, an empty one and too many are refused without being shown", () => {
    const bad = [[], [""], "", Array.from({ length: 9 }, (_, i) => `do-not-print-${i}`)];
    for (const secrets of bad) {
      let message = "";
      try {
        hmacAuthentication(secrets, { cluster: "shop" });
      } catch (error) {
        expect(error).toMatchObject({ code: "ERR_INVALID_ARGUMENT" });
        message = String(error) + JSON.stringify(error);
      }
      expect(message).not.toBe("");
      expect(message).not.toContain("do-not-print");
    }
  });
});
