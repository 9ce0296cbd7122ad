/**
 * `run.mjs pack:lint`: packs every built package and inspects the tarballs. Part of `npm test`.
 * `npm run pack:check` goes further and uses the tarballs in an empty project.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { inspect } from "./inspect.mjs";
import { pack, publicPackages } from "./packages.mjs";

const folder = mkdtempSync(join(tmpdir(), "foundation-pack-"));
let failed = 0;
try {
  for (const each of publicPackages()) {
    const problems = await check(each);
    for (const problem of problems) console.log(`✗ ${each.name}: ${problem}`);
    if (problems.length > 0) failed += 1;
  }
} finally {
  rmSync(folder, { recursive: true, force: true });
}
process.exitCode = failed > 0 ? 1 : 0;

async function check({ folder: packageFolder }) {
  try {
    return await inspect(await pack(packageFolder, folder));
  } catch (error) {
    return [error instanceof Error ? error.message : String(error)];
  }
}
