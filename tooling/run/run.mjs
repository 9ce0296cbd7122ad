/**
 * The bootstrap behind every root script: `node tooling/run/run.mjs <command> [arguments]`.
 *
 * It exists so that a machine with only Node and npm can run everything: it brings the pinned
 * pnpm, installs when the lock file changed, and then runs one command from `commands.mjs`.
 * corepack, npx and a root devDependency were tried and each fails somewhere.
 *
 * Invariants: no dependency outside Node itself; nothing is written to stdout (that belongs to the
 * command, whose last line may be JSON); two runs at once never install at the same time; signals
 * and exit codes pass through unchanged.
 */
import { spawn } from "node:child_process";
import { resolveCommand } from "./commands.mjs";
import { ensureInstalled, install } from "./install.mjs";
import { checkNode, environment, progress, root } from "./machine.mjs";
import { ensurePnpm } from "./pnpm.mjs";

const [name = "help", ...given] = process.argv.slice(2);
// `npm run x -- a` arrives without the dashes, a direct call with them.
const rest = given[0] === "--" ? given.slice(1) : given;

checkNode();
const pnpm = await ensurePnpm();
if (name === "install" || name === "add") {
  process.exitCode = await install(pnpm, rest, { frozen: false });
} else {
  await ensureInstalled(pnpm);
  const command = resolveCommand(name, rest, pnpm);
  if (name !== "start") progress(`running ${name}`);
  process.exitCode = await exec(command);
}

/** Runs the command in the foreground and resolves to the exit code it ended with. */
function exec({ file, args, env = {} }) {
  return new Promise((resolve, reject) => {
    const child = spawn(file, args, {
      cwd: root,
      env: { ...environment(pnpm), ...env },
      stdio: "inherit",
    });
    // Ctrl-C reaches the whole process group, so only a signal sent to us alone is forwarded by
    // hand; the handler also keeps us alive until the command has finished its own shutdown.
    const forwarded = ["SIGTERM", "SIGHUP"];
    // Without a terminal there is no Ctrl-C: whoever stops us means the command.
    if (!process.stdin.isTTY) forwarded.push("SIGINT");
    const forward = (signal) => child.kill(signal);
    const wait = () => {};
    for (const signal of forwarded) process.on(signal, forward);
    process.on("SIGINT", wait);
    child.once("error", reject);
    child.once("exit", (code, signal) => {
      for (const each of forwarded) process.off(each, forward);
      process.off("SIGINT", wait);
      if (signal) process.kill(process.pid, signal);
      resolve(code ?? 1);
    });
  });
}
