import { describe, expect, test } from "@jest/globals";
import { namesToTry, parseSearchList } from "../../../src/protocol/dns/search.js";

const KUBERNETES = `nameserver 10.96.0.10
search shop.svc.cluster.local svc.cluster.local cluster.local
options ndots:5 timeout:2
`;

describe("the search list", () => {
  test("is read as resolv.conf writes it", () => {
    expect(parseSearchList(KUBERNETES)).toEqual({
      domains: ["shop.svc.cluster.local", "svc.cluster.local", "cluster.local"],
      ndots: 5,
    });
    expect(parseSearchList("")).toEqual({ domains: [], ndots: 1 });
    expect(parseSearchList("domain a.test\nsearch b.test\noptions ndots:99").domains).toEqual([
      "b.test",
    ]);
    expect(parseSearchList("options ndots:99").ndots).toBe(15);
    expect(parseSearchList("options ndots:x").ndots).toBe(1);
  });

  test("a short name is searched for first, a long one is asked for as it is first", () => {
    const list = parseSearchList(KUBERNETES);
    expect(namesToTry("nodes", list)).toEqual([
      "nodes.shop.svc.cluster.local",
      "nodes.svc.cluster.local",
      "nodes.cluster.local",
      "nodes",
    ]);
    expect(namesToTry("a.b.c.d.e.f", list)[0]).toBe("a.b.c.d.e.f");
  });

  test("a dot at the end keeps a name from being searched for", () => {
    expect(namesToTry("nodes.test.", parseSearchList(KUBERNETES))).toEqual(["nodes.test"]);
  });
});
