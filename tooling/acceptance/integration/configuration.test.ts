import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startNode, uniqueName } from "../support/clusters.js";

describe("configuration", () => {
  let cwd: string;
  beforeEach(() => {
    cwd = mkdtempSync(join(tmpdir(), "foundation-config-"));
    writeFileSync(join(cwd, "package.json"), '{ "name": "shop" }');
  });
  afterEach(() => rmSync(cwd, { recursive: true, force: true }));

  test("an unknown option is an error that names it, its layer and what was meant", async () => {
    const options = { name: uniqueName(), overlai: { port: 1 } } as never;
    await expect(startNode(options)).rejects.toMatchObject({
      code: "ERR_CONFIG_INVALID",
      details: { problems: [{ path: "overlai", layer: "options" }] },
      message: expect.stringContaining("overlay"),
    });
  });

  test("every problem of every layer is listed at once", async () => {
    writeFileSync(join(cwd, "foundation.config.json"), '{ "log": { "level": "loud" } }');
    const options = { cwd, overlay: { port: -1 } };
    await expect(startNode(options)).rejects.toMatchObject({
      code: "ERR_CONFIG_INVALID",
      details: {
        problems: expect.arrayContaining([
          expect.objectContaining({ path: "log.level", layer: "file" }),
          expect.objectContaining({ path: "overlay.port", layer: "options" }),
        ]),
      },
    });
  });

  test.each([
    ["is not JSON", "foundation.config.json", "{"],
    ["throws", "foundation.config.mjs", 'throw new Error("boom")'],
    ["exports no object", "foundation.config.mjs", "export default 7"],
  ])("a file that %s stops the start and is named", async (_what, file, text) => {
    writeFileSync(join(cwd, file), text);
    await expect(startNode({ cwd })).rejects.toMatchObject({
      code: "ERR_CONFIG_UNREADABLE",
      message: expect.stringContaining(file),
    });
  });

  test("a file's values are used and explained, and options win over it", async () => {
    const file = join(cwd, "foundation.config.mjs");
    writeFileSync(file, 'export default { node: { name: "from-file", roles: ["web"] } }');
    const { cluster } = await startNode({ cwd, node: { name: "from-options" } });
    expect(cluster.self).toMatchObject({ name: "from-options", roles: ["web"] });
    const explained = cluster.config.explain();
    const at = (path: string) => explained.find((value) => value.path === path);
    expect(at("node.name")).toMatchObject({ value: "from-options", layer: "options" });
    expect(at("node.roles")?.layer).toBe("file");
    expect(at("overlay.host")?.layer).toBe("defaults");
    expect(at("name")).toMatchObject({ layer: "detected", value: expect.stringMatching(/^shop-/) });
    expect(at("cluster")).toMatchObject({ value: "local", evidence: expect.any(String) });
  });

  test("production wants an explicit name", async () => {
    await expect(startNode({ cwd, profile: "production" })).rejects.toMatchObject({
      code: "ERR_NAME_REQUIRED",
    });
  });

  test("the static strategy wants peers", async () => {
    await expect(startNode({ cwd, cluster: "static" })).rejects.toMatchObject({
      code: "ERR_PEERS_REQUIRED",
    });
  });

  test("a port in use is named, and the failed start leaves nothing behind", async () => {
    const { server, port } = await listen();
    try {
      await expect(startNode({ cwd, overlay: { port } })).rejects.toMatchObject({
        code: "ERR_ADDRESS_IN_USE",
        message: expect.stringContaining(String(port)),
      });
    } finally {
      await new Promise((closed) => server.close(closed));
    }
    const { cluster } = await startNode({ cwd, overlay: { port } });
    expect(cluster.self.address).toContain(String(port));
  });

  test("a data directory keeps the node's identity, and refuses a second user of it", async () => {
    const dataDir = join(cwd, "data");
    const first = await startNode({ cwd, dataDir });
    const { id, boot } = first.cluster.self;
    await expect(startNode({ cwd, dataDir })).rejects.toMatchObject({
      code: expect.stringMatching(/^ERR_/),
    });
    await first.cluster.leave();
    const second = await startNode({ cwd, dataDir });
    expect(second.cluster.self.id).toBe(id);
    expect(second.cluster.self.boot > boot).toBe(true);
  });

  test("a listener beyond loopback is encrypted, and refused when it shall not be", async () => {
    const overlay = { host: "0.0.0.0", advertise: "127.0.0.1" };
    const { cluster } = await startNode({ cwd, overlay, security: { secret: "x".repeat(32) } });
    expect(cluster.self.address).toMatch(/^wss:\/\/127\.0\.0\.1:/);
    await expect(startNode({ cwd, overlay, security: { tls: "off" } })).rejects.toMatchObject({
      code: "ERR_CONFIG_INVALID",
      details: { problems: [{ path: "security.tls", layer: "options" }] },
    });
  });

  test("an unreadable file is an error, not an absent one", async () => {
    const file = join(cwd, "foundation.config.json");
    writeFileSync(file, "{}");
    chmodSync(file, 0o000);
    const isRoot = process.getuid?.() === 0;
    const started = startNode({ cwd, name: uniqueName() });
    if (isRoot) await expect(started).resolves.toBeDefined();
    else await expect(started).rejects.toMatchObject({ code: "ERR_CONFIG_UNREADABLE" });
  });
});

function listen(): Promise<{ server: Server; port: number }> {
  return new Promise((resolve) => {
    const server = createServer();
    server.listen(0, "127.0.0.1", () => {
      resolve({ server, port: (server.address() as { port: number }).port });
    });
  });
}
