/** boundedCodec: a codec whose values fit one frame of the transport. */
import type { Codec } from "@foundation/core";
import { overlayErrors } from "../errors.js";

/** `encode` also @throws {ERR_MESSAGE_TOO_LARGE} */
export function boundedCodec(codec: Codec, messageBytesMax: number): Codec {
  return {
    encode(value) {
      const bytes = codec.encode(value);
      if (bytes.length <= messageBytesMax) return bytes;
      const details = { sizeBytes: bytes.length, limitBytes: messageBytesMax };
      throw overlayErrors.ERR_MESSAGE_TOO_LARGE(
        `A message of ${details.sizeBytes} bytes was not sent; one may have ${details.limitBytes}. Send it in pieces.`,
        details,
      );
    },
    decode: (bytes) => codec.decode(bytes),
  };
}
