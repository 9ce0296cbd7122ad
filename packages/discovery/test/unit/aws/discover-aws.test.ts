import { beforeEach, describe, expect, test } from "@jest/globals";
import { virtualClock } from "@foundation/core/testing";
import { virtualTime } from "@foundation/testkit";
import { discoveryLimits } from "../../../src/limits.js";
import { startAws } from "../../aws/aws-world.js";
import { FakeAws } from "../../aws/fake-aws.js";

const REGION = "eu-central-1";
const TAGS = { "foundation-cluster": "shop" };
const credentials = { accessKeyId: "AKIA", secretAccessKey: "s3cret" };

let time = virtualTime(virtualClock());
let fake = new FakeAws(time.clock);

beforeEach(() => {
  time = virtualTime(virtualClock());
  fake = new FakeAws(time.clock);
  fake.keys.set("AKIA", { secret: "s3cret" });
});

describe("instances", () => {
  test("are those with the cluster's tag that run; who shuts down drains", async () => {
    fake.put("i-1", { privateIp: "10.0.0.1", tags: TAGS });
    fake.put("i-2", { privateIp: "10.0.0.2", tags: TAGS, state: "shutting-down" });
    fake.put("i-3", { privateIp: "10.0.0.3", tags: TAGS, state: "pending" });
    fake.put("i-4", { privateIp: "10.0.0.4", tags: { "foundation-cluster": "billing" } });
    const node = startAws(fake, time, { region: REGION, credentials, port: 4100 });
    await node.looked();
    expect(node.peers()).toEqual([
      { address: "ws://10.0.0.1:4100" },
      { address: "ws://10.0.0.2:4100", draining: true },
    ]);
    await node.stop();
  });

  test("may be named by several tags, several values and wildcards", async () => {
    fake.put("i-1", { privateIp: "10.0.0.1", tags: { app: "shop", stage: "prod-1" } });
    fake.put("i-2", { privateIp: "10.0.0.2", tags: { app: "shop", stage: "canary" } });
    fake.put("i-3", { privateIp: "10.0.0.3", tags: { app: "shop", stage: "dev" } });
    const tags = { app: "shop", stage: ["prod-*", "canary"] };
    const node = startAws(fake, time, { region: REGION, credentials, tags });
    await node.looked();
    expect(node.peers().map(({ address }) => address)).toEqual([
      "ws://10.0.0.1:7000",
      "ws://10.0.0.2:7000",
    ]);
    await node.stop();
  });

  test("are dialled at the kind of address that was asked for; who has none is left out", async () => {
    fake.put("i-1", { privateIp: "10.0.0.1", publicIp: "3.3.3.1", ipv6: "2a05::1", tags: TAGS });
    fake.put("i-2", { privateIp: "10.0.0.2", tags: TAGS });
    const given = { region: REGION, credentials };
    const open = startAws(fake, time, { ...given, addressType: "public" });
    const six = startAws(fake, time, { ...given, addressType: "ipv6" });
    await open.looked();
    await six.looked();
    expect(open.peers()).toEqual([{ address: "ws://3.3.3.1:7000" }]);
    expect(six.peers()).toEqual([{ address: "ws://[2a05::1]:7000" }]);
    expect(open.problems).toEqual([]);
    await open.stop();
    await six.stop();
  });

  test("come page after page, each asked for with the token of the one before", async () => {
    for (let i = 1; i <= 25; i += 1) fake.put(`i-${i}`, { privateIp: `10.0.0.${i}`, tags: TAGS });
    fake.pageSize = 10;
    const node = startAws(fake, time, { region: REGION, credentials });
    await node.looked();
    expect(node.peers()).toHaveLength(25);
    expect(fake.log).toHaveLength(3);
    await node.stop();
  });
});

test("more pages than the limit are not asked for, and the answer is a partial one", async () => {
  const { awsPagesMax } = discoveryLimits;
  for (let i = 0; i <= awsPagesMax; i += 1)
    fake.put(`i-${i}`, { privateIp: `10.0.0.${i}`, tags: TAGS });
  fake.pageSize = 1;
  const node = startAws(fake, time, { region: REGION, credentials });
  await node.looked();
  expect(node.peers()).toHaveLength(awsPagesMax);
  expect(fake.log).toHaveLength(awsPagesMax);
  expect(node.problems[0]?.code).toBe("ERR_DISCOVERY_PARTIAL");
  expect(node.problems[0]?.message).toContain(`more than ${awsPagesMax} pages`);
  await node.stop();
});

describe("a refusal", () => {
  test("names the action and the IAM statement that allows it", async () => {
    fake.keys.set("AKIA", { secret: "s3cret", mayDescribe: false });
    const node = startAws(fake, time, { region: REGION, credentials });
    await node.looked();
    const [problem] = node.problems;
    expect(problem?.code).toBe("ERR_LOOKUP_REFUSED");
    expect(problem?.message).toContain(
      '{"Effect":"Allow","Action":"ec2:DescribeInstances","Resource":"*"}',
    );
    expect(problem?.message).not.toContain("aGVsbG8");
    await node.stop();
  });

  test("by a clock that is wrong says by how much, and which way", async () => {
    fake.skewMs = 11 * 60_000;
    const node = startAws(fake, time, { region: REGION, credentials });
    await node.looked();
    expect(node.problems[0]?.message).toContain("clock is 11 minutes behind of AWS's");
    await node.stop();
  });

  test("of a secret that is wrong names its source and shows nothing of it", async () => {
    const wrong = { ...credentials, secretAccessKey: "wrong-secret" };
    const node = startAws(fake, time, { region: REGION, credentials: wrong });
    await node.looked();
    expect(node.problems[0]?.code).toBe("ERR_LOOKUP_REFUSED");
    expect(node.problems[0]?.message).toContain("credentials of the option");
    expect(JSON.stringify([node.problems, node.steps])).not.toContain("wrong-secret");
    await node.stop();
  });

  test("for the rate of requests is asked again ever more rarely", async () => {
    fake.fail("error");
    const node = startAws(fake, time, { region: REGION, credentials, interval: "1s" });
    await time.pass(120_000);
    expect(node.problems[0]?.message).toContain("AWS limits the rate of requests");
    expect(fake.log.length).toBeLessThan(12);
    await node.stop();
  });
});

describe("credentials", () => {
  test("of the environment come before the instance's", async () => {
    fake.role = { name: "node", lifeMs: 3_600_000 };
    const env = {
      AWS_REGION: REGION,
      AWS_ACCESS_KEY_ID: "AKIA",
      AWS_SECRET_ACCESS_KEY: "s3cret",
    };
    const node = startAws(fake, time, {}, env);
    await node.looked();
    expect(node.problems).toEqual([]);
    expect(fake.log).toEqual(["POST ec2.eu-central-1.amazonaws.com /"]);
    await node.stop();
  });
});

test("an option that is none is refused when the strategy is made, and says which", async () => {
  const { aws } = await import("../../../src/aws/aws.js");
  const refusal = (options: object) => () => aws(options as Parameters<typeof aws>[0]);
  const invalid = expect.objectContaining({ code: "ERR_INVALID_ARGUMENT" });
  expect(refusal({ tags: {} })).toThrow(/without, every instance of the account would be a peer/);
  expect(refusal({ region: "Frankfurt" })).toThrow(invalid);
  expect(refusal({ port: 0 })).toThrow(invalid);
  expect(refusal({ addressType: "elastic" })).toThrow(invalid);
  expect(refusal({ interval: "10ms" })).toThrow(invalid);
  expect(refusal({ endpoint: "https://user:pw@host" })).toThrow(invalid);
});
