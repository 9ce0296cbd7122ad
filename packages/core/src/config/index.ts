/** Layered configuration: sources, one schema, complete errors, explained values. */
export { defineConfig, loadConfigFile } from "./config-file.js";
export { environmentLayer } from "./environment-layer.js";
export type {
  EnvironmentLayer,
  EnvironmentMapping,
  EnvironmentValueType,
  EnvironmentVariable,
} from "./environment-layer.js";
export type { ConfigLayer, ConfigProblem } from "./layer.js";
export { formatExplanation, resolveConfig } from "./resolve-config.js";
export type { ExplainedValue, ResolvedConfig } from "./resolve-config.js";
export type { OptionMetadata } from "./schema-shape.js";
export { suggest } from "./suggestion.js";
