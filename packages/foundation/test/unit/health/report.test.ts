import { describe, expect, test } from "@jest/globals";
import { parseBoot, parseNodeId, type Member, type NodeId } from "@foundation/core";
import {
  busyLagMs,
  healthReport,
  type NodeVitals,
  type ReportInput,
} from "../../../src/health/report.js";

const member = (digit: number, status: Member["status"] = "alive"): Member => ({
  id: parseNodeId(String(digit).repeat(32)),
  boot: parseBoot("0".repeat(24)),
  name: `node-${digit}`,
  address: "ws://127.0.0.1:1",
  roles: [],
  labels: {},
  status,
});

const vitals: NodeVitals = {
  uptimeMs: 1_000,
  heapUsedBytes: 1,
  rssBytes: 1,
  eventLoopLagMs: 1,
  processes: 2,
  mailboxMessages: 0,
  messagesPerSecond: 10,
};

const none = { discovery: [], overlay: [], registry: [], pubsub: [] };

const input = (members: Member[], answered: [NodeId, NodeVitals][]): ReportInput => ({
  name: "app",
  strategy: "local",
  topology: "full-mesh",
  members,
  vitals: new Map(answered),
  problems: none,
  refusals: [],
});

const [a, b, c] = [member(1), member(2), member(3)];

describe("the health report", () => {
  test("is healthy, with sums over the nodes and no advice, when every node answers", () => {
    const report = healthReport(
      input(
        [a, b],
        [
          [a.id, vitals],
          [b.id, vitals],
        ],
      ),
    );
    expect(report.status).toBe("healthy");
    expect(report.cluster).toMatchObject({ nodes: 2, reachable: 2 });
    expect(report.performance).toEqual({
      messagesPerSecond: 20,
      eventLoopLagMsMax: 1,
      processes: 4,
    });
    expect(report.recommendations).toEqual([]);
  });

  test("lists a node that does not answer as unreachable, and says what to do", () => {
    const report = healthReport(
      input(
        [a, b, c],
        [
          [a.id, vitals],
          [b.id, vitals],
        ],
      ),
    );
    expect(report.status).toBe("degraded");
    expect(report.nodes.find(({ id }) => id === c.id)?.status).toBe("unreachable");
    expect(report.recommendations.join()).toContain("node-3");
  });

  test("is critical when half of the nodes or more do not answer", () => {
    expect(healthReport(input([a, b], [[a.id, vitals]])).status).toBe("critical");
    expect(healthReport(input([a, b, c], [[a.id, vitals]])).status).toBe("critical");
  });

  test("calls a node with a late event loop busy", () => {
    const late = { ...vitals, eventLoopLagMs: busyLagMs + 1 };
    const report = healthReport(input([a], [[a.id, late]]));
    expect(report.nodes[0]?.status).toBe("busy");
    expect(report.status).toBe("degraded");
  });

  test("keeps the words suspect and draining of the failure detector", () => {
    const members = [member(1, "suspect"), member(2, "draining")];
    const answers = members.map(({ id }): [NodeId, NodeVitals] => [id, vitals]);
    const report = healthReport(input(members, answers));
    expect(report.nodes.map(({ status }) => status)).toEqual(["suspect", "draining"]);
  });

  test("names refused handshakes and failing services", () => {
    const report = healthReport({
      ...input([a], [[a.id, vitals]]),
      problems: { ...none, discovery: ["the folder cannot be read"] },
      refusals: [{ code: "ERR_WRONG_SECRET", count: 3, lastMessage: "set FOUNDATION_SECRET" }],
    });
    expect(report.status).toBe("degraded");
    expect(report.services).toMatchObject({ discovery: "degraded", overlay: "degraded" });
    expect(report.recommendations.join("\n")).toContain("ERR_WRONG_SECRET");
    expect(report.recommendations.join("\n")).toContain("the folder cannot be read");
  });
});
