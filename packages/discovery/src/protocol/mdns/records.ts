/**
 * Records: the few kinds of DNS records that discovery needs (RFC 1035, 2782, 6763), as plain data, and their order.
 *
 * Names compare without regard to case (RFC 6762 §16). The order of records is that of §8.2: by type, then by the
 * bytes of their data, so that two who probe for one name agree who has lost.
 */
export type MdnsRecord = MdnsRecordHead &
  (
    | { readonly type: "PTR"; readonly target: string }
    | { readonly type: "SRV"; readonly target: string; readonly port: number }
    | { readonly type: "TXT"; readonly texts: readonly string[] }
    | { readonly type: "A" | "AAAA"; readonly address: string }
  );

interface MdnsRecordHead {
  readonly name: string;
  /** Seconds; 0 says goodbye. */
  readonly ttlS: number;
  /** The sender has all records of this name and type in this packet; older ones are void. */
  readonly flush: boolean;
}

export type MdnsRecordType = MdnsRecord["type"];

export interface MdnsQuestion {
  readonly name: string;
  readonly type: MdnsRecordType | "ANY" | "OTHER";
}

export interface MdnsPacket {
  readonly type: "query" | "response";
  /** More known answers follow in another packet. */
  readonly truncated: boolean;
  readonly questions: readonly MdnsQuestion[];
  readonly answers: readonly MdnsRecord[];
  /** Of a probe: the records it wants to use. */
  readonly authorities: readonly MdnsRecord[];
  readonly additionals: readonly MdnsRecord[];
}

/** The service under which nodes announce themselves, whatever their cluster. */
export const SERVICE = "_foundation._tcp.local";
/** Where all services are listed (RFC 6763 §9). */
export const SERVICES = "_services._dns-sd._udp.local";

const NUMBERS: Readonly<Record<MdnsRecordType, number>> = {
  A: 1,
  PTR: 12,
  TXT: 16,
  AAAA: 28,
  SRV: 33,
};

/** A packet with nothing but what is given. */
export function packetOf(
  type: MdnsPacket["type"],
  parts: Partial<Omit<MdnsPacket, "type">>,
): MdnsPacket {
  const empty = { truncated: false, questions: [], answers: [], authorities: [], additionals: [] };
  return { ...empty, ...parts, type };
}

/** True for one name in two spellings. */
export function isSameName(a: string, b: string): boolean {
  return a.toLowerCase() === b.toLowerCase();
}

/**
 * True for a name that can be said again as it was heard. Anybody writes anything on a network: a label that is no text is
 * longer in UTF-8 than it came, and would make a packet of ours one that nobody can read. Ours are of ASCII.
 */
export function isPlainName(name: string): boolean {
  return name.length <= NAME_CHARS_MAX && name.split(".").every((label) => LABEL.test(label));
}

/** RFC 1035 §2.3.4. */
const NAME_CHARS_MAX = 253;
const LABEL = /^[\x20-\x7e]{1,63}$/;

/** Equal for records with the same name, type and data, whatever their life. */
export function recordKey(record: MdnsRecord): string {
  return `${record.type} ${record.name.toLowerCase()} ${dataText(record)}`;
}

function dataText(record: MdnsRecord): string {
  switch (record.type) {
    case "PTR":
      return record.target.toLowerCase();
    case "SRV":
      return `${record.target.toLowerCase()} ${record.port}`;
    case "TXT":
      return JSON.stringify(record.texts);
    case "A":
    case "AAAA":
      return addressBytes(record.address).join(".");
    default:
      return record satisfies never;
  }
}

/** Below zero when `a` comes before `b`, 0 when both are the same. */
export function compareRecordSets(a: readonly MdnsRecord[], b: readonly MdnsRecord[]): number {
  const [mine, theirs] = [a, b].map((records) => records.map(comparable).sort(compareBytes));
  for (let i = 0; i < Math.max(a.length, b.length); i += 1) {
    const [left, right] = [mine?.[i], theirs?.[i]];
    if (left === undefined) return -1;
    if (right === undefined) return 1;
    const order = compareBytes(left, right);
    if (order !== 0) return order;
  }
  return 0;
}

function comparable(record: MdnsRecord): readonly number[] {
  return [NUMBERS[record.type], ...dataBytes(record)];
}

function compareBytes(a: readonly number[], b: readonly number[]): number {
  for (let i = 0; i < Math.min(a.length, b.length); i += 1) {
    const order = (a[i] ?? 0) - (b[i] ?? 0);
    if (order !== 0) return order;
  }
  return a.length - b.length;
}

/** The data as it goes over the wire, names not compressed. */
function dataBytes(record: MdnsRecord): readonly number[] {
  switch (record.type) {
    case "PTR":
      return nameBytes(record.target);
    case "SRV":
      return [0, 0, 0, 0, record.port >> 8, record.port & 255, ...nameBytes(record.target)];
    case "TXT":
      return record.texts.flatMap(counted);
    case "A":
    case "AAAA":
      return addressBytes(record.address);
    default:
      return record satisfies never;
  }
}

function nameBytes(name: string): readonly number[] {
  return [...name.split(".").flatMap(counted), 0];
}

function counted(text: string): readonly number[] {
  const bytes = [...new TextEncoder().encode(text)];
  return [bytes.length, ...bytes];
}

/** The 4 or 16 bytes of an address; none where it is not one. */
function addressBytes(address: string): readonly number[] {
  if (!address.includes(":")) return address.split(".").map(Number);
  const [head = "", tail] = address.split("::");
  const groups = (text: string) => (text === "" ? [] : text.split(":"));
  const [before, after] = [groups(head), groups(tail ?? "")];
  const zeros = tail === undefined ? 0 : 8 - before.length - after.length;
  const all = [...before, ...Array<string>(Math.max(0, zeros)).fill("0"), ...after];
  return all.flatMap((group) => {
    const word = Number.parseInt(group, 16);
    return [word >> 8, word & 255];
  });
}
