/**
 * Secrets: nodes that run with marked secrets and debug logs, refuse each other, fail to start on
 * bad configurations, and are printed with everything a debugger would show. The marks appear nowhere.
 */
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { inspect } from "node:util";
import { describe, expect, test } from "@jest/globals";
import { startNode } from "../support/clusters.js";
import { OsNode, place } from "../support/os-nodes.js";
import { refusalOf } from "../support/undisturbed.js";

const mark = "MARKEDxxqqzz7781secretvwv";
const otherMark = "OTHERMARKkkyyjj99secretuvu";
/** Any eight characters of a mark give it away. */
const pieces = [mark, otherMark].flatMap((text) =>
  Array.from({ length: text.length - 7 }, (_, i) => text.slice(i, i + 8)),
);
const leaks = (text: string) => pieces.filter((piece) => text.includes(piece));
const debug = { log: { level: "debug" } } as const;

/** The whole of what a node gave away, in every form. */
const everything = (node: OsNode) => node.output + JSON.stringify(node.heard);

describe("a secret", () => {
  test("of a node that runs, leaves, and refuses another secret is in no log, report or inspection", async () => {
    const a = new OsNode({ ...debug, node: { name: "a" } }, { FOUNDATION_SECRET: mark });
    const b = new OsNode({ ...debug, node: { name: "b" }, security: { secret: mark } });
    for (const node of [a, b]) await node.until("a pair", () => node.members === 2);
    const wrong = { ...debug, node: { name: "wrong" }, security: { secret: otherMark } };
    const stranger = new OsNode(wrong);
    await stranger.until("it is up", () => stranger.first("up") !== undefined);
    await stranger.until("it says why", () => stranger.output.includes("FOUNDATION_SECRET"));
    await a.until("it says why", () => a.output.includes("FOUNDATION_SECRET"));
    for (const node of [a, b, stranger]) {
      node.tell({ type: "show" });
      await node.until("it is shown", () => node.first("shown") !== undefined);
      expect(node.first("shown")?.text).toContain("security.secret");
      node.tell({ type: "leave" });
      await node.exited();
      expect(node.output).toContain('"level"');
      expect(leaks(everything(node))).toEqual([]);
    }
  }, 40_000);

  test.each<[string, string]>([
    ["in a file that is no JSON", `{ "security": { "secret": "${mark}"x } }`],
    ["cut off at the end of a file", `{ "security": { "secret": "${mark}`],
    ["in a file with a stray comma", `{"security":{"secret":"${mark}",}}`],
    ["under a misspelt option", `{ "security": { "secrett": "${mark}" } }`],
    ["outside its group", `{ "secret": "${mark}" }`],
    ["of the wrong type", `{ "security": { "secret": [["${mark}"]] } }`],
    ["twice in a key ring", `{ "security": { "secret": ["${mark}", "${mark}"] } }`],
    ["in the place of the certificates", `{ "security": { "tls": "${mark}" } }`],
    [
      "as a private key without its frame",
      `{ "security": { "tls": { "cert": "c", "key": "${mark}", "ca": "c" } } }`,
    ],
    ["in the place of its group", `{ "security": "${mark}" }`],
    ["as the name of an option", `{ "security": { "secret": { "${mark}": 1 } } }`],
  ])("%s stops the start with a typed error that does not show it", async (_what, text) => {
    writeFileSync(join(place.folder, "foundation.config.json"), text);
    const error = await refusalOf(() => startNode({ cwd: place.folder, ...debug }));
    expect(error.code).toMatch(/^ERR_CONFIG_(UNREADABLE|INVALID)$/);
    expect(leaks(error.message + inspect(error, { depth: 9 }))).toEqual([]);
  });

  test("in a module that is no JavaScript stops the start with an error that does not show it", async () => {
    const text = `export default { security: { secret: "${mark}"x } }`;
    writeFileSync(join(place.folder, "foundation.config.mjs"), text);
    const node = new OsNode();
    await node.exited();
    expect(node.first("refused")?.code).toBe("ERR_CONFIG_UNREADABLE");
    expect(leaks(everything(node))).toEqual([]);
  }, 20_000);

  test("that is too short is refused by its length, not by showing it", async () => {
    const short = mark.slice(0, 12);
    const node = new OsNode({}, { FOUNDATION_SECRET: short });
    await node.exited();
    expect(node.first("refused")).toMatchObject({
      code: "ERR_CONFIG_INVALID",
      message: expect.stringMatching(/16 characters/),
    });
    expect(leaks(everything(node))).toEqual([]);
  }, 20_000);

  test("made for the user is in no announcement, log or inspection", async () => {
    const node = new OsNode(debug);
    await node.until("it is up", () => node.members === 1);
    const run = join(place.folder, "foundation");
    const secret = readFileSync(join(run, "secret"), "utf8").trim();
    expect(secret).toHaveLength(43);
    node.tell({ type: "show" });
    await node.until("it is shown", () => node.first("shown") !== undefined);
    const folder = readdirSync(run).find((entry) => entry !== "secret") ?? "";
    const [file = ""] = readdirSync(join(run, folder));
    const announced = readFileSync(join(run, folder, file), "utf8");
    expect(everything(node) + announced).not.toContain(secret);
  }, 20_000);
});
