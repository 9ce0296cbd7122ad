/**
 * Installs the workspace when, and only when, what decides its content has changed: the lock file,
 * the workspace file, or Node's major version (native binaries differ). The stamp lives inside
 * node_modules, so deleting that folder is enough to start afresh.
 */
import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { withLock } from "./lock.mjs";
import { environment, fail, progress, root, tools } from "./machine.mjs";

const stampPath = join(root, "node_modules", ".foundation-installed");
const lockPath = join(tools, "install.lock");

/** Installs from the lock file unless the last install still fits. */
export async function ensureInstalled(pnpm) {
  if (isCurrent()) return;
  const code = await withLock(lockPath, () => (isCurrent() ? 0 : run(pnpm, [], { frozen: true })));
  if (code !== 0) fail(`pnpm install ended with exit code ${code}; its messages are above`);
}

/** Installs on request (`run.mjs install`), which may also change the lock file. */
export function install(pnpm, args, options) {
  return withLock(lockPath, () => run(pnpm, args, options));
}

function run(pnpm, args, { frozen }) {
  progress("installing dependencies (once per change of pnpm-lock.yaml)");
  rmSync(stampPath, { force: true });
  const startedAt = Date.now();
  const all = ["install", frozen ? "--frozen-lockfile" : "--no-frozen-lockfile"];
  all.push("--prefer-offline", "--reporter=append-only", ...args);
  return new Promise((resolve, reject) => {
    const child = spawn(pnpm.file, all, {
      cwd: root,
      env: { ...environment(pnpm), CI: "true" },
      stdio: ["ignore", "pipe", "pipe"],
      shell: process.platform === "win32",
    });
    const report = watchOutput(child);
    child.once("error", reject);
    child.once("close", (code) => {
      report.stop();
      if (code === 0) {
        writeFileSync(stampPath, fingerprint());
        progress(`installed in ${((Date.now() - startedAt) / 1000).toFixed(1)} s`);
      } else {
        process.stderr.write(report.text());
      }
      resolve(code ?? 1);
    });
  });
}

/** Keeps pnpm's output for a failure and says every few seconds how far it is. */
function watchOutput(child) {
  let text = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding("utf8");
    stream.on("data", (chunk) => {
      text = (text + chunk).slice(-64_000);
    });
  }
  const timer = setInterval(() => {
    const line = text.match(/Progress: [^\r\n]*/g)?.at(-1);
    if (line) progress(line);
  }, 3_000);
  return { stop: () => clearInterval(timer), text: () => text };
}

function isCurrent() {
  return existsSync(stampPath) && readFileSync(stampPath, "utf8") === fingerprint();
}

function fingerprint() {
  const hash = createHash("sha256").update(process.version.split(".")[0] ?? "");
  for (const file of ["pnpm-lock.yaml", "pnpm-workspace.yaml"]) {
    const path = join(root, file);
    if (existsSync(path)) hash.update(readFileSync(path));
  }
  return hash.digest("hex");
}
