/** One overlay in a process of its own, which sends numbers all the time and keeps books of what comes. */
import { silentLogger, type InboundMessage, type NodeId } from "@foundation/core";
import { createOverlay, type Overlay } from "@foundation/overlay";
import { systemMs } from "../processes/system-time.js";
import type { FromNode, NodeTask, Row, Told } from "./messages.js";
import { NumberRow } from "./number-row.js";

const MISSING_MAX = 10;
const SUBJECT = "switching.number";
/** The channel of each row of broadcasts, by its name. */
const BROADCASTS = ["best", "reliable", "newest"] as const;
const CHANNELS = [
  { name: "reliable", delivery: "reliable" },
  { name: "newest", monotonic: true },
] as const;

const tell = (message: FromNode): void => void process.send?.(message);
// Nobody is left to end this process.
process.on("disconnect", () => process.exit(0));

const { peers, isOrigin, everyMs } = JSON.parse(process.argv[2] ?? "{}") as NodeTask;
const sent = new Map<string, number>();
const rows = new Map<
  string,
  { readonly from: string; readonly row: Row; readonly book: NumberRow }
>();
const overlay = await createOverlay({
  cluster: "switching",
  secret: "the benchmark needs no secret secret",
  topology: "full-mesh",
  channels: CHANNELS,
  peers,
  runtime: { logger: silentLogger() },
});
listen(overlay);
let talking: NodeJS.Timeout | undefined;
process.on("message", (told: Told) => {
  if (told.type === "begin") talking ??= setInterval(talk, everyMs);
  else if (told.type === "switch") overlay.switchTopology(told.to);
  else if (told.type === "quiet") clearInterval(talking);
  else tellBooks(told.look);
});
tell({ type: "up", id: overlay.self.id, address: overlay.address });

function listen({ messenger, broadcast, membership, onTopology }: Overlay): void {
  messenger.handle(SUBJECT, (message) => note("message", message));
  for (const row of BROADCASTS)
    broadcast.handle(`${SUBJECT}.${row}`, (message) => note(row, message));
  membership.subscribe(({ type, node }) => {
    if (type === "node-down") tell({ type: "down", of: node.id });
  });
  onTopology.call(overlay, ({ to }) => tell({ type: "switched", to, atMs: systemMs() }));
}

function note(row: Row, { from, payload }: InboundMessage): void {
  const key = `${row} ${from}`;
  let known = rows.get(key);
  if (known === undefined) rows.set(key, (known = { from, row, book: new NumberRow() }));
  known.book.note(payload as number, systemMs());
}

function talk(): void {
  const others = overlay.membership.members().filter(({ id }) => id !== overlay.self.id);
  const to = others[Math.floor(Math.random() * others.length)]?.id;
  if (to !== undefined) send(to);
  if (!isOrigin) return;
  for (const row of BROADCASTS) {
    overlay.broadcast.publish(`${SUBJECT}.${row}`, nextOf(row), { channel: row });
  }
}

function send(to: NodeId): void {
  const number = (sent.get(to) ?? 0) + 1;
  const outcome = overlay.messenger.trySend({ to, channel: "reliable", subject: SUBJECT }, number);
  // What was refused was not sent.
  if (outcome === "accepted") sent.set(to, number);
}

function nextOf(row: string): number {
  const number = (sent.get(row) ?? 0) + 1;
  sent.set(row, number);
  return number;
}

function tellBooks(look: number): void {
  const heard = [...rows.values()].map(({ from, row, book }) => {
    const { distinct, last, doubled, disordered, longestGapMs } = book;
    const missing = book.missing.slice(0, MISSING_MAX);
    return { from, row, distinct, last, missing, doubled, disordered, longestGapMs };
  });
  const members = overlay.membership.members().length;
  tell({ type: "books", look, members, sent: Object.fromEntries(sent), heard });
}
