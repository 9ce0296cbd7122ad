/** Options of the engine over etcd. */
import { describe, expect, test } from "@jest/globals";
import { inspect } from "node:util";
import { load } from "../../../src/etcd/library.js";
import { settingsOf, type EtcdEngineOptions } from "../../../src/etcd/settings.js";

const endpoints = ["http://10.0.0.1:2379"];

describe("settings of the engine over etcd", () => {
  test("endpoints are host and port, each once, encrypted or not as they say", () => {
    const plain = settingsOf({ endpoints: ["a:1", "http://a:1/", "[::1]:2379"] });
    expect(plain.endpoints).toEqual(["a:1", "[::1]:2379"]);
    expect(plain.tls).toBeUndefined();
    expect(settingsOf({ endpoints: ["https://a:1"] }).tls).toEqual({});
    expect(settingsOf({ endpoints: ["a:1"], tls: { ca: "pem" } }).tls).toEqual({ ca: "pem" });
  });

  test("what cannot work is refused by its name", () => {
    const wrong: [string, Partial<EtcdEngineOptions>][] = [
      ["endpoints", { endpoints: [] }],
      ["endpoints", { endpoints: ["a"] }],
      ["endpoints", { endpoints: ["a:70000"] }],
      ["endpoints", { endpoints: ["ftp://a:1"] }],
      ["endpoints", { endpoints: ["http://user:secret@a:1"] }],
      ["endpoints", { endpoints: ["http://a:1", "https://b:1"] }],
      ["endpoints", { endpoints: Array.from({ length: 65 }, (_, i) => `a:${i + 1}`) }],
      ["tls", { tls: { ca: "pem" } }],
      ["tls", { endpoints: ["https://a:1"], tls: { cert: "pem" } }],
      ["namespace", { namespace: "a\ud800" }],
      ["timeout", { timeout: -1 }],
      ["credentials.username", { credentials: { username: "", password: "x" } }],
      ["secret", { credentials: { username: "x", password: "" } }],
      ["limits.requestsMax", { limits: { requestsMax: 0 } }],
    ];
    for (const [argument, options] of wrong) {
      expect(() => settingsOf({ endpoints, ...options })).toThrow(
        expect.objectContaining({
          code: "ERR_INVALID_ARGUMENT",
          details: expect.objectContaining({ argument }),
        }),
      );
    }
  });

  test("a password is not shown", () => {
    const settings = settingsOf({ endpoints, credentials: { username: "u", password: "hunter2" } });
    expect(inspect(settings, { depth: 9 })).not.toContain("hunter2");
    expect(settings.credentials?.password.reveal()).toBe("hunter2");
  });

  test("a package that is not installed is named, with the way to have it", async () => {
    const missing = async () => {
      throw Object.assign(new Error("no such module"), { code: "ERR_MODULE_NOT_FOUND" });
    };
    await expect(load("@grpc/grpc-js", missing)).rejects.toMatchObject({
      code: "ERR_PACKAGE_REQUIRED",
      details: { package: "@grpc/grpc-js" },
      message: expect.stringContaining("npm install @grpc/grpc-js @grpc/proto-loader"),
    });
    const broken = async () => {
      throw new TypeError("something else");
    };
    await expect(load("@grpc/grpc-js", broken)).rejects.toThrow(TypeError);
  });
});
