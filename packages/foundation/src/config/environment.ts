/** The environment variables, and the option each one sets. */
import {
  environmentLayer,
  type EnvironmentLayer,
  type EnvironmentMapping,
} from "@foundation/core/config";

export const environmentMapping = {
  FOUNDATION_PROFILE: "profile",
  FOUNDATION_NAME: "name",
  FOUNDATION_CLUSTER: "cluster",
  FOUNDATION_PEERS: { path: "peers", type: "list" },
  FOUNDATION_DATA_DIR: "dataDir",
  FOUNDATION_NODE_NAME: "node.name",
  FOUNDATION_ROLES: { path: "node.roles", type: "list" },
  FOUNDATION_HOST: "overlay.host",
  FOUNDATION_PORT: { path: "overlay.port", type: "number" },
  FOUNDATION_ADVERTISE: "overlay.advertise",
  FOUNDATION_PRESET: "overlay.preset",
  FOUNDATION_TOPOLOGY: "overlay.topology",
  FOUNDATION_COMPRESSION: { path: "overlay.compression", type: "boolean" },
  FOUNDATION_VOTERS: { path: "consensus.voters", type: "list" },
  FOUNDATION_CANDIDATE: { path: "consensus.candidate", type: "boolean" },
  FOUNDATION_SECRET: { path: "security.secret", type: "secret" },
  FOUNDATION_TLS: "security.tls",
  FOUNDATION_TLS_CERT: { path: "security.tls.cert", type: "secret" },
  FOUNDATION_TLS_KEY: { path: "security.tls.key", type: "secret" },
  FOUNDATION_TLS_CA: { path: "security.tls.ca", type: "secret" },
  FOUNDATION_INSECURE: "security.insecure",
  FOUNDATION_LOG_LEVEL: "log.level",
  FOUNDATION_SHUTDOWN_TIMEOUT: { path: "shutdown.timeout", type: "duration" },
} as const satisfies EnvironmentMapping;

/** The layer of the environment. FOUNDATION_SECRET may be a key ring, one secret a line: a comma may be part of a secret. */
export function ownEnvironmentLayer(
  env: Readonly<Record<string, string | undefined>>,
): EnvironmentLayer {
  const layer = environmentLayer(env, environmentMapping);
  const security = layer.values["security"] as Readonly<Record<string, unknown>> | undefined;
  const text = security?.["secret"];
  if (typeof text !== "string" || !text.includes("\n")) return layer;
  const secret = text
    .split("\n")
    .map((line) => line.trim())
    .filter((line) => line !== "");
  return { ...layer, values: { ...layer.values, security: { ...security, secret } } };
}
