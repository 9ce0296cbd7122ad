import { describe, test } from "@jest/globals";
import { hmacAuthentication } from "@foundation/core";
import { trustingAuthentication } from "@foundation/core/testing";
import { authenticationContract } from "../../src/index.js";

describe("hmacAuthentication", () => {
  const create = (secret: string) => hmacAuthentication(secret, { cluster: "contract" });
  authenticationContract({ describe, test }, { create });
});

describe("trustingAuthentication", () => {
  authenticationContract({ describe, test }, { create: trustingAuthentication });
});
