export { assertDone } from "./done-when-it-returns.js";
export type { Whole } from "./done-when-it-returns.js";
export { defineErrors, error } from "./define-errors.js";
export type { ErrorDeclaration, ErrorFactories, ErrorFactory } from "./define-errors.js";
export { coreErrors } from "./errors.js";
export { FoundationError, isFoundationError } from "./foundation-error.js";
export type { ErrorDetails, FoundationErrorInit } from "./foundation-error.js";
export {
  checkFunction,
  checkOptionalBoolean,
  checkOptionalFunction,
  checkOptionalText,
  checkOptions,
  checkText,
  invalidArgument,
} from "./given.js";
export { shown } from "./shown.js";
export { fromWireError, toWireError } from "./wire.js";
export type { WireError } from "./wire.js";
