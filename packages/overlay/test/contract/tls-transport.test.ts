import { describe, test } from "@jest/globals";
import { createKeyRing, nodeClock } from "@foundation/core";
import { realTime, transportContract } from "@foundation/testkit";
import { websocketTransport, type TransportTls } from "../../src/index.js";
import { Authority } from "../support/certificates.js";

const cluster = "shop";
const kinds: readonly TransportTls[] = [
  { type: "psk", cluster, keys: createKeyRing("the secret of this cluster") },
  {
    type: "certificates",
    cluster,
    certificates: new Authority().certificates("foundation://shop/node"),
  },
];

for (const tls of kinds) {
  describe(`over TLS with ${tls.type}`, () => {
    transportContract(
      { describe, test },
      {
        create: () => ({
          transport: websocketTransport({ tls }),
          host: "127.0.0.1",
          time: realTime(nodeClock()),
          close: () => {},
        }),
      },
    );
  });
}
