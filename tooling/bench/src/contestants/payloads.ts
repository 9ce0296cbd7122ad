/**
 * The payloads, the same for every contestant: objects of about 100 bytes and 10 KB as JSON text,
 * and 10 KB of bytes.
 */

export type PayloadKind = "small" | "objects" | "bytes";

const small = {
  id: 12_345_678,
  type: "order.created",
  user: "u-1002003",
  ts: 1_700_000_000_000,
  ok: true,
  total: 12.5,
};

const row = (i: number) => ({
  sku: `SKU-${100_000 + i}`,
  name: `Product number ${1_000 + i}`,
  qty: (i % 9) + 1,
  price: 9.99 + i,
  tags: ["alpha", "beta", "gamma"],
  active: i % 2 === 0,
  note: "lorem ipsum dolor sit amet",
});

const objects = {
  id: 12_345_678,
  type: "order.bulk",
  ts: 1_700_000_000_000,
  rows: Array.from({ length: 63 }, (_, i) => row(i)),
};

export const BYTES = 10_000;

/** A payload; bytes are new ones, filled with letters. */
export function payloadOf(kind: PayloadKind): unknown {
  if (kind === "bytes") return Buffer.alloc(BYTES, "x");
  return kind === "small" ? small : objects;
}
