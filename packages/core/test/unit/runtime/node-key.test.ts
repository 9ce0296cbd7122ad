import { inspect } from "node:util";
import { describe, expect, test } from "@jest/globals";
import {
  createNodeKey,
  loadNodeKey,
  NODE_KEY_FILE,
  nodeRandom,
  verifyNodeSignature,
} from "../../../src/index.js";
import { memoryStorage, seededRandom } from "../../../src/testing/index.js";

const transcript = seededRandom("transcript").secret(300);

describe("a node's key", () => {
  test("signs what only its public half verifies, bound to every byte", () => {
    const key = createNodeKey(nodeRandom());
    const signature = key.sign(transcript);
    expect(key.publicKey).toHaveLength(32);
    expect(verifyNodeSignature(key.publicKey, transcript, signature)).toBe(true);
    for (let i = 0; i < transcript.length; i += 1) {
      const changed = transcript.slice();
      changed[i] = (changed[i] as number) ^ 1;
      expect(verifyNodeSignature(key.publicKey, changed, signature)).toBe(false);
    }
    const other = createNodeKey(nodeRandom());
    expect(verifyNodeSignature(other.publicKey, transcript, signature)).toBe(false);
  });

  test("is verified without a throw whatever the bytes are", () => {
    const { publicKey } = createNodeKey(nodeRandom());
    for (const length of [0, 1, 31, 32, 33, 63, 64, 65]) {
      expect(verifyNodeSignature(new Uint8Array(length), transcript, new Uint8Array(64))).toBe(
        false,
      );
      expect(verifyNodeSignature(publicKey, transcript, new Uint8Array(length))).toBe(false);
    }
  });

  test("is RFC 8032's Ed25519: the first vector of its section 7.1", () => {
    const seed = Buffer.from(
      "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
      "hex",
    );
    const key = createNodeKey({ secret: () => seed });
    expect(Buffer.from(key.publicKey).toString("hex")).toBe(
      "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
    );
    expect(Buffer.from(key.sign(new Uint8Array(0))).toString("hex")).toMatch(
      /^e5564300c360ac729086/,
    );
  });

  test("stays over restarts where there is storage, and is new where there is none", async () => {
    const storage = memoryStorage();
    const random = seededRandom("key");
    const first = await loadNodeKey({ random, storage });
    storage.crash();
    const second = await loadNodeKey({ random, storage });
    expect(second.publicKey).toEqual(first.publicKey);
    expect(verifyNodeSignature(first.publicKey, transcript, second.sign(transcript))).toBe(true);
    expect((await loadNodeKey({ random })).publicKey).not.toEqual(first.publicKey);
  });

  test("no damage of one bit is taken for another key, and what is damaged stays as it is", async () => {
    const storage = memoryStorage();
    const random = seededRandom("damage");
    await loadNodeKey({ random, storage });
    const whole = (await storage.read(NODE_KEY_FILE)) as Uint8Array;
    for (let bit = 0; bit < whole.length * 8; bit += 1) {
      const damaged = whole.slice();
      damaged[bit >> 3] = (damaged[bit >> 3] as number) ^ (1 << (bit & 7));
      await storage.replace(NODE_KEY_FILE, damaged);
      await expect(loadNodeKey({ random, storage })).rejects.toMatchObject({ code: "ERR_STORAGE" });
      expect(await storage.read(NODE_KEY_FILE)).toEqual(damaged);
    }
  });

  test("a file of another version is told apart from damage", async () => {
    const storage = memoryStorage();
    await storage.replace(NODE_KEY_FILE, new TextEncoder().encode('{"version":2,"key":"x"}'));
    const loading = loadNodeKey({ random: seededRandom("version"), storage });
    await expect(loading).rejects.toThrow(/version 2.*version 1/);
  });

  test("cannot be printed, nor can the error about its file", async () => {
    const seed = seededRandom("print").secret(32);
    const hidden = Buffer.from(seed).toString("hex");
    const key = createNodeKey({ secret: () => seed });
    expect(
      `${String(key)} ${JSON.stringify({ key })} ${inspect(key, { showHidden: true })}`,
    ).not.toContain(hidden);
    const storage = memoryStorage();
    const text = JSON.stringify({ version: 1, seed: hidden, sum: "0" });
    await storage.replace(NODE_KEY_FILE, new TextEncoder().encode(text));
    const error: unknown = await loadNodeKey({ random: seededRandom("x"), storage }).catch(
      (e) => e,
    );
    expect(inspect(error)).toContain(NODE_KEY_FILE);
    expect(inspect(error)).not.toContain(hidden);
  });
});
