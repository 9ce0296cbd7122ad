import { describe, test } from "@jest/globals";
import { nodeClock } from "@foundation/core";
import {
  discoveryBackendContract,
  discoveryContract,
  realTime,
  type DiscoveryFixture,
} from "@foundation/testkit";
import { aws } from "../../src/aws/aws.js";
import { awsBackend } from "../backends/aws-backend.js";
import { FakeAws } from "../aws/fake-aws.js";
import { serveHttp } from "../http/serve-http.js";

describe("aws, an EC2 in memory and virtual time", () => {
  discoveryBackendContract({ describe, test }, awsBackend);
});

describe("aws, over real sockets", () => {
  const tags = { app: "shop" };
  discoveryContract(
    { describe, test },
    {
      initial: ["ws://10.0.0.1:4100"],
      create: async (): Promise<DiscoveryFixture> => {
        const clock = nodeClock();
        const fake = new FakeAws(clock);
        fake.keys.set("AKIA", { secret: "s3cret" });
        fake.put("i-1", { privateIp: "10.0.0.1", tags });
        const server = await serveHttp(fake.handler);
        return {
          strategy: aws({
            tags,
            port: 4100,
            region: "eu-central-1",
            endpoint: server.url,
            credentials: { accessKeyId: "AKIA", secretAccessKey: "s3cret" },
          }),
          time: realTime(clock),
          close: () => server.close(),
        };
      },
    },
  );
});
