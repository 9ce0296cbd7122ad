export { boundedStream, STREAM_BUFFER_DEFAULT, STREAM_READS_MAX } from "./bounded-stream.js";
export type { BoundedStream, BoundedStreamOptions, Overflow } from "./bounded-stream.js";
export { ByteIterator } from "./byte-iterator.js";
export type { ByteBuffer } from "./byte-iterator.js";
export { byteReader } from "./byte-reader.js";
export type { ByteReader } from "./byte-reader.js";
