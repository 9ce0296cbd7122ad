/**
 * detect: which discovery strategy fits the environment, and the evidence for it.
 *
 * Order: Kubernetes, Consul, DNS, AWS, GCP, local, static. The first five are recognised, so that
 * nobody wonders, but are not part of this version: the evidence says so, and the choice falls to the
 * listed peers when `FOUNDATION_PEERS` is set and to `local` otherwise. An explicit list is a wish,
 * so it wins over `local` too. Pure: what was read of the world comes in as values.
 */
import { discoveryErrors } from "../errors.js";

/** The strategies of this version that a configuration can name. */
export const AVAILABLE_STRATEGIES = ["local", "static"] as const;

export type AvailableStrategy = (typeof AVAILABLE_STRATEGIES)[number];

/** Everything `detect` can recognise. */
export type RecognisedEnvironment =
  | AvailableStrategy
  | "kubernetes"
  | "consul"
  | "dns"
  | "aws"
  | "gcp";

/** What was looked at outside the environment variables; see `probeEnvironment`. */
export interface EnvironmentProbes {
  /** The service-account token of a pod is there. */
  readonly hasServiceAccount: boolean;
  /** What the machine's firmware calls its vendor and product; empty where unreadable. */
  readonly machine: string;
}

/** Why a strategy was or was not chosen. */
export interface DetectionEvidence {
  readonly strategy: RecognisedEnvironment;
  readonly found: boolean;
  readonly because: string;
}

export interface Detection {
  readonly strategy: AvailableStrategy;
  /** The reason of the choice, as one sentence for `explain()`. */
  readonly because: string;
  /** Every environment in the order of preference. */
  readonly evidence: readonly DetectionEvidence[];
}

type Environment = Readonly<Record<string, string | undefined>>;

/**
 * Decides.
 *
 * @example
 * ```ts
 * import { detect, probeEnvironment } from "@foundation/discovery"
 *
 * const { strategy, because } = detect(process.env, await probeEnvironment())
 * console.log(strategy, because)
 * ```
 */
export function detect(env: Environment, probes: EnvironmentProbes): Detection {
  const peers = value(env, "FOUNDATION_PEERS");
  const strategy: AvailableStrategy = peers === undefined ? "local" : "static";
  const elsewhere = [
    kubernetes(env, probes),
    first(env, "consul", ["CONSUL_HTTP_ADDR"]),
    first(env, "dns", ["FOUNDATION_DNS_SRV", "FOUNDATION_DNS_SERVICE"]),
    cloud(env, probes, "aws", AWS_VARIABLES, /amazon ec2/i),
    cloud(env, probes, "gcp", GCP_VARIABLES, /google compute engine/i),
  ];
  const recognised = elsewhere.find(({ found }) => found);
  const because = reasonOf(strategy, recognised?.strategy);
  const evidence = [
    ...elsewhere.map((each) => (each.found ? unavailable(each, strategy) : each)),
    strategy === "local"
      ? { strategy: "local" as const, found: true, because }
      : { strategy: "local" as const, found: false, because: "FOUNDATION_PEERS asks for a list" },
    strategy === "static"
      ? { strategy: "static" as const, found: true, because }
      : { strategy: "static" as const, found: false, because: "FOUNDATION_PEERS is not set" },
  ];
  return { strategy, because, evidence };
}

/**
 * The name, when it is one of a strategy of this version.
 *
 * @throws {ERR_STRATEGY_UNAVAILABLE} otherwise
 */
export function parseStrategyName(name: string): AvailableStrategy {
  const known = AVAILABLE_STRATEGIES.find((each) => each === name);
  if (known !== undefined) return known;
  const available = AVAILABLE_STRATEGIES.join(", ");
  throw discoveryErrors.ERR_STRATEGY_UNAVAILABLE(
    `The discovery strategy "${String(name).slice(0, 64)}" is not part of this version. ` +
      `Choose one of ${available}, or pass a strategy of your own.`,
    { strategy: String(name), available: AVAILABLE_STRATEGIES },
  );
}

const AWS_VARIABLES = ["ECS_CONTAINER_METADATA_URI_V4", "AWS_EXECUTION_ENV"];
const GCP_VARIABLES = ["K_SERVICE", "GAE_SERVICE"];

function reasonOf(strategy: AvailableStrategy, recognised: string | undefined): string {
  if (strategy === "static") return "FOUNDATION_PEERS lists the peers";
  if (recognised === undefined) return "no other environment was recognised";
  return `${recognised} was recognised, but only local and static are part of this version`;
}

/** Honest about what was seen and cannot be used yet. */
function unavailable(each: DetectionEvidence, instead: AvailableStrategy): DetectionEvidence {
  const hint = instead === "local" ? "; set FOUNDATION_PEERS to list the peers" : "";
  const what = `its strategy is not part of this version, so ${instead} is used${hint}`;
  return { ...each, because: `${each.because}; ${what}` };
}

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
  strategy: RecognisedEnvironment,
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
  strategy: RecognisedEnvironment,
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
