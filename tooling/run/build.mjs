/**
 * `npm run build`: turbo, one run at a time in a checkout. A package's build empties its `dist` before it fills it, so
 * two at once would take each other's files away; the second one waits, and finds everything built.
 */
import { spawn } from "node:child_process";
import { join } from "node:path";
import { withLock } from "./lock.mjs";
import { environment, root, tools } from "./machine.mjs";
import { ensurePnpm } from "./pnpm.mjs";

const pnpm = await ensurePnpm();
const turbo = join(root, "node_modules/turbo/bin/turbo");
process.exitCode = await withLock(join(tools, "build.lock"), build, "building");

function build() {
  return new Promise((resolve, reject) => {
    const child = spawn(turbo, ["run", "build", ...process.argv.slice(2)], {
      cwd: root,
      env: environment(pnpm),
      stdio: "inherit",
    });
    // The lock is held until turbo has ended, also when we are asked to end.
    const forward = (signal) => child.kill(signal);
    process.on("SIGTERM", forward);
    child.once("error", reject);
    child.once("exit", (code) => resolve(code ?? 1));
  });
}
