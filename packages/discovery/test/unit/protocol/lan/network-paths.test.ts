import { expect, test } from "@jest/globals";
import {
  announcedHost,
  broadcastAddressOf,
  pathOfSource,
  pathsOf,
  type InterfaceTable,
} from "../../../../src/protocol/lan/network-paths.js";

const lo = {
  lo: [
    { address: "127.0.0.1", netmask: "255.0.0.0", family: "IPv4", mac: "0", internal: true },
    { address: "::1", netmask: "ffff::", family: "IPv6", mac: "0", internal: true, scopeid: 0 },
  ],
};
const laptop: InterfaceTable = {
  ...lo,
  wlan0: [
    { address: "192.168.7.2", netmask: "255.255.255.0", family: "IPv4", mac: "a", internal: false },
    {
      address: "2001:db8::2",
      netmask: "ffff::",
      family: "IPv6",
      mac: "a",
      internal: false,
      scopeid: 0,
    },
    {
      address: "fe80::2",
      netmask: "ffff::",
      family: "IPv6",
      mac: "a",
      internal: false,
      scopeid: 3,
    },
  ],
  eth0: [
    { address: "10.1.2.3", netmask: "255.255.0.0", family: "IPv4", mac: "b", internal: false },
  ],
};
const both = { interfaces: [], families: [4, 6] } as const;
const shown = (table: InterfaceTable, wishes: Parameters<typeof pathsOf>[1]) =>
  pathsOf(table, wishes).map((path) => `${path.interface} ${path.address}`);

test("all interfaces that lead out are used, of IPv6 by the address that sockets need", () => {
  expect(shown(laptop, both)).toEqual(["eth0 10.1.2.3", "wlan0 192.168.7.2", "wlan0 fe80::2"]);
});

test("loopback is used where there is nothing else, and where it is asked for", () => {
  expect(shown(lo, both)).toEqual(["lo 127.0.0.1"]);
  expect(shown(laptop, { ...both, interfaces: ["lo"] })).toEqual(["lo 127.0.0.1"]);
});

test("an interface is chosen by name or by one of its addresses", () => {
  expect(shown(laptop, { ...both, interfaces: ["192.168.7.2"] })).toEqual([
    "wlan0 192.168.7.2",
    "wlan0 fe80::2",
  ]);
  expect(shown(laptop, { ...both, interfaces: ["eth9"] })).toEqual([]);
});

test("the path of a datagram is told by its source's network, of IPv6 by its zone", () => {
  const paths = pathsOf(laptop, both);
  expect(pathOfSource("10.1.99.1", paths)?.address).toBe("10.1.2.3");
  expect(pathOfSource("192.168.7.77", paths)?.address).toBe("192.168.7.2");
  expect(pathOfSource("fe80::77%wlan0", paths)?.address).toBe("fe80::2");
  expect(pathOfSource("172.16.0.1", paths)).toBeUndefined();
});

test("a node that listens everywhere is announced by the address of each path", () => {
  const [eth0, wlan4, wlan6] = pathsOf(laptop, both);
  const own = { host: "10.1.2.3", listensOn: "0.0.0.0" };
  expect(announcedHost(eth0!, own)).toBe("10.1.2.3");
  expect(announcedHost(wlan4!, own)).toBe("192.168.7.2");
  // It does not listen on IPv6: heard there, it is dialled by the IPv4 address of that interface.
  expect(announcedHost(wlan6!, own)).toBe("192.168.7.2");
  expect(announcedHost(wlan6!, { ...own, listensOn: "::" })).toBe("2001:db8::2");
});

test("a node bound to one address is announced by it everywhere, one on loopback only there", () => {
  const [eth0] = pathsOf(laptop, both);
  const [loopback] = pathsOf(lo, both);
  expect(announcedHost(eth0!, { host: "shop.example", listensOn: undefined })).toBe("shop.example");
  expect(announcedHost(eth0!, { host: "127.0.0.1" })).toBeUndefined();
  expect(announcedHost(loopback!, { host: "127.0.0.1" })).toBe("127.0.0.1");
});

test("the broadcast address of a network is all ones behind its mask", () => {
  const [eth0, wlan0] = pathsOf(laptop, { ...both, families: [4] });
  expect(broadcastAddressOf(eth0!)).toBe("10.1.255.255");
  expect(broadcastAddressOf(wlan0!)).toBe("192.168.7.255");
});
