import { describe, expect, test } from "@jest/globals";
import { createBoot, createNodeId, isFoundationError, type NodeId } from "@foundation/core";
import { seededRandom } from "@foundation/core/testing";
import { createOverlay, type OverlayOptions } from "../../src/index.js";
import { VirtualOverlays } from "../support/virtual-overlays.js";

const random = seededRandom("options");
const identity = { id: createNodeId(random), boot: createBoot(1, random), name: "n" };
const long = "x".repeat(257);
const many = (count: number) => Array.from({ length: count }, (_, i) => `r${i}`);

describe("createOverlay", () => {
  test.each<[string, Partial<OverlayOptions>, string]>([
    ["33 roles", { roles: many(33) }, "roles"],
    ["a role that is too long", { roles: [long] }, "roles"],
    ["a role that is no text", { roles: [7 as unknown as string] }, "roles"],
    ["65 labels", { labels: Object.fromEntries(many(65).map((key) => [key, ""])) }, "labels"],
    ["a label that is no text", { labels: { zone: 3 as unknown as string } }, "labels"],
    [
      "roles and labels of more than 4096 characters",
      { labels: Object.fromEntries(many(17).map((key) => [key, "x".repeat(250)])) },
      "roles and labels together",
    ],
    ["an id that is none", { identity: { ...identity, id: "node-1" as NodeId } }, "identity.id"],
    ["a name of 256 characters", { identity: { ...identity, name: "x".repeat(256) } }, "name"],
  ])("refuses %s, which no other node would accept", async (_what, options, argument) => {
    const error: unknown = await createOverlay({ cluster: "c", secret: "x".repeat(32), ...options })
      .then((overlay) => overlay.close())
      .catch((thrown: unknown) => thrown);
    expect(isFoundationError(error, "ERR_INVALID_ARGUMENT") && error.message).toContain(argument);
  });

  test("accepts roles and labels at their limits, and shows them to every member", async () => {
    const world = new VirtualOverlays();
    const roles = many(32);
    const labels = { zone: "€".repeat(256), ...Object.fromEntries(many(63).map((k) => [k, k])) };
    const [a] = await world.form(3, { roles, labels });
    expect(a?.membership.members().map((member) => member.labels)).toEqual([
      labels,
      labels,
      labels,
    ]);
    await world.close();
  });
});
