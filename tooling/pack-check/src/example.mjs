/**
 * The first example any user sees, exactly as the README prints it, in two processes.
 *
 * It counts as working when both processes report two nodes, and both end with exit code 0 after
 * SIGTERM, which drains a node by default.
 */
import { spawn } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { environment, root } from "../../run/machine.mjs";
import { run } from "./packages.mjs";

const limits = { seeMs: 20_000, exitMs: 10_000 };

const sixLines = `// app.mjs — run it in two terminals
import { startCluster } from "@foundation/foundation"
const cluster = await startCluster()
for await (const event of cluster.watch()) console.log(event.type, event.node?.name, "→", cluster.nodes().length, "nodes")
`;

/** Runs the JavaScript example. @returns {Promise<{ problem?: string, ms: number }>} */
export function runJavaScript(folder) {
  writeFileSync(join(folder, "app.mjs"), sixLines);
  return twoProcesses(folder, "app.mjs");
}

/** Compiles the same lines as TypeScript with every supported compiler, then runs what came out. */
export function runTypeScript(folder) {
  writeFileSync(join(folder, "app.mts"), sixLines);
  compile(folder, ["app.mts"]);
  return twoProcesses(folder, "out/app.mjs");
}

/** Compiles files of a user's project into `out`, strictly. Throws what the compiler says. */
export function compile(folder, files) {
  const settings = {
    compilerOptions: {
      strict: true,
      target: "es2022",
      lib: ["es2022", "esnext.disposable"],
      module: "nodenext",
      types: ["node"],
      outDir: "out",
      // A user's compiler looks into our declarations too; they must stand on their own.
      skipLibCheck: false,
    },
    files,
  };
  writeFileSync(join(folder, "tsconfig.json"), JSON.stringify(settings, null, 2));
  for (const compiler of ["typescript", "typescript7"]) {
    const tsc = join(root, "node_modules", compiler, "bin/tsc");
    run(process.execPath, [tsc, "-p", ".", "--pretty", "false"], {
      cwd: folder,
      env: environment(),
    });
  }
}

async function twoProcesses(folder, file) {
  const startedAt = performance.now();
  const both = [start(folder, file), start(folder, file)];
  try {
    const seen = await Promise.all(both.map((each) => each.saw("2 nodes", limits.seeMs)));
    const ms = Math.round(performance.now() - startedAt);
    if (seen.includes(false)) return { problem: `no "2 nodes" seen:\n${transcript(both)}`, ms };
    const codes = [];
    for (const each of both) codes.push(await each.terminate());
    if (codes.some((code) => code !== 0)) {
      return { problem: `SIGTERM ended with ${codes.join(" and ")}:\n${transcript(both)}`, ms };
    }
    return { ms };
  } finally {
    for (const each of both) each.kill();
  }
}

function transcript(both) {
  return both.map((each, index) => `— process ${index + 1} —\n${each.output()}`).join("\n");
}

/** One process with its output kept, so that a test can wait for words in it. */
function start(cwd, file) {
  const child = spawn(process.execPath, [file], {
    cwd,
    env: environment(),
    stdio: ["ignore", "pipe", "pipe"],
  });
  let output = "";
  let ended = false;
  const waiting = new Set();
  const tell = () => {
    for (const check of waiting) check();
  };
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding("utf8").on("data", (text) => {
      output += text;
      tell();
    });
  }
  const exited = new Promise((resolve) => {
    child.once("close", (code, signal) => {
      ended = true;
      tell();
      resolve(code ?? signal);
    });
  });
  const saw = (words, withinMs) =>
    new Promise((resolve) => {
      const timer = setTimeout(() => finish(false), withinMs);
      const finish = (answer) => {
        clearTimeout(timer);
        waiting.delete(check);
        resolve(answer);
      };
      const check = () => {
        if (output.includes(words)) finish(true);
        else if (ended) finish(false);
      };
      waiting.add(check);
      check();
    });
  const terminate = async () => {
    const timer = setTimeout(() => child.kill("SIGKILL"), limits.exitMs);
    child.kill("SIGTERM");
    const code = await exited;
    clearTimeout(timer);
    return code;
  };
  return { saw, terminate, output: () => output, kill: () => ended || child.kill("SIGKILL") };
}
