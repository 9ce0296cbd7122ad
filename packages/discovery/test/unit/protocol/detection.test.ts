import { describe, expect, test } from "@jest/globals";
import { STRATEGY_NAMES, detect, parseStrategyName } from "../../../src/protocol/detection.js";

const nothing = { hasServiceAccount: false, machine: "" };
const order = ["static", "kubernetes", "consul", "dns", "aws", "gcp", "local"];
const trusted = { trusted: true };
const found = (detection: ReturnType<typeof detect>) =>
  detection.evidence.filter((each) => each.found).map(({ strategy }) => strategy);

describe("detection", () => {
  test("without any sign it is local, and every environment says why it was not chosen", () => {
    const detection = detect({}, nothing, trusted);
    expect(detection.strategy).toBe("local");
    expect(detection.evidence.map(({ strategy }) => strategy)).toEqual(order);
    expect(found(detection)).toEqual(["local"]);
    for (const { because } of detection.evidence) expect(because).not.toBe("");
  });

  test("a list of peers is a wish: it is static, whatever else is there", () => {
    const env = { FOUNDATION_PEERS: "a:1", CONSUL_HTTP_ADDR: "x" };
    const detection = detect(env, nothing, trusted);
    expect(detection.strategy).toBe("static");
    expect(detection.because).toBe("FOUNDATION_PEERS lists the peers");
    expect(found(detection)).toEqual(["static", "consul"]);
  });

  test.each([
    [
      "kubernetes",
      { KUBERNETES_SERVICE_HOST: "10.0.0.1" },
      { ...nothing, hasServiceAccount: true },
    ],
    ["consul", { CONSUL_HTTP_ADDR: "127.0.0.1:8500" }, nothing],
    ["dns", { FOUNDATION_DNS_SRV: "_f._tcp.x" }, nothing],
    ["dns", { FOUNDATION_DNS_SERVICE: "x" }, nothing],
    ["aws", { AWS_EXECUTION_ENV: "AWS_ECS_FARGATE" }, nothing],
    ["aws", {}, { ...nothing, machine: "Amazon EC2 m5.large" }],
    ["gcp", { K_SERVICE: "x" }, nothing],
    ["gcp", {}, { ...nothing, machine: "Google Google Compute Engine" }],
  ])(
    "%s is chosen where others may be let in, and else recognised only",
    (strategy, env, probes) => {
      const variables = env as Record<string, string>;
      const detection = detect(variables, probes, trusted);
      expect(detection.strategy).toBe(strategy);
      expect(found(detection)).toEqual([strategy]);
      const alone = detect(variables, probes);
      expect(alone.strategy).toBe("local");
      expect(found(alone)).toEqual([strategy, "local"]);
      expect(alone.because).toContain(`${strategy} was recognised`);
      expect(alone.because).toContain("set FOUNDATION_SECRET");
    },
  );

  test("the first that is found is chosen", () => {
    const env = { CONSUL_HTTP_ADDR: "x", FOUNDATION_DNS_SRV: "y", K_SERVICE: "z" };
    expect(detect(env, nothing, trusted).strategy).toBe("consul");
  });

  test("a Kubernetes address without a service account is not enough", () => {
    const detection = detect({ KUBERNETES_SERVICE_HOST: "10.0.0.1" }, nothing, trusted);
    expect(found(detection)).toEqual(["local"]);
    expect(detection.evidence[1]?.because).toContain("no service account");
  });

  test("an empty variable counts as not set", () => {
    const env = { FOUNDATION_PEERS: " ", CONSUL_HTTP_ADDR: "" };
    expect(detect(env, nothing, trusted).strategy).toBe("local");
  });

  test("a strategy that is not here is refused by name, with what is", () => {
    expect(parseStrategyName("kubernetes")).toBe("kubernetes");
    expect(() => parseStrategyName("zeroconf")).toThrow(
      expect.objectContaining({
        code: "ERR_STRATEGY_UNAVAILABLE",
        details: { strategy: "zeroconf", available: STRATEGY_NAMES },
      }),
    );
  });
});
