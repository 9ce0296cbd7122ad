import { createServer } from "node:net";
import { once } from "node:events";
import { describe, expect, test } from "@jest/globals";
import { nodeClock } from "@foundation/core";
import { leakCheck } from "../../src/index.js";

describe("leakCheck", () => {
  test("names what is still open, and nothing once it is closed", async () => {
    const leaks = leakCheck({ graceMs: 20 });
    const server = createServer().listen(0, "127.0.0.1");
    await once(server, "listening");
    const timer = nodeClock().setTimer(60_000, () => {});
    const left = (await leaks.leftOpen()).join();
    expect(left).toContain("TCPServerWrap × 1");
    expect(left).toContain("Timeout × 1");
    await expect(leaks.assertNone()).rejects.toThrow("TCPServerWrap");
    timer.cancel();
    server.close();
    await leaks.assertNone();
  });
});
