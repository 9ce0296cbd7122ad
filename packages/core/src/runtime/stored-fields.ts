/** StoredFields: what small files of one JSON object hold, damaged or not: its owner checks each field. */

/** None when it is not text, not JSON, or not an object. */
export function fieldsOf(bytes: Uint8Array): Readonly<Record<string, unknown>> {
  try {
    const text = new TextDecoder("utf-8", { fatal: true }).decode(bytes);
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null ? { ...value } : {};
  } catch {
    return {};
  }
}
