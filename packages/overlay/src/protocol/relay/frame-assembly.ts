/**
 * FrameAssembly: a frame of a relayed connection that comes in parts.
 *
 * Each part says how large the whole is, so its memory is taken once, after the limit was looked at.
 */
const NOTHING = new Uint8Array(0);

export class FrameAssembly {
  /** What its parts took of the window. */
  costBytes = 0;
  #frame: Uint8Array = NOTHING;
  #filledBytes = 0;

  /** True: some of a frame is there and the rest is not. */
  get isPartial(): boolean {
    return this.#frame !== NOTHING;
  }

  /**
   * The next part. Answers the frame once it is whole; a text: what is wrong with the part.
   *
   * @param costBytes what the part takes of the window
   */
  add(
    bytes: Uint8Array,
    totalBytes: number,
    costBytes: number,
    totalBytesMax: number,
  ): Uint8Array | string | undefined {
    if (!this.isPartial) {
      if (totalBytes > totalBytesMax)
        return `a frame of ${totalBytes} bytes; ${totalBytesMax} are allowed`;
      if (bytes.length >= totalBytes) return "the first part is no part";
      this.#frame = new Uint8Array(totalBytes);
    }
    if (totalBytes !== this.#frame.length) return "parts of one frame that differ on its size";
    if (bytes.length > totalBytes - this.#filledBytes) return "parts larger than their frame";
    this.#frame.set(bytes, this.#filledBytes);
    this.#filledBytes += bytes.length;
    this.costBytes += costBytes;
    if (this.#filledBytes < totalBytes) return undefined;
    const frame = this.#frame;
    this.clear();
    return frame;
  }

  /** What came of a frame is of no use any more. */
  clear(): void {
    this.#frame = NOTHING;
    this.#filledBytes = 0;
  }

  /** What the parts since the last call took of the window. */
  takeCost(): number {
    const { costBytes } = this;
    this.costBytes = 0;
    return costBytes;
  }
}
