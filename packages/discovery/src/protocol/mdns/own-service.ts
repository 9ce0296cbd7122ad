/** OwnService: the records that announce this node on each path. Pure. */
import { mdnsLimits } from "./limits.js";
import { SERVICE, SERVICES, type MdnsRecord } from "./records.js";

/** What this node announces, and where. */
export interface ServiceDescription {
  /** Names the instance and its host; changed by a conflict. */
  readonly label: string;
  readonly port: number;
  /** Proof of the secret for this label; undefined without a secret: then nothing is announced. */
  readonly tag: string | undefined;
  readonly draining: boolean;
}

/** The records of one path, by what they are. */
export interface ServiceRecords {
  readonly types: MdnsRecord;
  readonly pointer: MdnsRecord;
  readonly service: MdnsRecord;
  readonly text: MdnsRecord;
  /** Absent where the node is reached by a name that others resolve. */
  readonly address?: MdnsRecord;
}

export function instanceName(label: string): string {
  return `${label}.${SERVICE}`;
}

/** The name of the host of an instance that has no other. */
export function hostName(label: string): string {
  return `foundation-${label}.local`;
}

/** @param host an address or a name, what others dial over the path */
export function recordsFor(own: ServiceDescription, host: string): ServiceRecords {
  const { label, port, tag = "", draining } = own;
  const name = instanceName(label);
  const { ttlS } = mdnsLimits;
  const unique = { ttlS, flush: true };
  const isAddress = /^[\d.]+$/.test(host) || host.includes(":");
  const target = isAddress ? hostName(label) : host;
  const texts = ["v=1", `tag=${tag}`, ...(draining ? ["draining=1"] : [])];
  return {
    types: { type: "PTR", name: SERVICES, target: SERVICE, ttlS, flush: false },
    pointer: { type: "PTR", name: SERVICE, target: name, ttlS, flush: false },
    service: { type: "SRV", name, target, port, ...unique },
    text: { type: "TXT", name, texts, ...unique },
    ...(isAddress && {
      address: { type: host.includes(":") ? "AAAA" : "A", name: target, address: host, ...unique },
    }),
  };
}

/** What the TXT record of an instance says. */
export interface ServiceText {
  readonly tag: string | undefined;
  readonly draining: boolean;
}

/** Keys are compared without regard to case, the first of equal ones counts (RFC 6763 §6.4). */
export function readText(texts: readonly string[]): ServiceText {
  const valueOf = (key: string) =>
    texts.find((text) => text.toLowerCase().startsWith(`${key}=`))?.slice(key.length + 1);
  const isKnown = valueOf("v") === "1";
  return { tag: isKnown ? valueOf("tag") : undefined, draining: valueOf("draining") === "1" };
}
