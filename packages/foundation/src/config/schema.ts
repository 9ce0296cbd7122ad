/**
 * The one schema of the configuration: what may be said, in any layer, about a node and its cluster.
 *
 * Unknown options are errors here, not silence: a misspelt `topologgy` that does nothing is an outage in waiting.
 * Durations are checked where they are written, so that an error names the path and the layer.
 */
import {
  parseDuration,
  type DiscoveryStrategy,
  type Duration,
  type Placement,
} from "@foundation/core";
import { STRATEGY_NAMES } from "@foundation/discovery";
import * as v from "valibot";
import { limits } from "../limits.js";
import { channelsSchema } from "./channel-schema.js";

const duration = v.custom<Duration>(
  isDuration,
  'a duration such as "5s", "250ms" or a number of milliseconds',
);
const name = v.pipe(
  v.string(),
  v.regex(/^[A-Za-z0-9][A-Za-z0-9@/._-]{0,127}$/, "1 to 128 letters, digits or @/._-"),
);
const port = v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(65_535));

export const profiles = ["development", "production", "enterprise"] as const;
export const presets = ["local", "lan", "wan"] as const;
export const topologies = ["auto", "full-mesh", "hyparview", "client-server"] as const;

const advertised = "a host or host:port that peers can dial, without ws:// or a path";
const secretText = v.pipe(v.string(), v.minLength(16, "a secret of at least 16 characters"));
const ring = `a list of 1 to ${limits.secretsMax} different secrets, the first of which is proved`;
const secret = v.union(
  [
    secretText,
    v.pipe(
      v.array(secretText),
      v.minLength(1, ring),
      v.maxLength(limits.secretsMax, ring),
      v.check((secrets) => new Set(secrets).size === secrets.length, ring),
    ),
  ],
  "a secret of at least 16 characters, or a list of such",
);
const pem = v.pipe(v.string(), v.minLength(1, "a text in PEM, or the path of such a file"));
/** What stands in the wrong place of a certificate may be the key. */
const secretPem = v.pipe(pem, v.metadata({ secret: true }));

export const configSchema = v.strictObject({
  profile: v.picklist(profiles),
  name: v.optional(name),
  cluster: v.optional(
    v.union(
      [v.picklist(STRATEGY_NAMES), v.custom<DiscoveryStrategy>(isStrategy)],
      `one of ${STRATEGY_NAMES.join(", ")}, or a strategy such as dns({ query: "app.internal" }); the cluster's name is the option name`,
    ),
  ),
  peers: v.optional(v.array(v.string())),
  dataDir: v.optional(v.string()),
  node: v.strictObject({
    name: v.optional(name),
    roles: v.array(v.string()),
    labels: v.record(v.string(), v.string()),
  }),
  overlay: v.strictObject({
    host: v.string(),
    port,
    advertise: v.optional(v.pipe(v.string(), v.regex(/^[^\s/@?#]{1,255}$/, advertised))),
    preset: v.optional(v.picklist(presets)),
    topology: v.optional(v.picklist(topologies)),
    channels: channelsSchema,
    compression: v.boolean(),
  }),
  processes: v.strictObject({
    supervisor: v.strictObject({
      maxRestarts: v.pipe(v.number(), v.integer(), v.minValue(0)),
      within: duration,
    }),
    placement: v.optional(
      v.custom<Placement>(isPlacement, "a placement, such as hashRing({ virtualNodes: 128 })"),
    ),
    leaseTtl: v.optional(duration),
    expect: v.optional(
      v.union(
        [v.pipe(v.number(), v.integer(), v.minValue(1)), v.pipe(v.array(name), v.minLength(1))],
        "how many nodes the cluster has, or their names",
      ),
    ),
    rebalance: v.optional(
      v.union(
        [
          v.literal("off"),
          v.strictObject({
            on: v.literal("join"),
            after: v.optional(duration),
            maxMoves: v.optional(v.pipe(v.number(), v.integer(), v.minValue(0))),
            rate: v.optional(v.pipe(v.number(), v.minValue(0.1), v.maxValue(1_000))),
            tolerance: v.optional(v.pipe(v.number(), v.minValue(0), v.maxValue(1))),
          }),
        ],
        '"off" or { on: "join", after, rate, maxMoves, tolerance }',
      ),
    ),
  }),
  consensus: v.optional(
    v.strictObject({
      voters: v.optional(
        v.union(
          [
            v.literal("operator"),
            v.pipe(
              v.array(name),
              v.minLength(1, "names of the first voters, three or five of them"),
              v.check((names) => new Set(names).size === names.length, "each name once"),
            ),
          ],
          '"operator", or a list of names: the first voters, three or five of them',
        ),
      ),
      candidate: v.optional(v.boolean()),
      keep: v.optional(
        v.strictObject({
          voters: v.optional(v.picklist([1, 3, 5, 7])),
          replaceAfter: v.optional(duration),
          zoneLabel: v.optional(v.string()),
        }),
      ),
      dataDir: v.optional(v.string()),
    }),
  ),
  security: v.strictObject({
    secret: v.optional(
      v.pipe(secret, v.metadata({ secret: true, fix: "Make one with `openssl rand -base64 32`." })),
    ),
    tls: v.optional(
      v.union(
        [
          v.picklist(["psk", "off"]),
          v.strictObject({ cert: secretPem, key: secretPem, ca: secretPem }),
        ],
        '"psk", "off" or { cert, key, ca }',
      ),
    ),
    insecure: v.optional(v.literal("i-know", '"i-know", or nothing')),
  }),
  log: v.strictObject({ level: v.picklist(["debug", "info", "warn", "error", "silent"]) }),
  shutdown: v.strictObject({ timeout: duration }),
  signals: v.boolean(),
});

/** The configuration as it is in force. */
export type ResolvedConfig = v.InferOutput<typeof configSchema>;

function isDuration(value: unknown): boolean {
  try {
    parseDuration(value as Duration, "duration");
    return true;
  } catch {
    return false;
  }
}

function isStrategy(value: unknown): boolean {
  const candidate = value as Partial<DiscoveryStrategy> | null;
  return typeof candidate === "object" && typeof candidate?.discover === "function";
}

function isPlacement(value: unknown): boolean {
  const candidate = value as Partial<Placement> | null;
  return typeof candidate === "object" && typeof candidate?.place === "function";
}
