import { describe, test } from "@jest/globals";
import { generateKeyPairSync } from "node:crypto";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { virtualClock } from "@foundation/core/testing";
import {
  discoveryBackendContract,
  discoveryContract,
  socketTime,
  type DiscoveryFixture,
} from "@foundation/testkit";
import { discoverGcp } from "../../src/gcp/discover-gcp.js";
import { gcp } from "../../src/gcp/gcp.js";
import { FakeGcp } from "../gcp/fake-gcp.js";
import { gcpBackend } from "../backends/gcp-backend.js";
import { inMemoryHttp } from "../http/in-memory-http.js";

describe("gcp, a Compute Engine in memory and virtual time", () => {
  discoveryBackendContract({ describe, test }, gcpBackend);
});

describe("gcp, with a service account's key file", () => {
  const email = "node@shop-project.iam.gserviceaccount.com";
  const pair = generateKeyPairSync("rsa", { modulusLength: 1024 });
  const privateKey = pair.privateKey.export({ type: "pkcs8", format: "pem" }).toString();
  const publicKey = pair.publicKey.export({ type: "spki", format: "pem" }).toString();

  discoveryContract(
    { describe, test },
    {
      initial: ["ws://10.0.0.1:4100"],
      create: async (): Promise<DiscoveryFixture> => {
        const clock = virtualClock();
        const fake = new FakeGcp(clock);
        fake.account(email, publicKey);
        fake.put("node-1", { ip: "10.0.0.1", labels: { "foundation-cluster": "contract" } });
        const folder = await mkdtemp(join(tmpdir(), "foundation-gcp-"));
        const keyFile = join(folder, "key.json");
        const key = {
          type: "service_account",
          client_email: email,
          private_key: privateKey,
          private_key_id: "k1",
          project_id: "shop-project",
        };
        await writeFile(keyFile, JSON.stringify(key));
        const { name } = gcp();
        const options = { keyFile, port: 4100 };
        return {
          strategy: {
            name,
            discover: (context) =>
              discoverGcp(options, {}, context, inMemoryHttp(clock, fake.handler)),
          },
          time: socketTime(clock),
          close: () => rm(folder, { recursive: true }),
        };
      },
    },
  );
});
