/**
 * OtherCheckout: this repository once more, in a temporary folder, with what is not committed yet, installed by its own
 * bootstrap: to show that what a seed plays depends on the sources and on nothing else.
 */
import { spawn, type SpawnOptions } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { repositoryRoot } from "./processes.js";

/** A one-line change in a source file. */
export interface Change {
  readonly file: string;
  /** Occurs exactly once. */
  readonly find: string;
  readonly replace: string;
}

export class OtherCheckout {
  readonly root: string;
  readonly #from: string;
  readonly #signal: AbortSignal;

  private constructor(root: string, from: string, signal: AbortSignal) {
    this.root = root;
    this.#from = from;
    this.#signal = signal;
  }

  /** @throws when git cannot clone: a repository without its history has no other checkout */
  static async create(signal: AbortSignal, from = repositoryRoot): Promise<OtherCheckout> {
    const root = mkdtempSync(join(tmpdir(), "foundation-checkout-"));
    const checkout = new OtherCheckout(root, from, signal);
    try {
      await checkout.#fill();
    } catch (error) {
      checkout.remove();
      throw error;
    }
    return checkout;
  }

  /** What `npm run sim` prints there on its standard output. */
  sim(args: readonly string[], env: Readonly<Record<string, string>>): Promise<string> {
    const command = [join(this.root, "tooling/run/run.mjs"), "sim", ...args];
    // Without what describes the caller's run: this is another one.
    const { SEED: _, ...own } = process.env;
    return this.#run(process.execPath, command, { cwd: this.root, env: { ...own, ...env } });
  }

  /** @throws when the line to change does not occur exactly once */
  change({ file, find, replace }: Change): void {
    const path = join(this.root, file);
    writeFileSync(path, changed(readFileSync(path, "utf8"), { file, find, replace }));
  }

  remove(): void {
    rmSync(this.root, { recursive: true, force: true, maxRetries: 3 });
  }

  async #fill(): Promise<void> {
    const here = { cwd: this.#from };
    await this.#run("git", ["clone", "--quiet", "--shared", ".", this.root], here);
    const patch = await this.#run("git", ["diff", "--binary", "HEAD"], here);
    if (patch !== "") {
      const file = join(this.root, ".git", "uncommitted.patch");
      writeFileSync(file, patch);
      await this.#run("git", ["apply", file], { cwd: this.root });
    }
    const listing = ["ls-files", "--others", "--exclude-standard", "-z"];
    const untracked = (await this.#run("git", listing, here)).split("\0").filter(Boolean);
    for (const path of untracked) {
      mkdirSync(dirname(join(this.root, path)), { recursive: true });
      cpSync(join(this.#from, path), join(this.root, path));
    }
  }

  /** Standard output of a command. @throws with its standard error when it fails */
  #run(file: string, args: readonly string[], options: SpawnOptions): Promise<string> {
    return new Promise((resolve, reject) => {
      const child = spawn(file, args, {
        ...options,
        stdio: ["ignore", "pipe", "pipe"],
        signal: this.#signal,
      });
      const heard = { stdout: "", stderr: "" };
      child.stdout?.setEncoding("utf8").on("data", (text: string) => (heard.stdout += text));
      child.stderr?.setEncoding("utf8").on("data", (text: string) => (heard.stderr += text));
      let failure: Error | undefined;
      // One that was stopped has not ended yet: its folder may be removed only then.
      child.once("error", (error) => {
        failure = error;
        if (child.pid === undefined) reject(error);
      });
      child.once("close", (code) => {
        if (code === 0) return resolve(heard.stdout);
        const what = `${file} ${args.join(" ")} ended with ${code}:\n${heard.stderr}`;
        reject(failure ?? new Error(what));
      });
    });
  }
}

/** The text with its one line changed. @throws when that does not occur exactly once */
export function changed(text: string, { file, find, replace }: Change): string {
  const parts = text.split(find);
  if (parts.length === 2) return parts.join(replace);
  throw new Error(`"${find}" must occur once in ${file}; it occurs ${parts.length - 1} times`);
}
