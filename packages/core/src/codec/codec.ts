/** Codec over msgpackr. */
import { Packr } from "msgpackr";
import { coreErrors } from "../errors/errors.js";
import type { Codec } from "../ports/codec.js";
import { assertPlain } from "./plain.js";

/** A codec. */
export function createCodec(): Codec {
  const packr = new Packr({
    useRecords: false,
    moreTypes: true,
    variableMapSize: true,
    copyBuffers: true,
  });
  return {
    encode: (value) => {
      assertPlain(value);
      return packr.pack(value);
    },
    decode: (bytes) => {
      try {
        return packr.unpack(bytes);
      } catch (error) {
        const reason = error instanceof Error ? error.message : String(error);
        throw coreErrors.ERR_NOT_DECODABLE(`Received bytes cannot be decoded: ${reason}`, {
          reason,
        });
      }
    },
  };
}
