/**
 * The paths of Compute Engine's API that a look asks for.
 *
 * Pure. https://cloud.google.com/compute/docs/reference/rest/v1. `returnPartialSuccess`: one zone that cannot be reached
 * must not hide all others; the answer then says which are missing.
 */
import { discoveryLimits } from "../../limits.js";

/** Labels an instance must have. */
export type GcpLabels = Readonly<Record<string, string>>;

/** Where instances, or a group of them, are. */
export type GcpPlace =
  | { readonly type: "zone"; readonly zone: string }
  | { readonly type: "region"; readonly region: string };

/** The path of one page of instances: of a zone, or of all zones. */
export function instancesPath(
  project: string,
  zone: string | undefined,
  labels: GcpLabels,
  pageToken: string | undefined,
): string {
  const query = new URLSearchParams({
    maxResults: String(discoveryLimits.gcpPageSize),
    returnPartialSuccess: "true",
  });
  const filter = labelFilter(labels);
  if (filter !== "") query.set("filter", filter);
  if (pageToken !== undefined) query.set("pageToken", pageToken);
  const place = zone === undefined ? "aggregated" : `zones/${encodeURIComponent(zone)}`;
  return `/compute/v1/projects/${encodeURIComponent(project)}/${place}/instances?${query.toString()}`;
}

/** Compute Engine's filter: expressions in parentheses, all of which must hold. */
export function labelFilter(labels: GcpLabels): string {
  return Object.entries(labels)
    .map(([key, value]) => `(labels.${key} = "${value}")`)
    .join(" ");
}

/** Which of the two ways to list a group's members. */
export type GroupListing = "managed" | "unmanaged";

/** The path to list a group's members, by POST. */
export function groupPath(
  project: string,
  place: GcpPlace,
  group: string,
  listing: GroupListing,
  pageToken: string | undefined,
): string {
  const where =
    place.type === "zone"
      ? `zones/${encodeURIComponent(place.zone)}`
      : `regions/${encodeURIComponent(place.region)}`;
  const query = new URLSearchParams({ maxResults: String(discoveryLimits.gcpPageSize) });
  if (pageToken !== undefined) query.set("pageToken", pageToken);
  const [kind, verb] =
    listing === "managed"
      ? ["instanceGroupManagers", "listManagedInstances"]
      : ["instanceGroups", "listInstances"];
  const name = `${kind}/${encodeURIComponent(group)}/${verb}`;
  return `/compute/v1/projects/${encodeURIComponent(project)}/${where}/${name}?${query.toString()}`;
}

const LABEL_CHARS_MAX = 63;

/** A label's value made of a cluster's name: lower-case letters, digits, `-` and `_`. */
export function labelValue(cluster: string): string {
  return cluster
    .toLowerCase()
    .replace(/[^a-z0-9_-]+/g, "-")
    .slice(0, LABEL_CHARS_MAX);
}
