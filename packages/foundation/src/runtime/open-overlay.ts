/** openOverlay: the overlay as the configuration wants it, with the secrets it accepts. */
import { hostname } from "node:os";
import { createKeyRing, loadIdentity, type KeyRing, type Runtime } from "@foundation/core";
import { userSecret } from "@foundation/discovery";
import {
  createOverlay,
  type ChannelOptions,
  type Overlay,
  type OverlayOptions,
} from "@foundation/overlay";
import type { LoadedConfig } from "../config/load-config.js";
import { placeLabels } from "../consensus/placing.js";

/** The overlay of a configuration, listening. */
export async function openOverlay(
  config: LoadedConfig,
  ring: KeyRing | undefined,
  runtime: Runtime,
): Promise<Overlay> {
  const { values, tls } = config;
  const { roles, labels, name = defaultNodeName(values.name) } = values.node;
  return createOverlay({
    cluster: values.name,
    ...(ring && { secret: ring }),
    ...(tls && { tls }),
    identity: { ...(await loadIdentity(runtime)), name },
    ...overlaySettings(values.overlay),
    roles,
    labels: { ...labels, ...placeLabels(values, name) },
    runtime,
  });
}

/** What is not set is left to the overlay: its defaults depend on where it listens. */
function overlaySettings({ channels, ...overlay }: OverlayConfig): OverlaySettings {
  const set = Object.entries(overlay).filter(([, value]) => value !== undefined);
  // A name without options exists anyway, and may still be given some when it is opened.
  const tuned = channels.filter((each) => typeof each === "object" && Object.keys(each).length > 1);
  return { ...(Object.fromEntries(set) as OverlaySettings), channels: tuned as ChannelOptions[] };
}

type OverlayConfig = LoadedConfig["values"]["overlay"];
type OverlaySettings = Pick<OverlayOptions, "host" | "port" | "channels">;

/**
 * The secrets that a running node accepts, to be changed by `reconfigure`. Whoever brings an authentication of its own needs no secret, and the user's is not touched for it.
 */
export async function keyRingOf(
  { values: { security }, tls }: LoadedConfig,
  { authentication }: Runtime,
): Promise<KeyRing | undefined> {
  if (security.secret !== undefined) return createKeyRing(security.secret);
  if (authentication !== undefined) return undefined;
  // Certificates are the proof; the secret of one machine's user would keep the other machines out.
  if (typeof tls === "object") return undefined;
  return createKeyRing(await userSecret());
}

/** `app-host-pid`: for people. The application's name is the cluster's without scope and hash. */
function defaultNodeName(cluster: string): string {
  const app = cluster.replace(/^@[^/]*\//, "").replace(/-[0-9a-f]{8}$/, "");
  return `${app}-${hostname()}-${process.pid}`;
}
