/** The setup of `aws`: the strategy on a fake EC2 in memory and in virtual time, as the contract of backends wants it. */
import { virtualClock } from "@foundation/core/testing";
import {
  virtualTime,
  type DiscoveryBackend,
  type DiscoveryBackendSetup,
} from "@foundation/testkit";
import { discoverAws } from "../../src/aws/discover-aws.js";
import type { AwsOptions } from "../../src/aws/aws.js";
import { inMemoryHttp } from "../http/in-memory-http.js";
import { FakeAws } from "../aws/fake-aws.js";

const TAGS = { app: "shop" };

function create(options: AwsOptions = {}): DiscoveryBackend {
  const clock = virtualClock();
  const fake = new FakeAws(clock);
  fake.keys.set("AKIA", { secret: "s3cret" });
  fake.pageSize = 1;
  const credentials = { accessKeyId: "AKIA", secretAccessKey: "s3cret" };
  const given: AwsOptions = { tags: TAGS, region: "eu-central-1", credentials, interval: "1s" };
  return {
    strategy: {
      name: "aws",
      discover: (context) =>
        discoverAws({ ...given, ...options }, {}, context, inMemoryHttp(clock, fake.handler)),
    },
    time: virtualTime(clock),
    add: (address) => {
      const { hostname } = new URL(address.replace(/^ws/, "http"));
      fake.put(address, { privateIp: hostname, tags: TAGS });
    },
    remove: (address) => void fake.instances.delete(address),
    fail: (kind) => fake.fail(kind),
    recover: () => fake.recover(),
    requests: () => fake.log.length,
    close: () => {},
  };
}

/** A page for each instance, so that a page can be missing. */
export const awsBackend: DiscoveryBackendSetup = {
  create: () => create({ port: 4100 }),
  failures: ["error", "forbidden", "not-found", "empty", "partial", "malformed", "hang"],
  pace: { requests: 1, perMs: 1_000 },
  retryMaxMs: 30_000,
  // A request that hangs is known to after ten seconds; a missing page asks for a pause of half a minute.
  withinMs: 60_000,
};
