/** The live picture: a table of the nodes and, under it, what happened, line by line. Pure: text out. */
import { runs, type NodeView } from "./conductor.js";

const columns = [
  "node",
  "pid",
  "state",
  "sees",
  "orders",
  "calls ok",
  "unknown",
  "refused",
  "heard",
];
const rightAligned = new Set(["pid", "sees", "calls ok", "unknown", "refused", "heard"]);

/** The nodes as a table; `host` is the one where the process lives. */
export function table(nodes: readonly NodeView[], host: NodeView | undefined): string {
  const rows = nodes.map((node) => [
    node.name,
    String(node.child.pid ?? ""),
    stateInWords[node.state],
    runs(node) && node.nodes > 0 ? `${node.nodes} nodes` : "",
    node === host ? "lives here" : "",
    String(node.ok),
    String(node.unknown),
    String(node.refused),
    String(node.received),
  ]);
  const widths = columns.map((title, i) =>
    Math.max(title.length, ...rows.map((row) => row[i]?.length ?? 0)),
  );
  const line = (cells: readonly string[]) =>
    cells
      .map((cell, i) => pad(cell, widths[i] ?? 0, rightAligned.has(columns[i] ?? "")))
      .join("  ");
  const rule = widths.map((width) => "─".repeat(width)).join("──");
  return [line(columns), rule, ...rows.map(line)].map((text) => text.trimEnd()).join("\n");
}

const stateInWords: Readonly<Record<NodeView["state"], string>> = {
  starting: "starting",
  up: "looking for peers",
  formed: "in the cluster",
  killed: "killed",
  left: "left",
  failed: "failed",
};

function pad(text: string, width: number, right: boolean): string {
  return right ? text.padStart(width) : text.padEnd(width);
}
