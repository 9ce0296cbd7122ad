export { defineErrors, error } from "./define-errors.js";
export type { ErrorDeclaration, ErrorFactories, ErrorFactory } from "./define-errors.js";
export { coreErrors } from "./errors.js";
export { FoundationError, isFoundationError } from "./foundation-error.js";
export type { ErrorDetails, FoundationErrorInit } from "./foundation-error.js";
export { shown } from "./shown.js";
export { fromWireError, toWireError } from "./wire.js";
export type { WireError } from "./wire.js";
