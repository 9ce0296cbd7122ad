/**
 * FolderWatch: waits until something in a folder changed, or until it is time to look anyway.
 *
 * `fs.watch` is a hint: it is missing on some systems, runs out of watches on others, and goes blind
 * when the folder is replaced. So it only makes a look come sooner, and each look renews it.
 */
import { watch, type FSWatcher } from "node:fs";
import { stat } from "node:fs/promises";
import type { Clock } from "@foundation/core";

/** What makes `wait` end. */
export class FolderWatch {
  readonly #clock: Clock;
  readonly #settleMs: number;
  readonly #onProblem: (error: unknown) => void;
  #watcher: FSWatcher | undefined;
  #folder: number | undefined;
  #isChanged = false;
  #hasFailed = false;
  #wake: () => void = () => undefined;

  constructor(clock: Clock, settleMs: number, onProblem: (error: unknown) => void) {
    this.#clock = clock;
    this.#settleMs = settleMs;
    this.#onProblem = onProblem;
  }

  /** Watches the folder, anew when it is not the one that was watched. Never throws. */
  async renew(path: string): Promise<void> {
    const folder = await stat(path).then(
      ({ ino }) => ino,
      () => undefined,
    );
    if (this.#hasFailed || (folder !== undefined && folder === this.#folder)) return;
    this.close();
    if (folder === undefined) return;
    try {
      const options = { persistent: false };
      // Only appearing and disappearing matters ("rename"): files are never written in place.
      this.#watcher = watch(path, options, (type) => {
        if (type === "rename") this.#changed();
      });
      this.#watcher.on("error", (error) => this.#fail(error));
      this.#folder = folder;
      // What changed between the look before and this moment was not seen.
      this.#changed();
    } catch (error) {
      this.#fail(error);
    }
  }

  /** Resolves when something changed (and settled), after `forMs`, or when the signal fires. */
  async wait(forMs: number, signal: AbortSignal): Promise<void> {
    if (signal.aborted) return;
    if (!this.#isChanged) await this.#pause(forMs, signal, true);
    if (this.#isChanged && !signal.aborted) await this.#pause(this.#settleMs, signal, false);
    this.#isChanged = false;
  }

  close(): void {
    this.#watcher?.close();
    this.#watcher = undefined;
    this.#folder = undefined;
  }

  #pause(forMs: number, signal: AbortSignal, endsOnChange: boolean): Promise<void> {
    return new Promise((resolve) => {
      const done = (): void => {
        timer.cancel();
        signal.removeEventListener("abort", done);
        this.#wake = () => undefined;
        resolve();
      };
      const timer = this.#clock.setTimer(forMs, done);
      signal.addEventListener("abort", done, { once: true });
      if (endsOnChange) this.#wake = done;
    });
  }

  #changed(): void {
    this.#isChanged = true;
    this.#wake();
  }

  /** Said once: from then on looking at intervals has to do. */
  #fail(error: unknown): void {
    this.close();
    if (!this.#hasFailed) this.#onProblem(error);
    this.#hasFailed = true;
  }
}
