import { describe, expect, test } from "@jest/globals";
import { detect, parseStrategyName } from "../../../src/protocol/detection.js";

const nothing = { hasServiceAccount: false, machine: "" };
const order = ["kubernetes", "consul", "dns", "aws", "gcp", "local", "static"];
const found = (detection: ReturnType<typeof detect>) =>
  detection.evidence.filter((each) => each.found).map(({ strategy }) => strategy);

describe("detection", () => {
  test("without any sign it is local, and every environment says why it was not chosen", () => {
    const detection = detect({}, nothing);
    expect(detection.strategy).toBe("local");
    expect(detection.evidence.map(({ strategy }) => strategy)).toEqual(order);
    expect(found(detection)).toEqual(["local"]);
    for (const { because } of detection.evidence) expect(because).not.toBe("");
  });

  test("a list of peers is a wish: it is static, whatever else is there", () => {
    const env = { FOUNDATION_PEERS: "a:1", CONSUL_HTTP_ADDR: "x" };
    const detection = detect(env, nothing);
    expect(detection.strategy).toBe("static");
    expect(detection.because).toBe("FOUNDATION_PEERS lists the peers");
    expect(found(detection)).toEqual(["consul", "static"]);
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
  ])("%s is recognised, and says that it cannot be used yet", (strategy, env, probes) => {
    const detection = detect(env as Record<string, string>, probes);
    expect(detection.strategy).toBe("local");
    expect(found(detection)).toEqual([strategy, "local"]);
    const evidence = detection.evidence.find((each) => each.strategy === strategy);
    expect(evidence?.because).toContain("not part of this version, so local is used");
    expect(detection.because).toContain(`${strategy} was recognised`);
  });

  test("a Kubernetes address without a service account is not enough", () => {
    const detection = detect({ KUBERNETES_SERVICE_HOST: "10.0.0.1" }, nothing);
    expect(found(detection)).toEqual(["local"]);
    expect(detection.evidence[0]?.because).toContain("no service account");
  });

  test("an empty variable counts as not set", () => {
    expect(detect({ FOUNDATION_PEERS: " ", CONSUL_HTTP_ADDR: "" }, nothing).strategy).toBe("local");
  });

  test("a strategy that is not here is refused by name, with what is", () => {
    expect(parseStrategyName("static")).toBe("static");
    expect(() => parseStrategyName("kubernetes")).toThrow(
      expect.objectContaining({
        code: "ERR_STRATEGY_UNAVAILABLE",
        details: { strategy: "kubernetes", available: ["local", "static"] },
      }),
    );
  });
});
