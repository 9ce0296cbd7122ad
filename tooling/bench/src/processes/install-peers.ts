/**
 * Installs what is measured beside Foundation, in its own folder outside the workspace, when it is
 * first asked for and whenever its versions changed: they are heavy, and nobody else needs them.
 */
import { spawn } from "node:child_process";
import { readFile, writeFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";

const FOLDER = fileURLToPath(new URL("../../peers/", import.meta.url));
const INSTALL_MS_MAX = 240_000;

/** Answers nothing, or why it could not be installed. */
export async function installPeers(say: (line: string) => void): Promise<string | undefined> {
  const wanted = await readFile(`${FOLDER}package.json`, "utf8");
  const marker = `${FOLDER}node_modules/.bench-installed`;
  const installed = await readFile(marker, "utf8").catch(() => "");
  if (installed === wanted) return undefined;
  say("Installing the peers of the benchmark (once)");
  const flags = ["--no-audit", "--no-fund", "--no-package-lock", "--legacy-peer-deps"];
  const child = spawn("npm", ["install", "--ignore-scripts", "--loglevel=error", ...flags], {
    cwd: FOLDER,
    // Set by `npm run` for its own folder, which is another.
    env: { ...process.env, npm_config_local_prefix: undefined },
    stdio: ["ignore", "ignore", "pipe"],
    timeout: INSTALL_MS_MAX,
  });
  let complaint = "";
  child.stderr.on("data", (data: Buffer) => (complaint = (complaint + data).slice(-500)));
  const code = await new Promise<number | string | null>((resolve) => {
    child.once("exit", (status, signal) => resolve(status ?? signal));
    child.once("error", (error) => resolve(error.message));
  });
  if (code === 0) {
    await writeFile(marker, wanted);
    return undefined;
  }
  return `npm install in tooling/bench/peers ended with ${code}: ${complaint.trim()}`;
}
