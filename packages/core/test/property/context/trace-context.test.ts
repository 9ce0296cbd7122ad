import { expect, test } from "@jest/globals";
import fc from "fast-check";
import {
  formatTraceparent,
  isTraceContext,
  newTrace,
  parseTraceparent,
} from "../../../src/context/index.js";
import { seededRandom } from "../../../src/testing/index.js";

test("every new trace survives the wire", () => {
  fc.assert(
    fc.property(fc.integer(), fc.boolean(), (seed, sampled) => {
      const trace = newTrace(seededRandom(seed), { sampled });
      expect(parseTraceparent(formatTraceparent(trace))).toEqual(trace);
    }),
  );
});

test("no header throws, and what is read from one is well formed", () => {
  const hex = (length: number) => fc.stringMatching(new RegExp(`^[0-9a-fA-F]{${length}}$`));
  const near = fc
    .tuple(hex(2), hex(32), hex(16), hex(2), fc.string())
    .map(([version, trace, span, flags, more]) => `${version}-${trace}-${span}-${flags}${more}`);
  fc.assert(
    fc.property(fc.oneof(fc.string(), near), (header) => {
      const trace = parseTraceparent(header);
      expect(trace === undefined || isTraceContext(trace)).toBe(true);
    }),
  );
});
