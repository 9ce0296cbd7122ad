/** LineSplitter: the lines of a stream of bytes, as they end; a line that never ends is refused at its limit. */

/** A line longer than allowed. */
export class LineTooLong extends Error {}

/** Cuts a stream into lines; see the module. */
export class LineSplitter {
  #parts: Uint8Array[] = [];
  #sizeBytes = 0;

  /** @param lineBytesMax the longest line */
  constructor(readonly lineBytesMax: number) {}

  /** True when a line has begun and not ended. */
  get isInside(): boolean {
    return this.#sizeBytes > 0;
  }

  /** The lines that this chunk ends, without the empty ones. @throws {LineTooLong} */
  push(chunk: Uint8Array): readonly string[] {
    const lines: string[] = [];
    let from = 0;
    for (let at = chunk.indexOf(10); at >= 0; at = chunk.indexOf(10, from)) {
      this.#keep(chunk.subarray(from, at));
      from = at + 1;
      const line = this.#take();
      if (line !== "") lines.push(line);
    }
    this.#keep(chunk.subarray(from));
    return lines;
  }

  #keep(part: Uint8Array): void {
    if (part.length === 0) return;
    this.#sizeBytes += part.length;
    if (this.#sizeBytes > this.lineBytesMax) {
      throw new LineTooLong(`a line is longer than ${this.lineBytesMax} bytes`);
    }
    this.#parts.push(part);
  }

  #take(): string {
    const line = Buffer.concat(this.#parts).toString("utf8").trim();
    this.#parts = [];
    this.#sizeBytes = 0;
    return line;
  }
}
