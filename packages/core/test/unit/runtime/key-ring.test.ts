import { inspect } from "node:util";
import { describe, expect, test } from "@jest/globals";
import { createKeyRing, hmacAuthentication, isKeyRing, Secret } from "../../../src/index.js";

const transcript = Buffer.from("both hellos");
const cluster = { cluster: "shop" };
const textsOf = (ring: ReturnType<typeof createKeyRing>) =>
  ring.secrets.map((secret) => secret.reveal());

describe("a key ring", () => {
  test("accepts what was added, proves what is used, and forgets what was removed", () => {
    const ring = createKeyRing("old");
    ring.add("new");
    expect(textsOf(ring)).toEqual(["old", "new"]);
    ring.use(new Secret("new"));
    expect(textsOf(ring)).toEqual(["new", "old"]);
    ring.remove("old");
    expect(textsOf(ring)).toEqual(["new"]);
    expect(isKeyRing(ring)).toBe(true);
    expect(isKeyRing({})).toBe(false);
  });

  test("does nothing when it is told what it knows, and then gives the very same list", () => {
    const ring = createKeyRing(["a", "b", "a"]);
    const { secrets } = ring;
    ring.add("b");
    ring.use("a");
    ring.remove("c");
    ring.replace(["a", "b"]);
    expect(ring.secrets).toBe(secrets);
    ring.replace(["b"]);
    expect(textsOf(ring)).toEqual(["b"]);
  });

  test.each<[string, (ring: ReturnType<typeof createKeyRing>) => void, RegExp]>([
    ["use of a secret that was not added", (ring) => ring.use("do-not-print"), /added/],
    ["removal of the secret in use", (ring) => ring.remove("do-not-print-0"), /use another first/],
    ["a ninth secret", (ring) => ring.add("do-not-print-9"), /one to 8 secrets/],
    ["an empty secret", (ring) => ring.add(""), /not empty/],
    ["no secret at all", (ring) => ring.replace([]), /one to 8 secrets/],
  ])("refuses %s, shows no secret, and stays as it was", (_what, act, says) => {
    const ring = createKeyRing(Array.from({ length: 8 }, (_, i) => `do-not-print-${i}`));
    const { secrets } = ring;
    let error: unknown;
    try {
      act(ring);
    } catch (thrown) {
      error = thrown;
    }
    expect(error).toMatchObject({
      code: "ERR_INVALID_ARGUMENT",
      message: expect.stringMatching(says),
    });
    expect(JSON.stringify(error) + inspect(error)).not.toContain("do-not-print");
    expect(ring.secrets).toBe(secrets);
  });

  test("cannot be printed", () => {
    const ring = createKeyRing(["do-not-print", "me"]);
    const shown = [
      `${String(ring)}`,
      JSON.stringify({ ring }),
      inspect(ring, { showHidden: true }),
    ];
    for (const text of shown) {
      expect(text).toContain("[key ring of 2]");
      expect(text).not.toContain("do-not-print");
    }
  });

  test("acts on the proofs that are made and checked after a change, at any step of a rotation on either node", () => {
    const steps = [["old"], ["old", "new"], ["new", "old"], ["new"]];
    for (let one = 0; one < steps.length; one += 1) {
      for (let other = 0; other < steps.length; other += 1) {
        const [a, b] = [createKeyRing("first"), createKeyRing("first")];
        const [ours, theirs] = [hmacAuthentication(a, cluster), hmacAuthentication(b, cluster)];
        a.replace(steps[one] as string[]);
        b.replace(steps[other] as string[]);
        const common = ours.keyNames?.find((name) => theirs.keyNames?.includes(name));
        const has = steps[one]?.some((secret) => steps[other]?.includes(secret));
        expect(common !== undefined).toBe(has);
        expect(theirs.verify(transcript, ours.prove(transcript, common))).toBe(has);
        expect(ours.verify(transcript, theirs.prove(transcript, common))).toBe(has);
      }
    }
  });

  test("proves with its first secret where no key is named, and names keys without telling of them", () => {
    const both = hmacAuthentication(["new", "old"], cluster);
    const proof = both.prove(transcript);
    expect(proof).toEqual(hmacAuthentication("new", cluster).prove(transcript));
    expect(both.prove(transcript, "0000000000000000")).toEqual(proof);
    expect(both.keyNames).toEqual([expect.stringMatching(/^[0-9a-f]{16}$/), expect.anything()]);
    expect(hmacAuthentication("new", { cluster: "shop-2" }).keyNames).not.toEqual([
      both.keyNames?.[0],
    ]);
  });
});
