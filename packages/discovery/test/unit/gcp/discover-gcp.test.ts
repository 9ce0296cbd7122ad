import { beforeEach, describe, expect, test } from "@jest/globals";
import { virtualClock } from "@foundation/core/testing";
import { virtualTime } from "@foundation/testkit";
import { discoveryLimits } from "../../../src/limits.js";
import { gcp } from "../../../src/gcp/gcp.js";
import { FakeGcp } from "../../gcp/fake-gcp.js";
import { startGcp } from "../../gcp/gcp-world.js";

/** The label that the cluster's name, `Shop.1`, gives. */
const labels = { "foundation-cluster": "shop-1" };
const [ZONE_A, ZONE_B, ELSEWHERE] = ["europe-west3-a", "europe-west3-b", "us-east1-b"];

let time = virtualTime(virtualClock());
let fake = new FakeGcp(time.clock);

beforeEach(() => {
  time = virtualTime(virtualClock());
  fake = new FakeGcp(time.clock);
  fake.machine = { zone: ZONE_A, tokenLifeMs: 3_600_000 };
});

describe("instances", () => {
  test("are those of all zones with the cluster's label; who stops drains, who starts is none yet", async () => {
    fake.put("n-1", { ip: "10.0.0.1", labels });
    fake.put("n-2", { ip: "10.0.0.2", labels, zone: ELSEWHERE, status: "STOPPING" });
    fake.put("n-3", { ip: "10.0.0.3", labels, status: "STAGING" });
    fake.put("n-4", { ip: "10.0.0.4", labels: { "foundation-cluster": "billing" } });
    const node = startGcp(fake, time, { port: 4100 });
    await node.looked();
    expect(node.problems).toEqual([]);
    expect(node.peers()).toEqual([
      { address: "ws://10.0.0.1:4100" },
      { address: "ws://10.0.0.2:4100", draining: true },
    ]);
    await node.stop();
  });

  test("may be looked for in some zones, or in a region", async () => {
    fake.put("n-1", { ip: "10.0.0.1", labels, zone: ZONE_A });
    fake.put("n-2", { ip: "10.0.0.2", labels, zone: ZONE_B });
    fake.put("n-3", { ip: "10.0.0.3", labels, zone: ELSEWHERE });
    const zones = startGcp(fake, time, { zones: [ZONE_A, ELSEWHERE] });
    const region = startGcp(fake, time, { region: "europe-west3" });
    await zones.looked();
    await region.looked();
    const hosts = (node: typeof zones): readonly string[] =>
      node.peers().map(({ address }) => new URL(address.replace("ws", "http")).hostname);
    expect(hosts(zones)).toEqual(["10.0.0.1", "10.0.0.3"]);
    expect(hosts(region)).toEqual(["10.0.0.1", "10.0.0.2"]);
    await zones.stop();
    await region.stop();
  });

  test("are dialled at the kind of address that was asked for; who has none is left out", async () => {
    fake.put("n-1", { ip: "10.0.0.1", publicIp: "34.1.1.1", ipv6: "2600::1", labels });
    fake.put("n-2", { ip: "10.0.0.2", labels });
    const open = startGcp(fake, time, { addressType: "public" });
    const six = startGcp(fake, time, { addressType: "ipv6" });
    await open.looked();
    await six.looked();
    expect(open.peers()).toEqual([{ address: "ws://34.1.1.1:7000" }]);
    expect(six.peers()).toEqual([{ address: "ws://[2600::1]:7000" }]);
    await open.stop();
    await six.stop();
  });

  test("come page after page", async () => {
    for (let i = 1; i <= 25; i += 1) fake.put(`n-${i}`, { ip: `10.0.0.${i}`, labels });
    fake.pageSize = 10;
    const node = startGcp(fake, time);
    await node.looked();
    expect(node.peers()).toHaveLength(25);
    expect(fake.log.filter((line) => line.includes("/aggregated/instances"))).toHaveLength(3);
    await node.stop();
  });

  test("of a zone that cannot be reached stay on offer, and the zone is named; other regions' do not matter", async () => {
    fake.put("n-1", { ip: "10.0.0.1", labels, zone: ZONE_A });
    fake.put("n-2", { ip: "10.0.0.2", labels, zone: ZONE_B });
    const all = startGcp(fake, time);
    const region = startGcp(fake, time, { region: "us-east1" });
    await all.looked();
    await region.looked();
    fake.unreachable.add(ZONE_B);
    await time.pass(60_000);
    expect(all.peers()).toHaveLength(2);
    expect(all.problems[0]?.code).toBe("ERR_DISCOVERY_PARTIAL");
    expect(all.problems[0]?.message).toContain("europe-west3-b cannot be reached");
    expect(region.problems).toEqual([]);
    await all.stop();
    await region.stop();
  });
});

test("more pages than the limit are not asked for, and the answer is a partial one", async () => {
  const { gcpPagesMax } = discoveryLimits;
  for (let i = 0; i <= gcpPagesMax; i += 1) fake.put(`n-${i}`, { ip: `10.0.0.${i}`, labels });
  fake.pageSize = 1;
  const node = startGcp(fake, time, { project: "shop-project" });
  await node.looked();
  expect(node.peers()).toHaveLength(gcpPagesMax);
  expect(node.problems[0]?.code).toBe("ERR_DISCOVERY_PARTIAL");
  expect(node.problems[0]?.message).toContain(`more than ${gcpPagesMax} pages`);
  await node.stop();
});

test("one of several zones that fails makes the answer a partial one, and the next look comes later", async () => {
  fake.put("n-1", { ip: "10.0.0.1", labels, zone: ZONE_A });
  const zones = [ZONE_A, "nowhere-east1-a"];
  const node = startGcp(fake, time, { zones, project: "shop-project", interval: "1s" });
  await node.looked();
  expect(node.peers()).toEqual([{ address: "ws://10.0.0.1:7000" }]);
  await time.pass(20_000);
  expect(node.problems).toHaveLength(1);
  expect(node.problems[0]?.message).toContain("nowhere-east1-a");
  await node.stop();
});

describe("an instance group", () => {
  test("gives its members only, and who it deletes drains", async () => {
    fake.put("n-1", { ip: "10.0.0.1" });
    fake.put("n-2", { ip: "10.0.0.2" });
    fake.put("n-3", { ip: "10.0.0.3" });
    const members = new Map([
      [`${ZONE_A}/n-1`, "NONE"],
      [`${ZONE_A}/n-2`, "DELETING"],
    ]);
    fake.groups.set("shop", { place: `zones/${ZONE_A}`, managed: true, members });
    const node = startGcp(fake, time, { instanceGroup: "shop" });
    await node.looked();
    expect(node.problems).toEqual([]);
    expect(node.peers()).toEqual([
      { address: "ws://10.0.0.1:7000" },
      { address: "ws://10.0.0.2:7000", draining: true },
    ]);
    await node.stop();
  });

  test("may be without a manager, and of a region; then it is asked in that way only", async () => {
    fake.put("n-1", { ip: "10.0.0.1", zone: ZONE_B });
    const members = new Map([[`${ZONE_B}/n-1`, "NONE"]]);
    fake.groups.set("shop", { place: "regions/europe-west3", managed: false, members });
    const node = startGcp(fake, time, { instanceGroup: "shop", region: "europe-west3" });
    await node.looked();
    expect(node.peers()).toEqual([{ address: "ws://10.0.0.1:7000" }]);
    await time.pass(60_000);
    const asked = fake.log.filter((line) => line.includes("instanceGroupManagers"));
    expect(asked).toHaveLength(1);
    await node.stop();
  });

  test("that is not there is said to be that, with where it was looked for", async () => {
    const node = startGcp(fake, time, { instanceGroup: "shop", zones: [ZONE_B] });
    await node.looked();
    expect(node.problems[0]?.message).toContain("no instance group shop in europe-west3-b");
    await node.stop();
  });
});

describe("a refusal", () => {
  test.each([
    ["permission", "roles/compute.viewer"],
    ["scope", "--scopes cloud-platform"],
    ["api", "gcloud services enable compute.googleapis.com --project shop-project"],
  ] as const)("for want of the %s says what to do", async (denial, words) => {
    fake.denial = denial;
    const node = startGcp(fake, time);
    await node.looked();
    expect(node.problems[0]?.code).toBe("ERR_LOOKUP_REFUSED");
    expect(node.problems[0]?.message).toContain(words);
    expect(JSON.stringify([node.problems, node.steps])).not.toContain("ya29");
    await node.stop();
  });

  test("of the token makes the next look take a new one", async () => {
    fake.put("n-1", { ip: "10.0.0.1", labels });
    const node = startGcp(fake, time);
    await node.looked();
    fake.revokeTokens();
    await time.pass(15_000);
    expect(node.problems[0]?.message).toContain("does not take the token");
    const before = node.problems.length;
    await time.pass(60_000);
    expect(node.problems).toHaveLength(before);
    await node.stop();
  });
});

describe("the metadata server", () => {
  test("is asked for a new token five minutes before the old one expires", async () => {
    fake.machine = { zone: ZONE_A, tokenLifeMs: 600_000 };
    const node = startGcp(fake, time);
    const asked = (): number => fake.log.filter((line) => line.endsWith("/token")).length;
    await time.pass(290_000);
    expect(asked()).toBe(1);
    await time.pass(30_000);
    expect(asked()).toBe(2);
    expect(node.problems).toEqual([]);
    await node.stop();
  });

  test("is not believed when it does not say that it is Google's", async () => {
    fake.isPortal = true;
    const node = startGcp(fake, time, { project: "shop-project" });
    await node.looked();
    expect(node.problems[0]?.message).toContain("does not say that it is Google's");
    expect(fake.log.some((line) => line.includes("compute.googleapis.com"))).toBe(false);
    await node.stop();
  });
});

test("an option that is none is refused when the strategy is made, and says which", () => {
  const refusal = (options: object) => () => gcp(options as Parameters<typeof gcp>[0]);
  const invalid = expect.objectContaining({ code: "ERR_INVALID_ARGUMENT" });
  expect(refusal({ labels: {} })).toThrow(/without, every instance of the project would be a peer/);
  expect(refusal({ labels: { App: "shop" } })).toThrow(invalid);
  expect(refusal({ labels: { app: 'shop" OR name != "' } })).toThrow(invalid);
  expect(refusal({ region: "europe-west3-a" })).toThrow(invalid);
  expect(refusal({ zones: [] })).toThrow(invalid);
  expect(refusal({ zones: ["europe-west3-a"], region: "europe-west3" })).toThrow(invalid);
  expect(refusal({ instanceGroup: "Shop" })).toThrow(invalid);
  expect(refusal({ interval: 10 })).toThrow(invalid);
});
