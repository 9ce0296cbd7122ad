import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import childProcess from "node:child_process";
import crypto, { randomBytes as copiedRandomBytes } from "node:crypto";
import dgram from "node:dgram";
import dns from "node:dns";
import fs, { readFile as copiedReadFile } from "node:fs";
import { readFile as copiedPromisedReadFile } from "node:fs/promises";
import http from "node:http";
import net, { connect as copiedConnect } from "node:net";
import timers, { setTimeout as copiedSetTimeout } from "node:timers";
import timersPromises from "node:timers/promises";
import { promisify } from "node:util";
import workerThreads from "node:worker_threads";
import zlib from "node:zlib";
import { createSimulator, type SimulatedHost, type Simulator } from "../../src/index.js";

/** What nodes try; each gives what must be undone when it was let through. */
const attempts: readonly (readonly [what: string, attempt: () => unknown])[] = [
  ["timers.setTimeout", () => timers.setTimeout(() => {}, 1)],
  ["setTimeout", () => promisify(setTimeout)(1)],
  ["timers.promises.setTimeout", () => timersPromises.setTimeout(1)],
  ["timers.promises.scheduler.wait", () => timersPromises.scheduler.wait(1)],
  ["fs.readFile", () => fs.readFile("/nowhere", () => {})],
  ["fs.writeFileSync", () => fs.writeFileSync("/nowhere/file", "")],
  ["fs.promises.readFile", () => fs.promises.readFile("/nowhere")],
  ["fs.createReadStream", () => fs.createReadStream("/nowhere")],
  ["net.connect", () => net.connect(1, "127.0.0.1")],
  ["net.Socket.connect", () => new net.Socket().connect(1, "127.0.0.1")],
  ["net.Server.listen", () => net.createServer().listen(0)],
  ["http.get", () => http.get("http://127.0.0.1:1")],
  ["dns.lookup", () => dns.lookup("localhost", () => {})],
  ["dgram.createSocket", () => dgram.createSocket("udp4")],
  ["child_process.spawnSync", () => childProcess.spawnSync("true")],
  ["worker_threads.Worker", () => new workerThreads.Worker("", { eval: true })],
  ["MessageChannel", () => new MessageChannel()],
  ["crypto.randomBytes", () => crypto.randomBytes(1)],
  ["crypto.randomUUID", () => crypto.randomUUID()],
  ["crypto.pbkdf2", () => crypto.pbkdf2("a", "b", 1, 8, "sha256", () => {})],
  [
    "crypto.webcrypto.subtle.digest",
    () => crypto.webcrypto.subtle.digest("SHA-256", new Uint8Array(1)),
  ],
  ["zlib.gzip", () => zlib.gzip("a", () => {})],
  ["zlib.createGzip", () => zlib.createGzip()],
  ["process.hrtime", () => process.hrtime()],
  ["process.hrtime.bigint", () => process.hrtime.bigint()],
];

describe("the escape guard", () => {
  let sim: Simulator<SimulatedHost>;
  const open = async (guard: "usual" | "thorough") => {
    sim = createSimulator<SimulatedHost>({ seed: 1, guard });
    sim.addNode("a", (host) => host);
    await sim.run("1s");
  };
  const inNode = (attempt: () => unknown) => {
    const { clock } = (sim.node("a").app as SimulatedHost).runtime;
    clock.setTimer(1, () => {
      // The code swallows the error, and still does not get away with it.
      try {
        const result = attempt();
        // Of Node's own realm under jest, so no `instanceof`.
        Promise.resolve(result).catch(() => {});
      } catch {
        // on purpose
      }
    });
    return sim.run("1s");
  };
  beforeEach(() => open("usual"));
  afterEach(() => sim.close());

  test.each(attempts)(
    "%s in a node's code is refused and names its caller",
    async (what, attempt) => {
      await expect(inNode(attempt)).rejects.toMatchObject({
        code: "ERR_SIMULATION_ESCAPED",
        details: { what, caller: expect.stringMatching(/simulation-escapes\.test\.ts:\d+/) },
      });
      expect(sim.failures).toHaveLength(1);
    },
  );

  test.each(["usual", "thorough"] as const)(
    "what runs the same everywhere is let through by the %s guard",
    async (guard) => {
      sim.close();
      await open(guard);
      const done: unknown[] = [];
      await inNode(() => {
        queueMicrotask(() => done.push("microtask"));
        process.nextTick(() => done.push("tick"));
        done.push(crypto.createHash("sha256").update("a").digest("hex").length);
        done.push(zlib.gunzipSync(zlib.gzipSync("a")).toString());
        done.push(structuredClone({ a: 1 }).a, fs.existsSync("package.json"));
      });
      expect(done).toEqual([64, "a", 1, true, "tick", "microtask"]);
    },
  );

  test("a module may be loaded in the middle of a node's code", async () => {
    await inNode(() =>
      process.getBuiltinModule("node:module").createRequire(import.meta.url)("node:vm"),
    );
    expect(sim.failures).toEqual([]);
  });

  test("code outside of nodes does what it likes while a simulation is open", async () => {
    expect(crypto.randomBytes(4)).toHaveLength(4);
    expect(await fs.promises.readFile("package.json", "utf8")).toContain("{");
    await timersPromises.setTimeout(1);
    expect(process.hrtime()).toHaveLength(2);
  });

  test("closing puts everything back", () => {
    const before = { randomBytes: crypto.randomBytes, connect: net.Socket.prototype.connect };
    sim.close();
    expect(crypto.randomBytes).not.toBe(before.randomBytes);
    expect(net.Socket.prototype.connect).not.toBe(before.connect);
    expect(crypto.randomBytes(4)).toHaveLength(4);
  });

  test.each<readonly [string, string, () => unknown]>([
    ["a copied setTimeout", "A real Timeout", () => copiedSetTimeout(() => {}, 1)],
    ["a copied readFile", "A real FSREQCALLBACK", () => copiedReadFile("/nowhere", () => {})],
    ["a copied promised readFile", "A real FSREQPROMISE", () => copiedPromisedReadFile("/nowhere")],
    ["a copied randomBytes", "A real RANDOMBYTESREQUEST", () => copiedRandomBytes(1)],
    ["a copied connect", "net.Socket.connect", () => copiedConnect(1, "127.0.0.1")],
  ])("%s, which no name leads to, is found by the thorough guard", async (_, what, attempt) => {
    sim.close();
    await open("thorough");
    await expect(inNode(attempt)).rejects.toMatchObject({
      code: "ERR_SIMULATION_ESCAPED",
      details: { what, caller: expect.stringMatching(/simulation-escapes\.test\.ts:\d+/) },
    });
  });
});
