import type { NetworkInterfaceInfo } from "node:os";
import { describe, expect, test } from "@jest/globals";
import { advertisedOf, parseAdvertise } from "../../../src/websocket/advertise.js";
import {
  addressOf,
  dialTargetOf,
  isForbidden,
  isLoopback,
  neighbourhoodOf,
} from "../../../src/websocket/hosts.js";

const dialled = (address: string, hasTls = true) =>
  dialTargetOf(address, "/_foundation", hasTls).url;
const refusal = (address: string, hasTls = true) => {
  try {
    return dialled(address, hasTls);
  } catch (error) {
    return error as { code: string; message: string };
  }
};

describe("what is dialled", () => {
  test.each([
    ["ws://127.0.0.1:4100", "ws://127.0.0.1:4100/_foundation"],
    ["ws://localhost:4100", "ws://localhost:4100/_foundation"],
    ["ws://[::1]:4100", "ws://[::1]:4100/_foundation"],
    ["wss://10.0.0.7:4100", "wss://10.0.0.7:4100/_foundation"],
    ["wss://[fd00::7]:4100", "wss://[fd00::7]:4100/_foundation"],
    ["wss://node-1.shop.internal:4100", "wss://node-1.shop.internal:4100/_foundation"],
  ])("%s", (address, url) => {
    expect(dialled(address)).toBe(url);
  });

  test.each([
    "wss://169.254.169.254:80",
    "wss://[::ffff:169.254.169.254]:80",
    "wss://[fe80::1]:4100",
    "wss://[febf::1]:4100",
    "wss://[fd00:ec2::254]:80",
    "wss://224.0.0.1:4100",
    "wss://[ff02::1]:4100",
    "wss://255.255.255.255:4100",
    "wss://0.0.0.0:4100",
    "wss://[::]:4100",
    "wss://0xa9fea9fe:80",
    "wss://2852039166:80",
    "ws://169.254.169.254:80",
  ])("never %s, where no node can be", (address) => {
    expect(refusal(address)).toMatchObject({ code: "ERR_DIAL_FAILED" });
  });

  test.each([
    "ws://10.0.0.7:4100",
    "ws://[fd00::7]:4100",
    "ws://node-1.shop.internal:4100",
    "ws://[::ffff:10.0.0.7]:4100",
  ])("never %s, which is beyond loopback and without encryption", (address) => {
    for (const hasTls of [true, false]) {
      expect(refusal(address, hasTls)).toMatchObject({
        code: "ERR_DIAL_FAILED",
        message: expect.stringContaining("without encryption"),
      });
    }
  });

  test("no wss:// by a node without TLS, which is told so", () => {
    expect(refusal("wss://10.0.0.7:4100", false)).toMatchObject({
      code: "ERR_DIAL_FAILED",
      message: expect.stringContaining('tls: "off"'),
    });
  });

  test.each([
    "http://10.0.0.7:4100",
    "wss://10.0.0.7",
    "wss://10.0.0.7:4100/path",
    "wss://user@10.0.0.7:4100",
    "wss://:pass@10.0.0.7:4100",
    "wss://10.0.0.7:4100?a",
    "wss://10.0.0.7:4100#a",
    "file:///etc/passwd",
    "",
  ])("nothing of another form: %j", (address) => {
    expect(refusal(address)).toMatchObject({ code: "ERR_DIAL_FAILED" });
  });

  test("no name that resolves beyond what its scheme allows", async () => {
    const { lookup } = dialTargetOf("ws://localhost:1", "/", true);
    const resolve = (name: string) =>
      new Promise<unknown>((done) =>
        lookup(name, { all: true }, (error, found) => done(error ?? found)),
      );
    expect(await resolve("127.0.0.1")).toEqual([{ address: "127.0.0.1", family: 4 }]);
    // A literal is resolved to itself: as if a name had led there.
    expect(String(await resolve("10.0.0.7"))).toContain("without encryption");
    expect(String(await resolve("169.254.169.254"))).toContain("no node can be");
  });
});

test("loopback is all of 127.0.0.0/8 and ::1, however it is written, and nothing else", () => {
  const yes = [
    "127.0.0.1",
    "127.77.0.3",
    "::1",
    "0:0:0:0:0:0:0:1",
    "::ffff:127.0.0.1",
    "localhost",
  ];
  const no = [
    "126.0.0.1",
    "::",
    "::2",
    "0.0.0.0",
    "127.0.0.1.example.com",
    "127.1x",
    "example.com",
  ];
  expect(yes.map((host) => isLoopback(host))).toEqual(yes.map(() => true));
  expect(no.map((host) => isLoopback(host))).toEqual(no.map(() => false));
  expect(isForbidden("metadata.example")).toBe(false);
});

test("the limits for one address count IPv6 by its network, IPv4 that comes as IPv6 as IPv4, and loopback not at all", () => {
  expect(neighbourhoodOf("10.0.0.7")).toBe("10.0.0.7");
  expect(neighbourhoodOf("::ffff:10.0.0.7")).toBe("10.0.0.7");
  expect(neighbourhoodOf("2001:db8:1:2:3:4:5:6")).toBe("2001:db8:1:2::/64");
  expect(neighbourhoodOf("2001:db8:1:2::9")).toBe("2001:db8:1:2::/64");
  expect(neighbourhoodOf("2001:db8::9")).toBe("2001:db8:0:0::/64");
  expect(neighbourhoodOf("::9")).toBe("0:0:0:0::/64");
  expect(neighbourhoodOf("127.0.0.1")).toBeUndefined();
  expect(neighbourhoodOf("::1")).toBeUndefined();
  expect(neighbourhoodOf("::ffff:127.0.0.1")).toBeUndefined();
});

describe("what is announced", () => {
  const info = (address: string, family: "IPv4" | "IPv6", internal = false) =>
    ({ address, family, internal }) as NetworkInterfaceInfo;
  const machine = () => ({
    lo: [info("127.0.0.1", "IPv4", true), info("::1", "IPv6", true)],
    eth0: [info("fe80::1", "IPv6"), info("fd00::2", "IPv6"), info("169.254.3.4", "IPv4")],
    eth1: [info("192.0.2.2", "IPv4")],
  });

  test("is the option, with the real port where it names none", () => {
    const bound = { host: "0.0.0.0", port: 4100 };
    expect(advertisedOf("shop.example", bound)).toEqual({
      host: "shop.example",
      port: 4100,
      by: "option",
    });
    expect(advertisedOf("[fd00::9]:80", bound)).toEqual({
      host: "fd00::9",
      port: 80,
      by: "option",
    });
    expect(addressOf("wss", "fd00::9", 80)).toBe("wss://[fd00::9]:80");
  });

  test("is what it is bound to, else the first address of the machine that others can dial, else loopback", () => {
    const port = 4100;
    expect(advertisedOf(undefined, { host: "10.0.0.7", port }, machine)).toMatchObject({
      host: "10.0.0.7",
      by: "bound",
    });
    for (const host of ["0.0.0.0", "::"]) {
      expect(advertisedOf(undefined, { host, port }, machine)).toEqual({
        host: "192.0.2.2",
        port,
        by: "interface",
      });
    }
    const only6 = () => ({ eth0: machine().eth0 });
    expect(advertisedOf(undefined, { host: "::", port }, only6)).toMatchObject({ host: "fd00::2" });
    for (const interfaces of [only6, () => ({ lo: machine().lo })]) {
      expect(advertisedOf(undefined, { host: "0.0.0.0", port }, interfaces)).toMatchObject({
        host: "127.0.0.1",
        by: "loopback",
      });
    }
  });

  test.each([
    "",
    "a b",
    "http://x",
    "x:0",
    "x:65536",
    "x:y",
    "[10.0.0.7]",
    "[::1",
    "169.254.1.1",
    "0.0.0.0",
    "[fe80::1]:80",
    "10.0.0",
    "x/../y",
    `${"x".repeat(201)}`,
  ])("is refused as %j", (option) => {
    expect(() => parseAdvertise(option)).toThrow(/Cannot announce/);
  });
});
