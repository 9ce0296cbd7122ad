import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import type { KubernetesOptions } from "../../../src/index.js";
import { ServiceAccount, type Environment } from "../../../src/kubernetes/service-account.js";
import { kubernetesLimits } from "../../../src/protocol/kubernetes/limits.js";

const POD: Environment = { KUBERNETES_SERVICE_HOST: "10.96.0.1", KUBERNETES_SERVICE_PORT: "443" };
let directory = "";

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "foundation-account-"));
  write({ token: "abc.def\n", "ca.crt": "the CAs", namespace: "shop\n" });
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

function write(files: Readonly<Record<string, string>>): void {
  for (const [name, text] of Object.entries(files)) writeFileSync(join(directory, name), text);
}
const account = (options: KubernetesOptions = {}, environment: Environment = POD) =>
  new ServiceAccount({ serviceAccountDirectory: directory, ...options }, environment);

describe("what a pod knows of itself", () => {
  test("is read from its environment and its files", async () => {
    expect(await account().credentials()).toEqual({
      server: "https://10.96.0.1",
      token: "abc.def",
      ca: "the CAs",
    });
    expect(await account().namespaces()).toEqual(["shop"]);
  });

  test("a renewed token is read", async () => {
    const same = account();
    await same.credentials();
    write({ token: "new" });
    expect((await same.credentials()).token).toBe("new");
  });

  test("options go before all of it", async () => {
    const options = { server: "https://k8s.example:6443", token: "t", ca: "c" };
    const given = account({ ...options, serviceAccountDirectory: "/nowhere" }, {});
    expect(await given.credentials()).toEqual(options);
    const files = { tokenFile: join(directory, "ca.crt"), caFile: join(directory, "token") };
    write({ "ca.crt": "other-token" });
    const { token, ca } = await account(files).credentials();
    expect([token, ca]).toEqual(["other-token", "abc.def"]);
  });

  test.each([
    [
      { KUBERNETES_SERVICE_HOST: "fd00::1", KUBERNETES_SERVICE_PORT: "6443" },
      "https://[fd00::1]:6443",
    ],
    [{ KUBERNETES_SERVICE_HOST: "[fd00::1]" }, "https://[fd00::1]"],
    [{ KUBERNETES_SERVICE_HOST: "k8s", KUBERNETES_SERVICE_PORT: "" }, "https://k8s"],
  ])("%j is the server %s", (environment, server) => {
    expect(account({}, environment).server()).toBe(server);
  });

  test.each([
    ["one", ["one"]],
    [
      ["a", "b", "a"],
      ["a", "b"],
    ],
    ["*", [undefined]],
  ])("namespace %j means %j", async (namespace, expected) => {
    expect(await account({ namespace }).namespaces()).toEqual(expected);
  });
});

describe("what a pod lacks is told with what to give", () => {
  const refused = async (promise: Promise<unknown>): Promise<unknown> =>
    promise.catch((error: unknown) => error);
  const setting = (name: string, text: string) =>
    expect.objectContaining({
      code: "ERR_KUBERNETES_SETTING",
      details: expect.objectContaining({ setting: name }),
      message: expect.stringContaining(text),
    });

  test("outside of a pod", async () => {
    const error = await refused(account({}, {}).credentials());
    expect(error).toEqual(setting("server", "KUBERNETES_SERVICE_HOST is not set"));
  });

  test("a host that is none", async () => {
    const error = await refused(account({}, { KUBERNETES_SERVICE_HOST: "a b" }).credentials());
    expect(error).toEqual(setting("server", "which is no address"));
  });

  test("a token that is not mounted", async () => {
    rmSync(join(directory, "token"));
    const error = await refused(account().credentials());
    expect(error).toEqual(setting("token", "automountServiceAccountToken"));
  });

  test.each(["", "two words", "line\nbreak"])("a token %j, which is not shown", async (token) => {
    write({ token });
    const error = await refused(account().credentials());
    expect(error).toEqual(setting("token", "tokenFile"));
    if (token !== "") expect((error as Error).message).not.toContain(token);
  });

  test("a file that is too large", async () => {
    write({ "ca.crt": "a".repeat(kubernetesLimits.fileBytesMax + 1) });
    expect(await refused(account().credentials())).toEqual(setting("ca", "larger than"));
  });

  test("a namespace that is none, or not there", async () => {
    write({ namespace: "Not A Namespace" });
    expect(await refused(account().namespaces())).toEqual(setting("namespace", "which is none"));
    rmSync(join(directory, "namespace"));
    expect(await refused(account().namespaces())).toEqual(setting("namespace", "ENOENT"));
  });
});
