/** Secrets, certificates and what production asks of them, as loadConfig tells it. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { inspect } from "node:util";
import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import { trustingAuthentication } from "@foundation/core/testing";
import { loadConfig } from "../../../src/config/load-config.js";
import type { StartOptions } from "../../../src/index.js";

const strong = "Zk0wq1TzZf3p2G8s7Vb5nXcLhYt4Rr6Ee9Uu0Aa1Ii=";
const other = "Qm2xw3SyYg4o1H9r6Wa4mZdKjXs5Qq7Dd8Tt1Bb2Oo=";
const marker = "MIIEvMARKERthatNobodyMaySee";
const cert = "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n";
const key = `-----BEGIN PRIVATE KEY-----\n${marker}\n-----END PRIVATE KEY-----\n`;
const exposed = { profile: "production", name: "shop", overlay: { host: "0.0.0.0" } };

let cwd = "";
beforeEach(() => {
  cwd = mkdtempSync(join(tmpdir(), "foundation-security-"));
  writeFileSync(join(cwd, "package.json"), '{ "name": "shop" }');
});
afterEach(() => rmSync(cwd, { recursive: true, force: true }));

const load = (options: object = {}, env: Record<string, string> = {}) =>
  loadConfig({ cwd, ...options } as StartOptions, env);

describe("beyond loopback", () => {
  test.each(["production", "enterprise"])(
    "%s refuses to start without a secret",
    async (profile) => {
      await expect(load({ ...exposed, profile })).rejects.toMatchObject({
        code: "ERR_CONFIG_INVALID",
        message: expect.stringMatching(/0\.0\.0\.0.*openssl rand -base64 32/s),
        details: { problems: [{ path: "security.secret", layer: "none", found: "nothing" }] },
      });
    },
  );

  test.each([
    ["31 bytes", strong.slice(0, 31)],
    ["one character again and again", "a".repeat(64)],
    ["a ring with a weak one in it", [strong, "sixteen-letters!"]],
  ])("production refuses %s, names its layer and does not show it", async (_what, secret) => {
    const error: unknown = await load({ ...exposed, security: { secret } }).catch(
      (thrown: unknown) => thrown,
    );
    expect(error).toMatchObject({
      code: "ERR_CONFIG_INVALID",
      details: { problems: [{ path: "security.secret", layer: "options" }] },
    });
    for (const each of [secret].flat()) expect(inspect(error, { depth: 9 })).not.toContain(each);
  });

  test("production takes a strong secret, a ring of such, certificates, and an own authentication", async () => {
    await load({ ...exposed, security: { secret: strong } });
    await load({ ...exposed, security: { secret: [strong, other] } });
    await load({ ...exposed, security: { tls: { cert, key, ca: cert } } });
    const runtime = { authentication: trustingAuthentication() };
    await loadConfig({ cwd, ...exposed } as StartOptions, {}, runtime);
  });

  test.each(["127.0.0.1", "127.9.9.9", "::1", "localhost"])(
    "%s is this machine: nothing is asked of the secret there",
    async (host) => {
      await load({ ...exposed, overlay: { host } });
    },
  );

  test("plain connections are refused in every profile", async () => {
    const security = { secret: strong, tls: "off", insecure: "i-know" };
    for (const profile of ["development", "production"]) {
      await expect(load({ ...exposed, profile, security })).rejects.toMatchObject({
        details: { problems: [{ path: "security.tls", layer: "options", found: '"off"' }] },
      });
    }
  });

  test("the override lets a weak secret through, and says so with a notice that shows none", async () => {
    const secret = "sixteen-letters!";
    const config = await load({ ...exposed, security: { secret, insecure: "i-know" } });
    expect(config.insecureNotice).toMatch(/^INSECURE: .*0\.0\.0\.0.*i-know/);
    expect(config.insecureNotice).not.toContain(secret);
    const safe = await load({ ...exposed, security: { secret: strong, insecure: "i-know" } });
    expect(safe.insecureNotice).toBeUndefined();
  });

  test("development warns that no other machine can join without a secret", async () => {
    const open = { overlay: { host: "10.0.0.7" } };
    expect((await load(open)).warnings).toEqual([expect.stringContaining("FOUNDATION_SECRET")]);
    expect((await load({ ...open, security: { secret: strong } })).warnings).toEqual([]);
    expect((await load()).warnings).toEqual([]);
  });
});

test("what follows from where the node listens is explained, with the reason", async () => {
  const shown = async (options: object) => {
    const explained = (await load(options)).explain();
    return ["overlay.preset", "security.tls"].map((wanted) => {
      const { value, layer, evidence } = explained.find(({ path }) => path === wanted)!;
      return [value, layer, evidence];
    });
  };
  const near = "overlay.host 127.0.0.1 is this machine only";
  expect(await shown({})).toEqual([
    ["local", "detected", near],
    ["off", "detected", near],
  ]);
  const far = "overlay.host 10.0.0.7 is beyond loopback";
  expect(await shown({ overlay: { host: "10.0.0.7", preset: "wan" } })).toEqual([
    ["wan", "options", undefined],
    ["psk", "detected", far],
  ]);
});

describe("the environment", () => {
  test("a secret a line is a key ring; a comma is a part of a secret", async () => {
    const ring = await load({}, { FOUNDATION_SECRET: `${strong}\n  ${other}\n\n` });
    expect(ring.values.security.secret).toEqual([strong, other]);
    const one = await load({}, { FOUNDATION_SECRET: "correct horse, battery staple" });
    expect(one.values.security.secret).toBe("correct horse, battery staple");
  });

  test("sets address, preset, compression and certificates", async () => {
    const { values, tls } = await load(
      {},
      {
        FOUNDATION_ADVERTISE: "node-1.internal:4100",
        FOUNDATION_PRESET: "wan",
        FOUNDATION_COMPRESSION: "true",
        FOUNDATION_TLS_CERT: cert,
        FOUNDATION_TLS_KEY: key,
        FOUNDATION_TLS_CA: cert,
      },
    );
    expect(values.overlay).toMatchObject({
      advertise: "node-1.internal:4100",
      preset: "wan",
      compression: true,
    });
    expect(tls).toEqual({ cert: cert.trim(), key: key.trim(), ca: cert.trim() });
  });

  test("a mode and certificates contradict each other", async () => {
    const env = { FOUNDATION_TLS: "psk", FOUNDATION_TLS_CERT: cert };
    await expect(load({}, env)).rejects.toMatchObject({
      details: { problems: [{ path: "security.tls.cert", layer: "environment" }] },
    });
  });
});

describe("certificates", () => {
  test("are texts, or files beside the application; explain() shows a file's path and never a key", async () => {
    writeFileSync(join(cwd, "node.key"), key);
    writeFileSync(join(cwd, "node.crt"), cert);
    const given = { cert: "node.crt", key: "node.key", ca: cert };
    const config = await load({ security: { tls: given } });
    expect(config.tls).toEqual({ cert, key, ca: cert });
    const at = (path: string) => config.explain().find((each) => each.path === path)?.value;
    expect(at("security.tls.cert")).toBe("node.crt");
    expect(at("security.tls.key")).toBe("node.key");
    expect(at("security.tls.ca")).toBe("[secret]");
    expect(inspect(config.explain(), { depth: 9 })).not.toContain(marker);
  });

  test.each([
    ["a file that is not there", { cert: "gone.crt", key, ca: cert }, "cert", /ENOENT/],
    ["a key in the place of a certificate", { cert: key, key, ca: cert }, "cert", /without one/],
    ["a certificate in the place of the key", { cert, key: cert, ca: cert }, "key", /without one/],
    ["certificate and key in one text", { cert: cert + key, key, ca: cert }, "cert", /without/],
    ["a bare key without its frame", { cert, key: marker, ca: cert }, "key", /ENOENT/],
  ])("%s is refused by path and layer, and not shown", async (_what, tls, part, found) => {
    const error: unknown = await load({ security: { tls } }).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({
      code: "ERR_CONFIG_INVALID",
      details: {
        problems: [
          { path: `security.tls.${part}`, layer: "options", found: expect.stringMatching(found) },
        ],
      },
    });
    expect(inspect(error, { depth: 9 })).not.toContain(marker);
  });

  test("a missing one is named, and an unknown option gets a suggestion", async () => {
    await expect(load({ security: { tls: { cert, key } } })).rejects.toMatchObject({
      details: { problems: [{ path: "security.tls.ca" }] },
    });
    const misspelt = { cert, key, ca: cert, caa: cert };
    await expect(load({ security: { tls: misspelt } })).rejects.toThrow(/security\.tls\.ca"/);
  });
});

describe("channels of the configuration", () => {
  test("are names, or names with options; both are explained", async () => {
    const channels = ["coordination", { name: "events", parallelism: 4 }];
    const config = await load({ overlay: { channels, compression: true } });
    expect(config.values.overlay.channels).toEqual(channels);
    const shown = config.explain().find(({ path }) => path === "overlay.channels");
    expect(shown).toMatchObject({ value: channels, layer: "options" });
  });

  test.each([
    [{ name: "bulk", parallelism: 17 }, "overlay.channels.0.parallelism", /from 1 to 16/],
    [{ name: "bulk", delivery: "exactly" }, "overlay.channels.0.delivery", /"acked"/],
    [{ name: "bulk", paralelism: 2 }, "overlay.channels.0.paralelism", /parallelism/],
    [{ parallelism: 2 }, "overlay.channels.0.name", /a value/],
    ["Bulk!", "overlay.channels.0", /a-z 0-9/],
  ])("%j is refused at its path", async (channel, path, message) => {
    const refused = load({ overlay: { channels: [channel] } });
    await expect(refused).rejects.toThrow(message);
    await expect(refused).rejects.toMatchObject({ details: { problems: [{ path }] } });
  });

  test("what peers shall dial is a host, with or without a port", async () => {
    for (const advertise of ["web-1", "10.0.0.7:4100", "[::1]:4100"]) {
      expect((await load({ overlay: { advertise } })).values.overlay.advertise).toBe(advertise);
    }
    await expect(load({ overlay: { advertise: "wss://web-1:1/x" } })).rejects.toThrow(
      /overlay\.advertise \[options\]: expected a host or host:port/,
    );
  });
});
