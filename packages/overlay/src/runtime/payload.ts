/** Payloads: encoded by the codec, within the size that one message may have. */
import type { Codec } from "@foundation/core";
import { overlayErrors } from "../errors.js";
import { FRAME } from "../limits.js";

/** @throws {ERR_NOT_ENCODABLE} @throws {ERR_MESSAGE_TOO_LARGE} */
export function encodePayload(codec: Codec, value: unknown): Uint8Array {
  const bytes = codec.encode(value);
  if (bytes.length <= FRAME.messageBytesMax) return bytes;
  const details = { sizeBytes: bytes.length, limitBytes: FRAME.messageBytesMax };
  throw overlayErrors.ERR_MESSAGE_TOO_LARGE(
    `A message of ${details.sizeBytes} bytes was not sent; one may have ${details.limitBytes}. Send it in pieces.`,
    details,
  );
}
