/** The contract of engines, on a real etcd. */
import { afterAll, beforeAll, jest } from "@jest/globals";
import { requires } from "@foundation-tooling/jest";
import { engineContract } from "../../contract/engine.js";
import { EtcdKeyspaces } from "./etcd-keyspaces.js";
import { hasEtcd } from "./etcd-server.js";

jest.setTimeout(60_000);

const etcd = await requires("etcd", hasEtcd);
let keyspaces: EtcdKeyspaces;

etcd.describe("with one server", () => {
  beforeAll(async () => {
    keyspaces = await EtcdKeyspaces.start();
  });

  afterAll(async () => keyspaces[Symbol.asyncDispose]());

  engineContract("over etcd", {
    create: () => keyspaces.create(),
    another: () => keyspaces.another(),
    // Long enough that a slow machine is not too late to look at what lives.
    leaseMs: 2_000,
    leaseLateMs: 1_500,
  });
});
