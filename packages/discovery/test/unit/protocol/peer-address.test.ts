import { describe, expect, test } from "@jest/globals";
import { parsePeerAddress } from "../../../src/protocol/peer-address.js";

describe("peer addresses", () => {
  test.each([
    ["127.0.0.1:4100", "ws://127.0.0.1:4100"],
    ["ws://127.0.0.1:4100", "ws://127.0.0.1:4100"],
    ["ws://127.0.0.1:4100/", "ws://127.0.0.1:4100"],
    ["WSS://Node-1.Example:0443", "wss://node-1.example:443"],
    [" localhost:80 ", "ws://localhost:80"],
    ["[::1]:4100", "ws://[::1]:4100"],
    ["ws://[0:0:0:0:0:0:0:1]:4100", "ws://[::1]:4100"],
  ])("%s is dialled as %s", (text, address) => {
    expect(parsePeerAddress(text)).toBe(address);
    expect(parsePeerAddress(address)).toBe(address);
  });

  test.each([
    ["", "it is empty"],
    ["localhost", "it has no port"],
    ["localhost:", "it has no port"],
    ["::1:4100", "an IPv6 address needs brackets"],
    ["http://a:1", "only ws:// and wss:// are dialled"],
    ["ws://user:hunter2@a:1", "it must not carry a user or a password"],
    ["a:0", "0 is no port"],
    ["a:65536", "65536 is no port"],
    ["ws://a:1/path", "it has no port"],
    ["1.2.3.999:1", "neither a host name nor an IP address"],
    ["x".repeat(1_000), "it is too long"],
  ])("%.40s is refused with the reason", (text, reason) => {
    expect(() => parsePeerAddress(text)).toThrow(
      expect.objectContaining({
        code: "ERR_PEER_ADDRESS",
        message: expect.stringContaining(reason),
      }),
    );
  });

  test("a password in a refused address is not repeated", () => {
    expect(() => parsePeerAddress("ws://user:hunter2@a:1")).toThrow(/^((?!hunter2)[^])*$/);
  });
});
