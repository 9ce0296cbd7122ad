export { createCodec } from "./codec.js";
