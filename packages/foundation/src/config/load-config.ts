/**
 * loadConfig: every layer, in order, into one validated configuration.
 *
 * built-in defaults < profile < detected < reach < file < environment < options. What is detected (the cluster's name and the
 * strategy) comes before what anybody wrote down, and carries its evidence for `explain()`. A list of peers is a wish for
 * the strategy "static", whoever wrote it. On a host that is not this machine (a simulation's) nothing of this machine is looked
 * at for what nobody wrote: the host says it.
 */
import type { Host, Runtime } from "@foundation/core";
import { loadConfigFile, type ConfigLayer } from "@foundation/core/config";
import { clusterName, detect, probeEnvironment } from "@foundation/discovery";
import type { StartOptions } from "./cluster-config.js";
import { effectiveConfig, type EffectiveConfig } from "./effective-config.js";
import { translateDiscovery } from "./discovery-layer.js";
import { ownEnvironmentLayer } from "./environment.js";
import { translateTopologies } from "./libcluster-layer.js";
import { defaults, profileValues, type Profile } from "./profiles.js";
import { beyondLoopback } from "./reach-layer.js";
import { profiles } from "./schema.js";

type Environment = Readonly<Record<string, string | undefined>>;

/** What simulated nodes share as the user and the folder of a machine would be shared. */
const SIMULATED_NAME = "simulation";
const SIMULATED_SECRET = "no secret: it never leaves the process";

/** The configuration a node starts with. */
export interface LoadedConfig extends EffectiveConfig {
  /** What looked like a mistake in the environment, a sentence each. */
  readonly warnings: readonly string[];
}

/**
 * Loads and validates.
 *
 * @throws {ERR_CONFIG_INVALID} @throws {ERR_CONFIG_UNREADABLE} @throws {ERR_NAME_REQUIRED}
 */
export async function loadConfig(
  given: StartOptions,
  env: Environment,
  { clock, host, authentication }: Partial<Runtime> = {},
): Promise<LoadedConfig> {
  const {
    cwd = process.cwd(),
    logger: _logger,
    runtime: _runtime,
    signal: _signal,
    ...rest
  } = given;
  const file = await loadConfigFile(cwd, clock && { clock });
  const environment = ownEnvironmentLayer(env);
  const options: ConfigLayer = { name: "options", values: { ...rest } };
  const written = [file, environment, options].flatMap((layer) =>
    layer === undefined ? [] : [translateTopologies(translateDiscovery(layer))],
  );
  const profile = profileOf(written);
  const detected = host
    ? hostLayer(host, profile)
    : await detectedLayer(cwd, env, profile, written);
  const layers: ConfigLayer[] = [
    { name: "defaults", values: defaults },
    { name: `profile ${profile}`, values: { ...profileValues[profile] } },
    detected,
    ...(host ? [] : beyondLoopback([detected, ...written])),
    ...written,
  ];
  const ownAuthentication = authentication !== undefined;
  const config = effectiveConfig({ layers, cwd, ownAuthentication });
  return { ...config, warnings: [...environment.warnings, ...config.securityWarnings] };
}

/** The last layer that names a profile; an invalid one is left to the schema, which says so. */
function profileOf(layers: readonly ConfigLayer[]): Profile {
  const named = layers.findLast((layer) => layer.values.profile !== undefined)?.values.profile;
  return profiles.find((profile) => profile === named) ?? "development";
}

/** What a simulated node's host says where a real machine is looked at. */
function hostLayer({ name, discovery }: Host, profile: Profile): ConfigLayer {
  const because = `this process is simulated, on host ${name}`;
  const clusterName = profile === "development" ? { name: SIMULATED_NAME } : {};
  return {
    name: "detected",
    values: {
      ...clusterName,
      cluster: discovery,
      node: { name },
      security: { secret: SIMULATED_SECRET },
    },
    evidence: { name: because, cluster: because, "node.name": because, "security.secret": because },
  };
}

/** Looks only for what nobody wrote down: a node that is told everything touches no file for it. */
async function detectedLayer(
  cwd: string,
  env: Environment,
  profile: Profile,
  written: readonly ConfigLayer[],
): Promise<ConfigLayer> {
  const isWritten = (path: "cluster" | "name") =>
    written.some(({ values }) => values[path] !== undefined);
  const detection = isWritten("cluster")
    ? undefined
    : detect(env, await probeEnvironment(), { trusted: mayLetIn(profile, written) });
  const chosen = detection && (listedBy(written) ?? detection);
  const isNamed = profile !== "development" || isWritten("name");
  const found = isNamed ? undefined : await clusterName(cwd);
  return {
    name: "detected",
    values: { cluster: chosen?.strategy, name: found?.name },
    evidence: {
      ...(chosen === undefined ? {} : { cluster: chosen.because }),
      ...(found === undefined ? {} : { name: found.because }),
    },
  };
}

/** The last layer that lists peers, if one does. */
function listedBy(written: readonly ConfigLayer[]) {
  const listing = written.findLast(({ values }) => Array.isArray(values["peers"]));
  if (listing === undefined || (listing.values["peers"] as unknown[]).length === 0)
    return undefined;
  const where = listing.origins?.["peers"] ?? listing.origin ?? `the ${listing.name}`;
  return { strategy: "static", because: `peers are listed in ${where}` } as const;
}

/** True where nodes of other machines can prove who they are, or where not to let them in is an error anyway. */
function mayLetIn(profile: Profile, written: readonly ConfigLayer[]): boolean {
  if (profile !== "development") return true;
  return written.some(({ values }) => {
    const security = values["security"] as { secret?: unknown; tls?: unknown } | undefined;
    return security?.secret !== undefined || typeof security?.tls === "object";
  });
}
