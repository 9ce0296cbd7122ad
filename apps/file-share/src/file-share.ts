// file-share.ts: every node keeps files; any node sends any of its own to any other.
import { createHash } from "node:crypto";
import { startCluster, type ChannelTarget, type StartOptions } from "@foundation/foundation";
import type { Shelf } from "./shelf.js";

/** What the receiver says of a file when it has all of it. */
interface Receipt {
  readonly sizeBytes: number;
  readonly sha256: string;
}

export interface SendFileOptions {
  /** Ends the transfer: the receiver keeps nothing of the file. */
  readonly signal?: AbortSignal;
  /** Bytes that were handed over, and how many there will be. */
  readonly onProgress?: (sentBytes: number, sizeBytes: number) => void;
}

export async function startFileShare(shelf: Shelf, options: StartOptions = {}) {
  const cluster = await startCluster({ name: "file-share", ...options });
  // Files are in no hurry: whatever else this node sends goes before them.
  const files = cluster.channel<"names", readonly string[]>("files", { priority: 0 });

  files.handle(() => shelf.names());
  files.handleStream(async (stream): Promise<Receipt> => {
    const { name } = stream.metadata as { readonly name: string };
    const sum = new Checksum();
    // The next piece is asked for when this one is on the shelf: a slow disk slows the sender down.
    await shelf.write(name, sum.through(stream));
    return sum.receipt();
  });

  return {
    cluster,
    names: (node: ChannelTarget) => files.request(node, "names"),
    async send(node: ChannelTarget, name: string, { signal, onProgress }: SendFileOptions = {}) {
      const { sizeBytes, bytes } = await shelf.read(name);
      const sum = new Checksum((sentBytes) => onProgress?.(sentBytes, sizeBytes));
      const metadata = { name, sizeBytes };
      const received = await files.stream(node, sum.through(bytes), { metadata, signal });
      const { sha256 } = received as Receipt;
      if (sha256 !== sum.receipt().sha256) throw new Error(`${name} arrived damaged`);
      return sizeBytes;
    },
  };
}

/** Counts and sums what passes. */
class Checksum {
  readonly #hash = createHash("sha256");
  #sizeBytes = 0;

  constructor(private readonly onProgress: (bytes: number) => void = () => {}) {}

  async *through(bytes: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
    for await (const piece of bytes) {
      this.#hash.update(piece);
      yield piece;
      this.#sizeBytes += piece.length;
      this.onProgress(this.#sizeBytes);
    }
  }

  receipt(): Receipt {
    return { sizeBytes: this.#sizeBytes, sha256: this.#hash.copy().digest("hex") };
  }
}
