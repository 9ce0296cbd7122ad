/** The environment variables, and the option each one sets. */
import type { EnvironmentMapping } from "@foundation/core";

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
  FOUNDATION_SECRET: { path: "security.secret", type: "secret" },
  FOUNDATION_LOG_LEVEL: "log.level",
  FOUNDATION_SHUTDOWN_TIMEOUT: { path: "shutdown.timeout", type: "duration" },
} as const satisfies EnvironmentMapping;
