/**
 * EffectiveConfig: layers of options as one validated configuration, and the same with a patch over it.
 *
 * Beside the schema it asks what only the whole can tell: a name in production, certificates that can be read, secrets that
 * hold beyond loopback. What is wrong is one error that lists everything. A configuration never changes: `patched` makes a
 * new one, so a patch that is refused leaves no trace.
 */
import {
  resolveConfig,
  type ConfigLayer,
  type ConfigProblem,
  type ExplainedValue,
} from "@foundation/core/config";
import { isLoopback } from "@foundation/overlay";
import { foundationErrors } from "../errors.js";
import { readCertificates, type ReadCertificates } from "./certificates.js";
import type { TlsCertificates } from "./cluster-config.js";
import { translateTopologies } from "./libcluster-layer.js";
import { configSchema, type ResolvedConfig } from "./schema.js";
import {
  insecureNotice,
  isInsecure,
  securityProblems,
  securityWarnings,
  type SecurityFacts,
} from "./security-rules.js";

/** The configuration in force. */
export interface EffectiveConfig {
  readonly values: ResolvedConfig & {
    readonly name: string;
    readonly cluster: NonNullable<ResolvedConfig["cluster"]>;
  };
  /** `security.tls` as the overlay takes it: certificates as texts. */
  readonly tls: "psk" | "off" | TlsCertificates | undefined;
  /** What to say each minute while `security.insecure` lets the node run. */
  readonly insecureNotice: string | undefined;
  readonly securityWarnings: readonly string[];
  /** Every effective value with its layer and, for what was detected, the evidence. */
  explain(): readonly ExplainedValue[];
  /**
   * This configuration with options over it, in the layer "reconfigure". Patches add up.
   * @throws {ERR_CONFIG_INVALID}
   */
  patched(patch: Readonly<Record<string, unknown>>): EffectiveConfig;
}

export interface ConfigSources {
  readonly layers: readonly ConfigLayer[];
  /** Where relative paths begin. */
  readonly cwd: string;
  readonly ownAuthentication: boolean;
}

/** The layer of what was changed while running. */
export const RECONFIGURE = "reconfigure";

/** @throws {ERR_CONFIG_INVALID} @throws {ERR_NAME_REQUIRED} */
export function effectiveConfig(sources: ConfigSources): EffectiveConfig {
  const { layers, cwd, ownAuthentication } = sources;
  const config = resolveConfig({ schema: configSchema, layers });
  const { name, cluster, profile, security } = config.values;
  if (name === undefined) throw nameRequired(profile);
  if (cluster === undefined) throw new Error("detect() chose no strategy");
  const layerOf = (path: string) => layerIn(config.explain(), path);
  const read =
    typeof security.tls === "object"
      ? readCertificates(security.tls, { cwd, cluster: name })
      : undefined;
  const unread = (read?.problems ?? []).map((each) => ({ ...each, layer: layerOf(each.path) }));
  const facts: SecurityFacts = { values: config.values, layerOf, ownAuthentication };
  refuse(layers, [...unread, ...securityProblems(facts)]);
  return {
    values: { ...config.values, name, cluster },
    tls: typeof security.tls === "object" ? read?.texts : security.tls,
    insecureNotice: isInsecure(facts) ? insecureNotice(config.values) : undefined,
    securityWarnings: securityWarnings(facts),
    explain: () => withFiles(withDecided(config.explain(), config.values), read),
    patched: (patch) => effectiveConfig({ ...sources, layers: withPatch(layers, patch) }),
  };
}

function layerIn(explained: readonly ExplainedValue[], path: string): string {
  return explained.find((each) => each.path === path)?.layer ?? "none";
}

/** One error with all problems, as the schema's are told. @throws {ERR_CONFIG_INVALID} */
function refuse(layers: readonly ConfigLayer[], problems: readonly ConfigProblem[]): void {
  if (problems.length === 0) return;
  const told: ConfigLayer = { name: "rules", values: {}, problems };
  resolveConfig({ schema: configSchema, layers: [...layers, told] });
}

/** What follows from where the node listens, for whoever did not say it. */
function withDecided(
  explained: readonly ExplainedValue[],
  { overlay, security }: ResolvedConfig,
): readonly ExplainedValue[] {
  const isNear = isLoopback(overlay.host);
  const evidence = `overlay.host ${overlay.host} is ${isNear ? "this machine only" : "beyond loopback"}`;
  const decide = (path: string, value: string) => ({ path, value, layer: "detected", evidence });
  return [
    ...explained,
    ...(overlay.preset === undefined ? [decide("overlay.preset", isNear ? "local" : "lan")] : []),
    ...(security.tls === undefined ? [decide("security.tls", isNear ? "off" : "psk")] : []),
  ];
}

/** Where a certificate was read from is no secret; what it was given as may be. */
function withFiles(
  explained: readonly ExplainedValue[],
  read: ReadCertificates | undefined,
): readonly ExplainedValue[] {
  return explained.map((each) => {
    const file = read?.files.get(each.path);
    return file === undefined ? each : { ...each, value: file };
  });
}

/** A second patch adds to the first: what it does not say stays as the first one said. */
function withPatch(
  layers: readonly ConfigLayer[],
  patch: Readonly<Record<string, unknown>>,
): readonly ConfigLayer[] {
  const before = layers.find(({ name }) => name === RECONFIGURE);
  const added = translateTopologies({ name: RECONFIGURE, values: patch });
  const values = before === undefined ? added.values : merged(before.values, added.values);
  const others = layers.filter((layer) => layer !== before);
  return [...others, { ...added, values }];
}

type Values = Readonly<Record<string, unknown>>;

function merged(below: Values, above: Values): Values {
  const values: Record<string, unknown> = { ...below };
  for (const [key, value] of Object.entries(above)) {
    const under = values[key];
    if (value !== undefined)
      values[key] = isGroup(value) && isGroup(under) ? merged(under, value) : value;
  }
  return values;
}

function isGroup(value: unknown): value is Values {
  if (typeof value !== "object" || value === null) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  // An object of another realm has a prototype whose prototype is null.
  return prototype === null || Object.getPrototypeOf(prototype) === null;
}

function nameRequired(profile: string): Error {
  return foundationErrors.ERR_NAME_REQUIRED(
    `The profile "${profile}" needs an explicit cluster name, so that a folder name never decides who meets whom: ` +
      'set `name: "my-app"` in the options or the config file, or FOUNDATION_NAME=my-app',
    { profile },
  );
}
