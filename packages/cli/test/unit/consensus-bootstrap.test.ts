/** foundation consensus bootstrap and status, against the desk of a node. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "@jest/globals";
import { consensusErrors, serveControl } from "@foundation/consensus";
import { run } from "../../src/index.js";

let folder: string;
let end: (() => Promise<void>) | undefined;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "foundation-cli-"));
});

afterEach(async () => {
  await end?.();
  rmSync(folder, { recursive: true, force: true });
});

const node = { id: "1".repeat(32), name: "app-0" };
const candidates = [node, { id: "2".repeat(32), name: "app-1" }];
const waiting = {
  node,
  candidates,
  seat: "candidate",
  standing: "waiting",
  why: "app-1 to accept",
};
const member = {
  role: "follower",
  term: 3,
  leader: candidates[1]?.id,
  voters: candidates.map(({ id }) => id),
  learners: [],
  appliedIndex: 7,
};
const decided = {
  ...{ node, candidates, seat: "candidate", standing: "decided", group: "cluster-1f" },
  ...{ firstVoters: ["app-0", "app-1"], member },
};

/** A node that says these, the last one for ever, and follows the word or refuses it. */
async function says(statuses: readonly object[], refusal?: string): Promise<string[][]> {
  const words: string[][] = [];
  const left = [...statuses];
  const status = () => (left.length > 1 ? left.shift() : left[0]);
  const bootstrap = (voters: readonly string[]) => {
    words.push([...voters]);
    if (refusal === undefined) return Promise.resolve(status());
    throw consensusErrors.ERR_FOUNDING_REFUSED(refusal, { group: "cluster", reason: refusal });
  };
  end = await serveControl({ directory: folder, desk: { status, bootstrap } });
  return words;
}

async function command(...args: string[]) {
  const out: string[] = [];
  const err: string[] = [];
  const screen = { out: (line: string) => out.push(line), err: (line: string) => err.push(line) };
  const [word = "", ...rest] = args;
  const code = await run(["consensus", word, "--data-dir", folder, ...rest], screen);
  return { code, out: out.join("\n"), err: err.join("\n") };
}

test("it gives the word and waits until the group is there", async () => {
  const words = await says([waiting, waiting, decided]);
  const { code, out } = await command("bootstrap", "--voters", "app-1,app-0");
  expect({ code, out }).toEqual({
    code: 0,
    out: "The group is cluster-1f, founded by app-0, app-1.",
  });
  expect(words).toEqual([["app-0", "app-1"]]);
});

test("without a list it names who may vote, and changes nothing", async () => {
  const words = await says([waiting]);
  const { code, out } = await command("bootstrap");
  expect(code).toBe(3);
  expect(out).toContain("app-0, app-1");
  expect(words).toEqual([]);
});

test("where there is a group it founds none: done when it is the one that was meant, else refused", async () => {
  const words = await says([decided]);
  expect((await command("bootstrap", "--voters", "app-0,app-1")).code).toBe(0);
  const other = await command("bootstrap", "--voters", "app-2");
  expect(other.code).toBe(1);
  expect(other.err).toContain("There is a group already, cluster-1f");
  expect(words).toEqual([]);
});

test("a refusal and a founding that is stuck end with what to do", async () => {
  await says([waiting], "app-1 is not there");
  const refused = await command("bootstrap", "--voters", "app-0,app-1", "--json");
  expect(refused.code).toBe(1);
  expect(JSON.parse(refused.out)).toMatchObject({ ok: false, code: "ERR_FOUNDING_REFUSED" });
  await end?.();
  await says([waiting, { ...waiting, standing: "stuck", why: "empty the disk of app-1" }]);
  const stuck = await command("bootstrap", "--voters", "app-0,app-1");
  expect(stuck).toMatchObject({ code: 1, err: "The founding is stuck: empty the disk of app-1" });
});

test("the wait has an end, and what is waited for is said", async () => {
  await says([waiting]);
  const late = await command("bootstrap", "--voters", "app-0,app-1", "--timeout", "1ms");
  expect(late).toMatchObject({ code: 1, err: "The group still waits for: app-1 to accept" });
});

test("status says who votes, by name; as one object for machines", async () => {
  await says([decided]);
  const { code, out } = await command("status");
  expect(code).toBe(0);
  expect(out).toContain("voters     app-0, app-1");
  expect(out).toContain("leader     app-1");
  expect(JSON.parse((await command("status", "--json")).out)).toEqual({ ok: true, ...decided });
});

test("status of a node that does not run says so", async () => {
  const { code, err } = await command("status");
  expect(code).toBe(1);
  expect(err).toContain("ERR_NOBODY_ANSWERS");
});
