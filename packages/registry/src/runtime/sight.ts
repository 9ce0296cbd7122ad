/** Sight: waiting until something shows in this node's view, which changes by events only. */
export class Sight {
  readonly #looks = new Set<() => void>();
  #closed = false;

  /** True when it came to be so; false when the signal fired, or this was closed, before. */
  async until(isSo: () => boolean, signal: AbortSignal): Promise<boolean> {
    if (isSo()) return true;
    if (this.#closed || signal.aborted) return false;
    return new Promise<boolean>((resolve) => {
      const settle = (result: boolean): void => {
        this.#looks.delete(look);
        signal.removeEventListener("abort", giveUp);
        resolve(result);
      };
      const look = (): void => {
        if (isSo()) settle(true);
        else if (this.#closed) settle(false);
      };
      const giveUp = (): void => settle(false);
      this.#looks.add(look);
      signal.addEventListener("abort", giveUp, { once: true });
    });
  }

  /** The view changed. */
  changed(): void {
    for (const look of [...this.#looks]) look();
  }

  /** Ends every wait. */
  close(): void {
    this.#closed = true;
    this.changed();
  }
}
