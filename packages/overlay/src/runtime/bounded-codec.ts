/** boundedCodec: a codec whose values fit one message of the overlay. */
import type { Codec } from "@foundation/core";
import { overlayErrors } from "../errors.js";

/** `encode` and `encodeInto` also @throws {ERR_MESSAGE_TOO_LARGE} */
export function boundedCodec(codec: Codec, messageBytesMax: number): Codec {
  const check = (sizeBytes: number): void => {
    if (sizeBytes <= messageBytesMax) return;
    throw overlayErrors.ERR_MESSAGE_TOO_LARGE(
      `A message of ${sizeBytes} bytes was not sent; one may have ${messageBytesMax}. Send it in pieces.`,
      { sizeBytes, limitBytes: messageBytesMax },
    );
  };
  return {
    encode(value) {
      const bytes = codec.encode(value);
      check(bytes.length);
      return bytes;
    },
    encodeInto(value, target, at) {
      const end = codec.encodeInto(value, target, at);
      check(end - at);
      return end;
    },
    decode: (bytes, start, end, isGiven) => codec.decode(bytes, start, end, isGiven),
  };
}
