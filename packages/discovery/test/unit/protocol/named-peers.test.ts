import { describe, expect, test } from "@jest/globals";
import { nameIn, peersOfName } from "../../../src/protocol/named-peers.js";

const entry = { address: "wss://nodes.test:4100", host: "nodes.test" };
const at = (...addresses: string[]) => addresses.map((address) => ({ address }));

describe("a name in a list of peers", () => {
  test("is told from an address and from this machine", () => {
    expect(nameIn("wss://nodes.test:4100")).toEqual(entry);
    expect(nameIn("ws://10.0.0.1:4100")).toBeUndefined();
    expect(nameIn("ws://[fd00::1]:4100")).toBeUndefined();
    expect(nameIn("ws://localhost:4100")).toBeUndefined();
  });

  test("with one address stays a name, with several it is a node at each", () => {
    const one = { addresses: ["10.0.0.1", "10.0.0.1"] };
    expect(peersOfName(entry, one, false)).toEqual(at("wss://nodes.test:4100"));
    const several = { addresses: ["10.0.0.1", "fd00::1"] };
    expect(peersOfName(entry, several, false)).toEqual(
      at("wss://10.0.0.1:4100", "wss://[fd00::1]:4100"),
    );
  });

  test("that was never found is offered as it is, one that was is not", () => {
    const trouble = { trouble: "ENOTFOUND" };
    expect(peersOfName(entry, trouble, false)).toEqual(at("wss://nodes.test:4100"));
    expect(peersOfName(entry, trouble, true)).toEqual([]);
  });
});
