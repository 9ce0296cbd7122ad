export { boundedStream, STREAM_BUFFER_DEFAULT, STREAM_READS_MAX } from "./bounded-stream.js";
export type { BoundedStream, BoundedStreamOptions, Overflow } from "./bounded-stream.js";
