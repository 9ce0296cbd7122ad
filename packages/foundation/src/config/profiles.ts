/**
 * The built-in layers: defaults for everybody, then what a profile changes.
 *
 * A profile is a name for a set of defaults, not a mode: each value can still be overridden by any later layer.
 */
import type { ClusterConfig } from "./cluster-config.js";
import type { profiles } from "./schema.js";

export type Profile = (typeof profiles)[number];

export const defaults = {
  profile: "development",
  node: { roles: [], labels: {} },
  overlay: { host: "127.0.0.1", port: 0, channels: [], compression: false },
  processes: { supervisor: { maxRestarts: 3, within: "5s" } },
  security: {},
  log: { level: "warn" },
  shutdown: { timeout: "10s" },
  signals: true,
} satisfies ClusterConfig;

export const profileValues: Readonly<Record<Profile, ClusterConfig>> = {
  development: {},
  production: { log: { level: "info" }, shutdown: { timeout: "25s" } },
  enterprise: { log: { level: "info" }, shutdown: { timeout: "25s" } },
};
