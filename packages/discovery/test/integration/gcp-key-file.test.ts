import { afterAll, beforeAll, beforeEach, expect, test } from "@jest/globals";
import { generateKeyPairSync } from "node:crypto";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { virtualClock } from "@foundation/core/testing";
import { socketTime } from "@foundation/testkit";
import { FakeGcp } from "../gcp/fake-gcp.js";
import { startGcp } from "../gcp/gcp-world.js";

const EMAIL = "node@shop-project.iam.gserviceaccount.com";
const labels = { "foundation-cluster": "shop-1" };

function pair(): { readonly privateKey: string; readonly publicKey: string } {
  const made = generateKeyPairSync("rsa", { modulusLength: 1024 });
  return {
    privateKey: made.privateKey.export({ type: "pkcs8", format: "pem" }).toString(),
    publicKey: made.publicKey.export({ type: "spki", format: "pem" }).toString(),
  };
}

const [first, second] = [pair(), pair()];
let folder = "";
let file = "";
// Files are read by the machine, so it is left a moment between two instants of virtual time.
let clock = virtualClock();
let time = socketTime(clock);
let fake = new FakeGcp(clock);

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "foundation-gcp-"));
  file = join(folder, "key.json");
});

afterAll(() => rm(folder, { recursive: true }));

beforeEach(async () => {
  clock = virtualClock();
  time = socketTime(clock);
  fake = new FakeGcp(clock);
  fake.account(EMAIL, first.publicKey);
  fake.put("n-1", { ip: "10.0.0.1", labels });
  await write({ private_key: first.privateKey });
});

function write(parts: Readonly<Record<string, unknown>>): Promise<void> {
  const key = {
    type: "service_account",
    client_email: EMAIL,
    project_id: "shop-project",
    ...parts,
  };
  return writeFile(file, JSON.stringify(key));
}

test("the file that the environment names gives project and token, and no machine is asked", async () => {
  const node = startGcp(fake, time, {}, { GOOGLE_APPLICATION_CREDENTIALS: file });
  await node.looked();
  expect(node.problems).toEqual([]);
  expect(node.peers()).toEqual([{ address: "ws://10.0.0.1:7000" }]);
  expect(fake.log).toEqual([
    "POST oauth2.googleapis.com /token",
    "GET compute.googleapis.com /compute/v1/projects/shop-project/aggregated/instances",
  ]);
  await node.stop();
});

test("a key that was rotated in the file is used for the next token", async () => {
  fake.lifeMs = 330_000;
  const node = startGcp(fake, time, { keyFile: file, interval: "1s" });
  await node.looked();
  fake.account(EMAIL, second.publicKey);
  await write({ private_key: second.privateKey });
  await clock.advance(28_000);
  const asked = (): number => fake.log.filter((line) => line.startsWith("POST")).length;
  expect(asked()).toBe(1);
  for (let i = 0; i < 100 && asked() === 1; i += 1) await time.pass(200);
  expect(asked()).toBe(2);
  expect(node.problems).toEqual([]);
  await node.stop();
});

test("a key that Google does not know is said to be that, without a word of the key", async () => {
  await write({ private_key: second.privateKey });
  const node = startGcp(fake, time, { keyFile: file });
  await node.looked();
  expect(node.problems[0]?.code).toBe("ERR_LOOKUP_FAILED");
  expect(node.problems[0]?.message).toContain("Invalid JWT Signature");
  expect(JSON.stringify(node.problems)).not.toContain("PRIVATE KEY");
  await node.stop();
});

test.each([
  [{ type: "authorized_user" }, "only a service account's key can be used"],
  [{ private_key: "no pem" }, "the private key of node@shop-project"],
  [{ private_key: 7 }, "no private_key"],
  [
    { token_uri: "http://elsewhere/token", private_key: "x" },
    "its token_uri is no https:// address",
  ],
])("a file that cannot be used says why: %j", async (parts, words) => {
  await write(parts);
  const node = startGcp(fake, time, { keyFile: file, project: "shop-project" });
  await node.looked();
  expect(node.problems[0]?.message).toContain(words);
  expect(fake.log).toEqual([]);
  await node.stop();
});
