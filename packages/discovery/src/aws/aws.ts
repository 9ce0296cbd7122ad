/**
 * aws: nodes find each other by the tags of their EC2 instances.
 *
 * It asks EC2's Query API (DescribeInstances) with requests signed here, with credentials from where AWS's own tools take
 * them. The implementation is loaded when it is used.
 */
import type {
  DiscoveryContext,
  DiscoveryStrategy,
  Duration,
  PeerSet,
  Secret,
} from "@foundation/core";
import { checkAws } from "./aws-options.js";

/** Credentials that do not change. */
export interface AwsStaticCredentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string | Secret;
  /** Of temporary credentials. */
  readonly sessionToken?: string | Secret;
}

/** Options of `aws`. */
export interface AwsOptions {
  /**
   * What an instance's tags must say: each key with its value, or one of several; values may hold `*` and `?`.
   * @default { "foundation-cluster": the cluster's name }
   */
  readonly tags?: Readonly<Record<string, string | readonly string[]>>;
  /** @default AWS_REGION, else AWS_DEFAULT_REGION, else the region of the instance this node runs on */
  readonly region?: string;
  /** EC2's endpoint. @default AWS_ENDPOINT_URL_EC2, else AWS's own for the region */
  readonly endpoint?: string;
  /** Which of an instance's addresses is dialled. @default "private" */
  readonly addressType?: "private" | "public" | "ipv6";
  /** The port nodes listen on. @default this node's own */
  readonly port?: number;
  /**
   * @default the environment, the shared file, a web identity (IRSA), the container's, the instance's: the first that has any
   */
  readonly credentials?: AwsStaticCredentials;
  /** The least time between two looks. @default "10s" */
  readonly interval?: Duration;
}

/**
 * Finds EC2 instances by their tags. The identity needs the one permission `ec2:DescribeInstances`.
 *
 * An instance that is stopping or shutting down is found as one that drains. A problem is reported and changes nothing:
 * `ERR_LOOKUP_REFUSED` names the IAM statement that is missing, `ERR_LOOKUP_FAILED` says what else is wrong.
 *
 * @throws {ERR_INVALID_ARGUMENT} for an option that is none
 *
 * @example
 * ```ts
 * import { aws } from "@foundation/discovery"
 *
 * const strategy = aws({ tags: { app: "shop", stage: ["prod", "canary"] }, region: "eu-central-1" })
 * console.log(strategy.name) // aws
 * ```
 */
export function aws(options: AwsOptions = {}): DiscoveryStrategy {
  checkAws(options);
  return { name: "aws", discover: (context) => discover(options, context) };
}

async function* discover(
  options: AwsOptions,
  context: DiscoveryContext,
): AsyncGenerator<PeerSet, void, undefined> {
  const { discoverAws } = await import("./discover-aws.js");
  yield* discoverAws(options, process.env, context);
}
