import { describe, expect, test } from "@jest/globals";
import { kubernetes, type KubernetesOptions } from "../../../src/index.js";

describe("the options of kubernetes", () => {
  test.each<[KubernetesOptions]>([
    [{}],
    [{ selector: "app=myapp", mode: "hostname" }],
    [{ namespace: "*" }],
    [{ namespace: ["shop", "beta"], port: "mesh" }],
    [{ port: 4100, server: "https://[fd00::1]:6443", resource: "pods" }],
  ])("%j are taken", (options) => {
    expect(kubernetes(options).name).toBe("kubernetes");
  });

  test.each<[string, unknown]>([
    ["resource", "services"],
    ["service", "Shop!"],
    ["service", ""],
    ["selector", ""],
    ["selector", "a\nb"],
    ["namespace", []],
    ["namespace", ["a", "B"]],
    ["namespace", Array.from({ length: 17 }, (_, i) => `n${i}`)],
    ["namespace", 7],
    ["mode", "name"],
    ["port", 0],
    ["port", 70_000],
    ["port", "Not A Port"],
    ["clusterDomain", "."],
    ["ipFamily", "ipv4"],
    ["server", "http://10.0.0.1"],
    ["server", "https://user:pass@10.0.0.1"],
    ["server", "https://10.0.0.1/prefix"],
    ["server", "10.0.0.1"],
  ])("%s %j is refused with what was expected", (argument, value) => {
    expect(() => kubernetes({ [argument]: value })).toThrow(
      expect.objectContaining({
        code: "ERR_INVALID_ARGUMENT",
        message: expect.stringMatching(new RegExp(`^kubernetes: ${argument} must be .+, found `)),
      }),
    );
  });
});
