/** A durable log in memory, and what its tests put into it. */
import { createNodeId } from "@foundation/core";
import { memoryStorage, seededRandom, type MemoryStorage } from "@foundation/core/testing";
import { configurationOf } from "../../../src/protocol/raft/configuration.js";
import type { Entry, SnapshotMeta } from "../../../src/protocol/raft/entry.js";
import {
  openDurableLog,
  type DurableLog,
  type DurableLogOptions,
} from "../../../src/storage/durable-log.js";

export const ALICE = createNodeId(seededRandom("alice"));
export const BOB = createNodeId(seededRandom("bob"));
export const SEGMENT_1 = "raft/log-000000000001";
export const SEGMENT_2 = "raft/log-000000000002";

export function command(index: number, term = 1, text = `${index}/${term}`): Entry {
  return { type: "command", index, term, data: new TextEncoder().encode(text) };
}

export function commands(from: number, to: number, term = 1): Entry[] {
  return Array.from({ length: to - from + 1 }, (_, i) => command(from + i, term));
}

export function metaAt(index: number, term = 1): SnapshotMeta {
  return { id: `snapshot-${index}`, index, term, configuration: configurationOf([ALICE]) };
}

export function openAt(
  storage: MemoryStorage,
  options: Partial<DurableLogOptions> = {},
): Promise<DurableLog> {
  return openDurableLog({ storage, folder: "raft", group: "group-1", ...options });
}

/** A log of term 1 with entries up to `last`. */
export async function filled(
  last: number,
  limits: DurableLogOptions["limits"] = {},
): Promise<{ readonly storage: MemoryStorage; readonly log: DurableLog }> {
  const storage = memoryStorage();
  const log = await openAt(storage, { limits });
  await log.append({ hardState: { term: 1, vote: undefined, commit: 0 } });
  for (let index = 1; index <= last; index++) await log.append({ entries: [command(index)] });
  return { storage, log };
}

export async function snapshotAt(log: DurableLog, meta: SnapshotMeta, text: string): Promise<void> {
  const writer = log.createSnapshot();
  await writer.write(new TextEncoder().encode(text));
  await log.installSnapshot(writer, meta);
}

export async function textOf(log: DurableLog): Promise<string | undefined> {
  const reader = log.openSnapshot();
  if (!reader) return undefined;
  let text = "";
  while (text.length < reader.sizeBytes) {
    text += new TextDecoder().decode(await reader.read(text.length, 5));
  }
  await reader.close();
  return text;
}

/** Changes a file's bytes, as no log does. */
export async function change(
  storage: MemoryStorage,
  file: string,
  edit: (bytes: Buffer) => Uint8Array,
): Promise<void> {
  const bytes = Buffer.from((await storage.read(file)) ?? []);
  await storage.replace(file, new Uint8Array(edit(bytes)));
}

/** Where each record of a segment begins, and where the last one ends. */
export async function recordsOf(storage: MemoryStorage, file: string): Promise<number[]> {
  const bytes = Buffer.from((await storage.read(file)) ?? []);
  const places = [16 + bytes.readUInt32LE(12) + 4];
  for (let at = places[0] as number; at < bytes.length; ) {
    at += 20 + bytes.readUInt32LE(at + 4);
    places.push(at);
  }
  return places;
}
