export { createCodec } from "./codec.js";
export { Encoded } from "./encoded.js";
export { codecLimits } from "./limits.js";
export type { CodecLimits } from "./limits.js";
