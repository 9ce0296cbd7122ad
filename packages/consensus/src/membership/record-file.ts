/**
 * RecordFile: the membership record of one group on a node's disk, and where the group's log stands.
 *
 * It is replaced as a whole, so a crash leaves the old or the new one. It stands outside of the log's folder: a
 * log that was removed is noticed.
 */
import { isStorageName } from "@foundation/core";
import type { Storage } from "@foundation/core/ports";
import { seal, unseal } from "../storage/sealed-document.js";
import { damaged } from "../storage/log-errors.js";
import { RECORD_BYTES_MAX } from "./limits.js";
import { invalid } from "./membership-errors.js";
import { parseMembershipRecord, type MembershipRecord } from "./protocol/membership-record.js";

const MAGIC = "FNDRAFTM";

/** Where the record of the group stands. */
export function recordFile(name: string): string {
  return `groups/${name}`;
}

/** The folder of the log of the group with this random id. */
export function logFolder(group: string): string {
  return `raft/${group}`;
}

/** @throws {ERR_INVALID_ARGUMENT} when the name cannot be part of a file's. */
export function checkedName(name: string): string {
  const isSound = isStorageName(name) && !name.includes("/") && name.length <= 64;
  if (isSound) return name;
  throw invalid("name", "1 to 64 of [a-z0-9._-]", `"${name}"`);
}

/**
 * What the disk holds; undefined: it belongs to no group of that name.
 * @throws {ERR_LOG_DAMAGED} when it is not whole. @throws {ERR_LOG_FORMAT} when a newer version wrote it.
 * @throws {ERR_STORAGE}
 */
export async function readRecord(
  storage: Storage,
  name: string,
): Promise<MembershipRecord | undefined> {
  const file = recordFile(name);
  const bytes = await storage.read(file);
  if (!bytes) return undefined;
  if (bytes.length > RECORD_BYTES_MAX) throw damaged(file, RECORD_BYTES_MAX, "it is too large");
  const { value } = unseal(bytes, MAGIC, name, file);
  const record = parseMembershipRecord(value["record"]);
  if (!record || record.name !== name)
    throw damaged(file, 0, "the record is none that this version writes");
  return record;
}

/** Durable when it resolves. @throws {ERR_STORAGE} */
export function writeRecord(storage: Storage, record: MembershipRecord): Promise<void> {
  const value = { group: record.name, record };
  return storage.replace(recordFile(record.name), seal(MAGIC, value));
}

/** True when there is anything of a log. @throws {ERR_STORAGE} */
export async function hasLog(storage: Storage, group: string): Promise<boolean> {
  return (await storage.list(`${logFolder(group)}/`)).length > 0;
}
