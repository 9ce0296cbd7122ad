/**
 * DisposalStack: closes in reverse order what was opened. Node 20 has no AsyncDisposableStack.
 *
 * Invariants: everything is closed, whatever fails on the way; each once; `close` called again gives the same promise.
 */

/** What can be closed. */
export type Closable =
  | { close(): void | Promise<void> }
  | { [Symbol.asyncDispose](): PromiseLike<void> };

/**
 * Handles to be closed together, last first.
 *
 * @example
 * ```ts
 * import { DisposalStack } from "@foundation/core"
 *
 * const stack = new DisposalStack()
 * stack.defer(() => console.log("closed second"))
 * stack.defer(() => console.log("closed first"))
 * await stack.close()
 * ```
 */
export class DisposalStack implements AsyncDisposable {
  readonly #closers: (() => unknown)[] = [];
  #closing: Promise<void> | undefined;
  #done = false;

  /** True when closing has begun. */
  get closed(): boolean {
    return this.#closing !== undefined;
  }

  /** Takes a handle to close later, and gives it back. After `close` it is closed at once. */
  use<T extends Closable>(handle: T): T {
    this.defer(() =>
      Symbol.asyncDispose in handle
        ? (handle as AsyncDisposable)[Symbol.asyncDispose]()
        : (handle as { close(): unknown }).close(),
    );
    return handle;
  }

  /** Takes a function to call later. While closing it is the next one called; after it, at once. */
  defer(close: () => unknown): void {
    this.#closers.push(close);
    if (this.#done) this.#closing = this.#closeAll();
  }

  /** Closes everything, last first. @throws {AggregateError} of what failed, after all were tried. */
  close(): Promise<void> {
    this.#closing ??= this.#closeAll();
    return this.#closing;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #closeAll(): Promise<void> {
    this.#done = false;
    const failures: unknown[] = [];
    for (let close = this.#closers.pop(); close; close = this.#closers.pop()) {
      try {
        await close();
      } catch (error) {
        failures.push(error);
      }
    }
    this.#done = true;
    if (failures.length === 1) throw failures[0];
    if (failures.length > 1) {
      throw new AggregateError(failures, `${failures.length} handles failed to close`);
    }
  }
}
