/**
 * detect: which discovery strategy fits the environment, and the evidence for it.
 *
 * An explicit list of peers is a wish and wins. Then, in order: Kubernetes, Consul, DNS, AWS, GCP, and `local`. The five
 * reach other machines, so they are chosen only where others may be let in: with a secret or certificates, or in
 * production, where their absence is an error. Without them a machine in a cloud is a laptop: it is recognised, and `local`
 * is used. Pure: what was read of the world comes in as values.
 */
import { discoveryErrors } from "../errors.js";

/** The strategies that a configuration can name, `cluster: "…"`. */
export const STRATEGY_NAMES = [
  "local",
  "static",
  "dns",
  "mdns",
  "gossip",
  "kubernetes",
  "consul",
  "aws",
  "gcp",
] as const;

export type StrategyName = (typeof STRATEGY_NAMES)[number];

/** What `detect` can choose: nobody is asked for on a network, so `mdns` and `gossip` are chosen by people only. */
export type DetectedStrategy = Exclude<StrategyName, "mdns" | "gossip">;

/** Strategies that find nodes of other machines: who uses one listens beyond loopback. */
export const STRATEGIES_BEYOND_LOOPBACK: readonly StrategyName[] = [
  "dns",
  "mdns",
  "gossip",
  "kubernetes",
  "consul",
  "aws",
  "gcp",
];

/** What was looked at outside the environment variables; see `probeEnvironment`. */
export interface EnvironmentProbes {
  /** The service-account token of a pod is there. */
  readonly hasServiceAccount: boolean;
  /** What the machine's firmware calls its vendor and product; empty where unreadable. */
  readonly machine: string;
}

/** Why a strategy was or was not chosen. */
export interface DetectionEvidence {
  readonly strategy: DetectedStrategy;
  readonly found: boolean;
  readonly because: string;
}

export interface Detection {
  readonly strategy: DetectedStrategy;
  /** The reason of the choice, as one sentence for `explain()`. */
  readonly because: string;
  /** Every environment in the order of preference. */
  readonly evidence: readonly DetectionEvidence[];
}

export interface DetectOptions {
  /** Nodes of other machines may be let in: there is a secret or a certificate, or the profile demands one. @default false */
  readonly trusted?: boolean;
}

type Environment = Readonly<Record<string, string | undefined>>;

/**
 * Decides.
 *
 * @example
 * ```ts
 * import { detect, probeEnvironment } from "@foundation/discovery"
 *
 * const { strategy, because } = detect(process.env, await probeEnvironment(), { trusted: true })
 * console.log(strategy, because)
 * ```
 */
export function detect(
  env: Environment,
  probes: EnvironmentProbes,
  { trusted = false }: DetectOptions = {},
): Detection {
  const elsewhere = [
    kubernetes(env, probes),
    first(env, "consul", ["CONSUL_HTTP_ADDR"]),
    first(env, "dns", ["FOUNDATION_DNS_SRV", "FOUNDATION_DNS_SERVICE"]),
    cloud(env, probes, "aws", AWS_VARIABLES, /amazon ec2/i),
    cloud(env, probes, "gcp", GCP_VARIABLES, /google compute engine/i),
  ];
  const list = first(env, "static", ["FOUNDATION_PEERS"]);
  const recognised = elsewhere.find(({ found }) => found);
  const chosen = choose(list, recognised, trusted);
  const here: DetectionEvidence =
    chosen.strategy === "local"
      ? { strategy: "local", found: true, because: chosen.because }
      : { strategy: "local", found: false, because: `${chosen.strategy} was chosen` };
  return { ...chosen, evidence: [list, ...elsewhere, here] };
}

function choose(
  list: DetectionEvidence,
  recognised: DetectionEvidence | undefined,
  trusted: boolean,
): Pick<Detection, "strategy" | "because"> {
  if (list.found) return { strategy: "static", because: "FOUNDATION_PEERS lists the peers" };
  if (recognised === undefined) {
    return { strategy: "local", because: "no other environment was recognised" };
  }
  const { strategy, because } = recognised;
  if (trusted) return { strategy, because };
  return {
    strategy: "local",
    because:
      `${strategy} was recognised (${because}), but without a secret nobody of another machine can be let in: set ` +
      "FOUNDATION_SECRET to the same text on every machine",
  };
}

/**
 * The name, when it is one of a strategy.
 *
 * @throws {ERR_STRATEGY_UNAVAILABLE} otherwise
 */
export function parseStrategyName(name: string): StrategyName {
  const known = STRATEGY_NAMES.find((each) => each === name);
  if (known !== undefined) return known;
  throw discoveryErrors.ERR_STRATEGY_UNAVAILABLE(
    `There is no discovery strategy "${String(name).slice(0, 64)}". ` +
      `Choose one of ${STRATEGY_NAMES.join(", ")}, or pass a strategy of your own.`,
    { strategy: String(name), available: STRATEGY_NAMES },
  );
}

const AWS_VARIABLES = ["ECS_CONTAINER_METADATA_URI_V4", "AWS_EXECUTION_ENV"];
const GCP_VARIABLES = ["K_SERVICE", "GAE_SERVICE"];

function kubernetes(env: Environment, probes: EnvironmentProbes): DetectionEvidence {
  const host = value(env, "KUBERNETES_SERVICE_HOST");
  const strategy = "kubernetes";
  if (host === undefined) {
    return { strategy, found: false, because: "KUBERNETES_SERVICE_HOST is not set" };
  }
  const { hasServiceAccount: found } = probes;
  const account = found ? "and the pod has a service account" : "but there is no service account";
  return { strategy, found, because: `KUBERNETES_SERVICE_HOST is set ${account}` };
}

function first(
  env: Environment,
  strategy: DetectedStrategy,
  names: readonly string[],
): DetectionEvidence {
  const name = names.find((each) => value(env, each) !== undefined);
  if (name !== undefined) return { strategy, found: true, because: `${name} is set` };
  const because = `${names.join(" or ")} is not set`;
  return { strategy, found: false, because };
}

function cloud(
  env: Environment,
  probes: EnvironmentProbes,
  strategy: DetectedStrategy,
  names: readonly string[],
  machine: RegExp,
): DetectionEvidence {
  if (machine.test(probes.machine)) {
    return { strategy, found: true, because: `the machine calls itself ${probes.machine}` };
  }
  return first(env, strategy, names);
}

/** An empty variable counts as not set: container tools cannot leave one out. */
function value(env: Environment, name: string): string | undefined {
  const text = env[name]?.trim();
  return text === undefined || text === "" ? undefined : text;
}
