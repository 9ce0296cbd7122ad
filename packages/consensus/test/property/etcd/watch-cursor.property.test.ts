/** However etcd cuts its answers and wherever the stream breaks: each revision once, whole, in order. */
import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import type { WatchBatch } from "../../../src/engine/engine.js";
import { Keyspace } from "../../../src/etcd/keyspace.js";
import type { EtcdEvent, EtcdWatchResponse } from "../../../src/etcd/messages.js";
import { WatchCursor } from "../../../src/etcd/watch-cursor.js";

const keys = new Keyspace("ns/");

function eventOf(revision: number, index: number): EtcdEvent {
  return {
    type: index % 3 === 2 ? 1 : 0,
    kv: {
      key: Buffer.from(`ns/k${index}`),
      value: Buffer.of(index),
      create_revision: "1",
      mod_revision: String(revision),
      version: "1",
      lease: "0",
    },
    prev_kv: null,
  };
}

function answer(
  events: readonly EtcdEvent[],
  revision: number,
  fragment: boolean,
  created = false,
): EtcdWatchResponse {
  return {
    header: { cluster_id: "1", revision: String(revision) },
    created,
    canceled: false,
    compact_revision: "0",
    cancel_reason: "",
    fragment,
    events,
  };
}

/** The history: how many changes each revision has in the range; none is a revision elsewhere. */
const histories = fc.array(fc.nat({ max: 4 }), { minLength: 1, maxLength: 30 });

describe("the cursor of a watch", () => {
  test("gives every revision of its range once, whole and in order", () => {
    fc.assert(
      fc.property(
        histories,
        fc.nat({ max: 5 }),
        fc.infiniteStream(fc.nat({ max: 99 })),
        (sizes, skip, chance) => {
          const draw = () => chance.next().value as number;
          const cursor = new WatchCursor(1 + skip, keys);
          const given: WatchBatch[] = [];
          const newest = sizes.length;
          // Streams until one has come to the end.
          for (let isBroken = true; isBroken; ) {
            isBroken = false;
            cursor.restart();
            // What etcd sends from there, in answers of whole revisions, each cut into pieces.
            let revision = cursor.next;
            given.push(...cursor.take(answer([], newest, false, true)));
            while (revision <= newest && !isBroken) {
              const upTo = Math.min(newest, revision + (draw() % 4));
              const events: EtcdEvent[] = [];
              for (let each = revision; each <= upTo; each += 1) {
                for (let i = 0; i < (sizes[each - 1] ?? 0); i += 1) events.push(eventOf(each, i));
              }
              revision = upTo + 1;
              if (events.length === 0) {
                if (draw() % 2 === 0) given.push(...cursor.take(answer([], upTo, false)));
                continue;
              }
              while (events.length > 0 && !isBroken) {
                const piece = events.splice(0, 1 + (draw() % 5));
                given.push(...cursor.take(answer(piece, newest, events.length > 0)));
                isBroken = draw() < 5;
              }
            }
          }
          const wanted = sizes.flatMap((size, i) => (size > 0 && i >= skip ? [[i + 1, size]] : []));
          expect(given.map(({ revision, changes }) => [revision, changes.length])).toEqual(wanted);
          expect(cursor.next).toBeGreaterThan(wanted.at(-1)?.[0] ?? 0);
        },
      ),
      { numRuns: 300 },
    );
  });

  test("an answer without events moves it on, the one to a creation does not", () => {
    const cursor = new WatchCursor(5, keys);
    cursor.take(answer([], 90, false, true));
    expect(cursor.next).toBe(5);
    cursor.take(answer([], 90, false));
    expect(cursor.next).toBe(91);
    cursor.take(answer([], 40, false));
    expect(cursor.next).toBe(91);
  });

  test("a change is told with its key, its value and what it replaced", () => {
    const cursor = new WatchCursor(5, keys);
    const put = { ...eventOf(5, 1), prev_kv: eventOf(3, 1).kv };
    const [batch] = cursor.take(answer([put, eventOf(5, 2)], 5, false));
    expect(batch).toMatchObject({
      revision: 5,
      changes: [
        { type: "put", pair: { key: "k1", modRevision: 5 }, previous: { modRevision: 3 } },
        { type: "delete", key: "k2", revision: 5 },
      ],
    });
  });
});
