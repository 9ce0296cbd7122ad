/** The socket over which an operator speaks to a node of the same machine. */
import { mkdtempSync, rmSync, statSync, writeFileSync, mkdirSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "@jest/globals";
import { askControl, CONTROL_LIMITS, consensusErrors, serveControl } from "../../../src/index.js";

let directory: string;
let end: (() => Promise<void>) | undefined;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "control-"));
});

afterEach(async () => {
  await end?.();
  end = undefined;
  rmSync(directory, { recursive: true, force: true });
});

const desk = {
  status: () => ({ standing: "waiting" }),
  bootstrap: (voters: readonly string[]) => {
    if (voters.length > 0) return Promise.resolve({ voters });
    const reason = "the list of first voters is empty";
    throw consensusErrors.ERR_FOUNDING_REFUSED(reason, { group: "cluster", reason });
  },
};

/** Sends bytes as they are; what comes back until the end. */
function raw(text: string): Promise<string> {
  return new Promise((resolve) => {
    let answer = "";
    const connection = connect(join(directory, "control", "socket"));
    connection.setEncoding("utf8").on("data", (part: string) => (answer += part));
    connection.on("error", () => undefined);
    connection.on("close", () => resolve(answer));
    connection.write(text);
  });
}

test("one question, one answer; a refusal keeps its code", async () => {
  end = await serveControl({ directory, desk });
  expect(await askControl(directory, { type: "status" })).toEqual({
    ok: true,
    value: { standing: "waiting" },
  });
  const voters = ["a", "b"];
  expect(await askControl(directory, { type: "bootstrap", voters })).toEqual({
    ok: true,
    value: { voters },
  });
  expect(await askControl(directory, { type: "bootstrap", voters: [] })).toMatchObject({
    ok: false,
    code: "ERR_FOUNDING_REFUSED",
  });
});

test("nobody but the node's user may open it, whatever the folder was before", async () => {
  mkdirSync(join(directory, "control"), { mode: 0o777 });
  // Of a process that was killed.
  writeFileSync(join(directory, "control", "socket"), "");
  end = await serveControl({ directory, desk });
  expect(statSync(join(directory, "control")).mode & 0o777).toBe(0o700);
  expect(statSync(join(directory, "control", "socket")).mode & 0o777).toBe(0o600);
});

test("what is no question is answered so, and what does not end is cut off", async () => {
  end = await serveControl({ directory, desk });
  for (const line of ["", "{", "[]", '{"type":"bootstrap","voters":[1]}', '{"type":"stop"}']) {
    expect(JSON.parse(await raw(`${line}\n`))).toMatchObject({ code: "ERR_NOT_DECODABLE" });
  }
  const endless = "x".repeat(CONTROL_LIMITS.lineBytesMax + 1);
  expect(JSON.parse(await raw(endless))).toMatchObject({ code: "ERR_NOT_DECODABLE" });
});

test("where no node runs, it says so; and again after the node has ended", async () => {
  const asked = () => askControl(directory, { type: "status" });
  await expect(asked()).rejects.toMatchObject({ code: "ERR_NOBODY_ANSWERS" });
  await (await serveControl({ directory, desk }))();
  await expect(asked()).rejects.toMatchObject({ code: "ERR_NOBODY_ANSWERS" });
});

test("a directory whose path leaves no room for a socket's is refused", async () => {
  const long = join(directory, "d".repeat(CONTROL_LIMITS.pathBytesMax));
  const serving = serveControl({ directory: long, desk });
  await expect(serving).rejects.toMatchObject({ code: "ERR_INVALID_ARGUMENT" });
});
