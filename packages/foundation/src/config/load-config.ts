/**
 * loadConfig: every layer, in order, into one validated configuration.
 *
 * built-in defaults < profile < detected < file < environment < options. What is detected (the cluster's name and the
 * strategy) comes before what anybody wrote down, and carries its evidence for `explain()`.
 */
import {
  environmentLayer,
  loadConfigFile,
  resolveConfig,
  type ConfigLayer,
  type ExplainedValue,
} from "@foundation/core";
import { clusterName, detect, probeEnvironment } from "@foundation/discovery";
import { foundationErrors } from "../errors.js";
import { environmentMapping } from "./environment.js";
import { defaults, profileValues, type Profile } from "./profiles.js";
import { configSchema, profiles, type ResolvedConfig, type StartOptions } from "./schema.js";

type Environment = Readonly<Record<string, string | undefined>>;

/** The configuration in force. */
export interface LoadedConfig {
  readonly values: ResolvedConfig & {
    readonly name: string;
    readonly cluster: NonNullable<ResolvedConfig["cluster"]>;
  };
  /** Every effective value with its layer and, for what was detected, the evidence. */
  explain(): readonly ExplainedValue[];
  /** What looked like a mistake in the environment, a sentence each. */
  readonly warnings: readonly string[];
}

/**
 * Loads and validates.
 *
 * @throws {ERR_CONFIG_INVALID} @throws {ERR_CONFIG_UNREADABLE} @throws {ERR_NAME_REQUIRED}
 */
export async function loadConfig(options: StartOptions, env: Environment): Promise<LoadedConfig> {
  const {
    cwd = process.cwd(),
    logger: _logger,
    runtime: _runtime,
    signal: _signal,
    ...rest
  } = options;
  const file = await loadConfigFile(cwd);
  const environment = environmentLayer(env, environmentMapping);
  const written: ConfigLayer[] = [environment, { name: "options", values: { ...rest } }];
  if (file !== undefined) written.unshift(file);

  const profile = profileOf(written);
  const layers: ConfigLayer[] = [
    { name: "defaults", values: defaults },
    { name: `profile ${profile}`, values: { ...profileValues[profile] } },
    await detectedLayer(cwd, env, profile),
    ...written,
  ];
  const config = resolveConfig({ schema: configSchema, layers });
  const { name, cluster } = config.values;
  if (name === undefined) throw nameRequired(profile);
  if (cluster === undefined) throw new Error("detect() chose no strategy");
  return {
    values: { ...config.values, name, cluster },
    explain: () => config.explain(),
    warnings: environment.warnings,
  };
}

/** The last layer that names a profile; an invalid one is left to the schema, which says so. */
function profileOf(layers: readonly ConfigLayer[]): Profile {
  const named = layers.findLast((layer) => layer.values.profile !== undefined)?.values.profile;
  return profiles.find((profile) => profile === named) ?? "development";
}

async function detectedLayer(
  cwd: string,
  env: Environment,
  profile: Profile,
): Promise<ConfigLayer> {
  const detection = detect(env, await probeEnvironment());
  const found = profile === "development" ? await clusterName(cwd) : undefined;
  return {
    name: "detected",
    values: { cluster: detection.strategy, name: found?.name },
    evidence: {
      cluster: detection.because,
      ...(found === undefined ? {} : { name: found.because }),
    },
  };
}

function nameRequired(profile: Profile): Error {
  return foundationErrors.ERR_NAME_REQUIRED(
    `The profile "${profile}" needs an explicit cluster name, so that a folder name never decides who meets whom: ` +
      'set `name: "my-app"` in the options or the config file, or FOUNDATION_NAME=my-app',
    { profile },
  );
}
