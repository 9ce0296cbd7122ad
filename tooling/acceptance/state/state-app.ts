/**
 * StateApp: an application that has one state of each type open, and what a workload does with it.
 *
 * Every write is an id of the book, so that what is shown in the end can be traced to who wrote it.
 */
import { isFoundationError, type NodeId } from "@foundation/core";
import type { Random } from "@foundation/core/ports";
import { startCluster } from "@foundation/foundation";
import type { NodeContext } from "@foundation/foundation/testing";
import type { StateBook } from "./state-book.js";

const KEYS = ["a", "b", "c", "d"] as const;

export type StateApp = Awaited<ReturnType<typeof stateApp>>;

/** Small, so that every transfer is cut into parts, pulls and rounds. */
const limits = {
  deltaEntriesMax: 3,
  deltaBytesAim: 200,
  flushBytesAim: 400,
  pullBytesAim: 300,
  vectorStrandsMax: 3,
  gapsMax: 4,
  bitmapsMax: 1,
  runsMax: 4,
};

/** What runs on each node at each start. */
export async function stateApp({ name, boot, options }: NodeContext) {
  const cluster = await startCluster(options);
  const { state } = cluster;
  return {
    cluster,
    /** Names this start. */
    start: `${name}#${boot}`,
    map: await state.map<string>("map", { limits }),
    brief: await state.map<string>("brief", { limits }),
    set: await state.set<string>("set", { limits }),
    disk: await state.set<string>("disk", { persist: true, limits }),
    counter: await state.counter("counter", { limits }),
    grow: await state.growCounter("grow", { limits }),
    stock: await state.boundedCounter("stock", { limits }),
    flag: await state.flag("flag", { limits }),
    veto: await state.flag("veto", { wins: "disable", limits }),
    register: await state.register<string>("register", { limits }),
    values: await state.multiRegister<string>("values", { limits }),
    nested: await state.nested("nested", { limits }),
  };
}

/** One action of a start. */
export function act(app: StateApp, random: Random, book: StateBook): void {
  const by = app.start;
  const key = KEYS[Math.floor(random.next() * KEYS.length)] ?? "a";
  const isWrite = random.next() < 0.6;
  switch (Math.floor(random.next() * 9)) {
    case 0:
      return onMap(app, key, isWrite, book);
    case 1:
      return isWrite ? app.set.add(book.write("set", by)) : drop(app.set, app, random, book);
    case 2:
      return onDisk(app, isWrite, random, book);
    case 3:
      return count(app, random, book);
    case 4:
      return onStock(app, random);
    case 5:
      return onFlags(app, isWrite, random);
    case 6:
      return onRegisters(app, book);
    case 7:
      return onNested(app, key, isWrite, book);
    default:
      app.brief.set(book.write("brief", by), "for a moment", { ttl: 1 + random.next() * 5_000 });
  }
}

/** All that a start shows, as text: equal on all nodes in the end. */
export function viewOf(app: StateApp): string {
  const { map, set, disk, counter, grow, stock, flag, veto, register, values, nested } = app;
  const paths = nested.fields().flatMap((field) => nested.fields(field));
  return JSON.stringify({
    map: [...map.entries()].sort(),
    set: [...set.values()].sort(),
    disk: [...disk.values()].sort(),
    counts: [counter.value, grow.value, stock.value],
    flags: [flag.enabled, veto.enabled],
    register: register.value,
    values: values.values,
    nested: paths.sort(),
  });
}

/** What is not as the book has it, of what all nodes show alike. */
export function judge(app: StateApp, book: StateBook, up: ReadonlySet<string>): readonly string[] {
  const { map, set, disk, counter, grow, stock, register, values, nested, brief } = app;
  const wrong = [
    ...KEYS.flatMap((key) => book.judgeOne(`map/${key}`, map.get(key), up)),
    ...book.judge("set", set.values(), up),
    ...book.judge("disk", disk.values(), up),
    ...book.judgeCount("counter", counter.value, up),
    ...book.judgeCount("grow", grow.value, up),
    ...book.judgeOne("register", register.value, up),
    ...book.judge("values", values.values, up),
    ...KEYS.flatMap((key) => book.judge(`nested/${key}`, nested.fields(key), up)),
  ];
  if (stock.value < 0) wrong.push(`the bounded counter is ${stock.value}`);
  if (brief.size > 0) wrong.push(`${brief.size} entries outlived their time`);
  return wrong;
}

function onMap({ map, start }: StateApp, key: string, isWrite: boolean, book: StateBook): void {
  const seen = map.get(key);
  if (seen !== undefined) book.removed([seen], start);
  if (isWrite) map.set(key, book.write(`map/${key}`, start));
  else {
    map.delete(key);
    book.emptied(`map/${key}`);
  }
}

function onDisk(app: StateApp, isWrite: boolean, random: Random, book: StateBook): void {
  if (!isWrite) return drop(app.disk, app, random, book);
  const id = book.write("disk", app.start);
  app.disk.add(id);
  void app.disk.persisted().then(
    () => book.durable(id),
    // A full disk is told here, and the write is not acknowledged.
    () => undefined,
  );
}

function drop(set: StateApp["set"], { start }: StateApp, random: Random, book: StateBook): void {
  const members = [...set.values()];
  const member = members[Math.floor(random.next() * members.length)];
  if (member === undefined) return;
  set.delete(member);
  book.removed([member], start);
}

function count({ counter, grow, start }: StateApp, random: Random, book: StateBook): void {
  const by = 1 + Math.floor(random.next() * 5);
  const isDown = random.next() < 0.5;
  if (isDown) counter.decrement(by);
  else counter.increment(by);
  book.counted("counter", start, isDown ? -by : by);
  grow.increment(by);
  book.counted("grow", start, by);
}

/** Takes and hands over all it may, so that a right that counts twice ends below zero. */
function onStock({ stock, cluster }: StateApp, random: Random): void {
  const action = random.next();
  if (action < 0.35) return stock.increment(1 + Math.floor(random.next() * 3));
  const others = cluster.nodes().filter(({ id }) => id !== cluster.self.id);
  const to: NodeId | undefined = others[Math.floor(random.next() * others.length)]?.id;
  const all = Math.max(1, stock.rights);
  try {
    if (action < 0.7 || to === undefined) stock.decrement(all);
    else stock.transfer(all, to);
  } catch (error) {
    // What the type promises: it refuses, and nothing was written.
    const isRefusal = ["ERR_RIGHTS_EXHAUSTED", "ERR_INVALID_ARGUMENT"].some((code) =>
      isFoundationError(error, code),
    );
    if (!isRefusal) throw error;
  }
}

function onFlags({ flag, veto }: StateApp, isOn: boolean, random: Random): void {
  const each = random.next() < 0.5 ? flag : veto;
  if (isOn) each.enable();
  else each.disable();
}

function onRegisters({ register, values, start }: StateApp, book: StateBook): void {
  if (register.value !== undefined) book.removed([register.value], start);
  register.set(book.write("register", start));
  book.removed(values.values, start);
  values.set(book.write("values", start));
}

function onNested(
  { nested, start }: StateApp,
  key: string,
  isWrite: boolean,
  book: StateBook,
): void {
  if (isWrite) {
    const id = book.write(`nested/${key}`, start);
    nested.register<string>(key, id).set(id);
  } else {
    book.removed(nested.fields(key), start);
    nested.delete(key);
  }
}
