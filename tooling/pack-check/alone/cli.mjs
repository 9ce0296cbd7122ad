/** @foundation/cli alone: says how it is used, and refuses a disk on which there is nothing to recover. */
import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { run } from "@foundation/cli";

const lines = [];
const screen = { out: (line) => lines.push(line), err: (line) => lines.push(line) };
assert.equal(await run(["--help"], screen), 0);
assert.match(lines.join("\n"), /foundation consensus recover --data-dir DIR/);

const directory = await mkdtemp(join(tmpdir(), "foundation-cli-"));
assert.equal(await run(["consensus", "recover", "--data-dir", directory], screen), 1);
assert.match(lines.at(-1), /ERR_RECOVERY_REFUSED/);
await rm(directory, { recursive: true });
