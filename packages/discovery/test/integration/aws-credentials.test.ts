import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { virtualClock } from "@foundation/core/testing";
import { socketTime } from "@foundation/testkit";
import { startAws } from "../aws/aws-world.js";
import { FakeAws } from "../aws/fake-aws.js";

const AWS_REGION = "eu-central-1";
const PEER = { address: "ws://10.0.0.1:7000" };

// Files are read by the machine, so it is left a moment between two instants of virtual time.
let clock = virtualClock();
let time = socketTime(clock);
let fake = new FakeAws(time.clock);
let folder = "";

beforeEach(async () => {
  clock = virtualClock();
  time = socketTime(clock);
  fake = new FakeAws(time.clock);
  fake.put("i-1", { privateIp: "10.0.0.1", tags: { "foundation-cluster": "shop" } });
  folder = await mkdtemp(join(tmpdir(), "foundation-aws-"));
});

afterEach(() => rm(folder, { recursive: true }));

/** Lets time pass slowly, so that files can be read between its instants, until the condition holds. */
async function slowly(condition: () => boolean): Promise<void> {
  for (let i = 0; i < 100 && !condition(); i += 1) await time.pass(200);
  expect(condition()).toBe(true);
}

describe("the instance's metadata service", () => {
  test("gives region and role credentials by version 2, and no request goes without a session", async () => {
    fake.role = { name: "node", lifeMs: 3_600_000 };
    const node = startAws(fake, time);
    await node.looked();
    expect(node.problems).toEqual([]);
    expect(node.peers()).toEqual([PEER]);
    expect(fake.log.slice(0, 5)).toEqual([
      "PUT 169.254.169.254 /latest/api/token",
      "GET 169.254.169.254 /latest/meta-data/placement/region",
      "GET 169.254.169.254 /latest/meta-data/iam/security-credentials/",
      "GET 169.254.169.254 /latest/meta-data/iam/security-credentials/node",
      "POST ec2.eu-central-1.amazonaws.com /",
    ]);
    await node.stop();
  });

  test("is asked for new credentials five minutes before the old ones expire, and not earlier", async () => {
    fake.role = { name: "node", lifeMs: 330_000 };
    const node = startAws(fake, time, { interval: "1s" });
    await node.looked();
    const asked = (): number =>
      fake.log.filter((line) => line.endsWith("/security-credentials/node")).length;
    await clock.advance(28_000);
    expect(asked()).toBe(1);
    await slowly(() => asked() === 2);
    expect(node.problems).toEqual([]);
    await node.stop();
  });

  test("that has forgotten the session is asked for another", async () => {
    fake.role = { name: "node", lifeMs: 310_000 };
    const node = startAws(fake, time, { interval: "1s" });
    await node.looked();
    fake.forgetSessions();
    await clock.advance(8_000);
    await slowly(() => fake.log.filter((line) => line.startsWith("PUT")).length === 2);
    expect(node.problems).toEqual([]);
    await node.stop();
  });

  test("whose answer dies one hop short is told of in words, with what to set", async () => {
    fake.isHopShort = true;
    const node = startAws(fake, time, {}, { AWS_REGION });
    await node.looked();
    expect(node.problems[0]?.code).toBe("ERR_LOOKUP_FAILED");
    expect(node.problems[0]?.message).toContain("--http-put-response-hop-limit 2");
    expect(node.problems[0]?.message).toContain("the environment: none");
    await node.stop();
  });

  test("is not asked where the environment says so", async () => {
    fake.role = { name: "node", lifeMs: 3_600_000 };
    const node = startAws(fake, time, {}, { AWS_REGION, AWS_EC2_METADATA_DISABLED: "true" });
    await node.looked();
    expect(fake.log).toEqual([]);
    expect(node.problems[0]?.message).toContain("AWS_EC2_METADATA_DISABLED");
    await node.stop();
  });
});

test("credentials that were withdrawn are replaced by new ones at the next look", async () => {
  fake.role = { name: "node", lifeMs: 3_600_000 };
  const node = startAws(fake, time, { interval: "1s" });
  await node.looked();
  fake.keys.clear();
  await slowly(() => node.problems.length > 0);
  expect(node.problems[0]?.message).toContain("credentials of the instance");
  const asked = fake.log.length;
  await slowly(() => fake.log.slice(asked).some((line) => line.startsWith("POST")));
  await slowly(() => node.steps.at(-1)?.answer === "1 peers");
  expect(node.peers()).toEqual([PEER]);
  await node.stop();
});

test("a web identity is exchanged for a role, with the token that is in the file now", async () => {
  fake.webIdentityToken = "first";
  fake.lifeMs = 330_000;
  const file = join(folder, "token");
  await writeFile(file, "first\n");
  const env = {
    AWS_REGION,
    AWS_WEB_IDENTITY_TOKEN_FILE: file,
    AWS_ROLE_ARN: "arn:aws:iam::1:role/node",
  };
  const node = startAws(fake, time, { interval: "1s" }, env);
  await node.looked();
  expect(node.problems).toEqual([]);
  expect(node.peers()).toEqual([PEER]);
  fake.webIdentityToken = "second";
  await writeFile(file, "second\n");
  await clock.advance(28_000);
  await slowly(() => fake.log.filter((line) => line.includes("sts.eu-central-1")).length === 2);
  expect(node.problems).toEqual([]);
  await node.stop();
});

test("a web identity that STS refuses is said to be that, and the next source is tried", async () => {
  fake.role = { name: "node", lifeMs: 3_600_000 };
  const file = join(folder, "token");
  await writeFile(file, "unknown");
  const env = { AWS_REGION, AWS_WEB_IDENTITY_TOKEN_FILE: file, AWS_ROLE_ARN: "arn" };
  const node = startAws(fake, time, {}, env);
  await node.looked();
  expect(node.peers()).toEqual([PEER]);
  fake.role = undefined;
  const alone = startAws(fake, time, {}, env);
  await alone.looked();
  expect(alone.problems[0]?.message).toContain(
    "the web identity: AWS answered with the status 400",
  );
  await node.stop();
  await alone.stop();
});

test("a container's credentials are asked for with its token; a host elsewhere is not asked", async () => {
  fake.containerToken = "let-me-in";
  const env = {
    AWS_REGION,
    AWS_CONTAINER_CREDENTIALS_RELATIVE_URI: "/v2/credentials/1",
    AWS_CONTAINER_AUTHORIZATION_TOKEN: "let-me-in",
  };
  const node = startAws(fake, time, {}, env);
  await node.looked();
  expect(node.peers()).toEqual([PEER]);
  const far = { AWS_REGION, AWS_CONTAINER_CREDENTIALS_FULL_URI: "http://10.9.9.9/c" };
  const other = startAws(fake, time, {}, far);
  await other.looked();
  expect(other.problems[0]?.message).toContain("10.9.9.9, which is not of this machine");
  await node.stop();
  await other.stop();
});

test("the shared file's profile is used, and a profile without keys is said to have none", async () => {
  fake.keys.set("AKIAFILE", { secret: "from-file" });
  const file = join(folder, "credentials");
  await writeFile(
    file,
    "[default]\naws_access_key_id = AKIAX\naws_secret_access_key = x\n" +
      "[shop]\naws_access_key_id=AKIAFILE\naws_secret_access_key=from-file\n",
  );
  const env = { AWS_REGION, AWS_SHARED_CREDENTIALS_FILE: file };
  const node = startAws(fake, time, {}, { ...env, AWS_PROFILE: "shop" });
  await node.looked();
  expect(node.peers()).toEqual([PEER]);
  const other = startAws(fake, time, {}, { ...env, AWS_PROFILE: "billing" });
  await other.looked();
  expect(other.problems[0]?.message).toContain('the profile "billing" has no keys');
  await node.stop();
  await other.stop();
});
