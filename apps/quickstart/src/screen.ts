/**
 * The screen: on a terminal the table stays at the bottom and is redrawn; elsewhere the steps are plain lines and the
 * table is printed once, at the end.
 */
import type { Conductor } from "./conductor.js";
import { table } from "./table.js";

export interface Screen {
  step(text: string): void;
  close(): void;
}

/** Redraws at most so often, in ms. */
const redrawMs = 100;

export function openScreen(conductor: Conductor, out: NodeJS.WriteStream): Screen {
  const startedAt = conductor.now();
  const live = out.isTTY;
  let drawnLines = 0;

  const erase = () => {
    if (drawnLines > 0) out.write(`\u001b[${drawnLines}A\u001b[0J`);
    drawnLines = 0;
  };
  const draw = () => {
    if (conductor.nodes.length === 0) return;
    const text = `\n${table(conductor.nodes, conductor.host())}\n`;
    out.write(text);
    drawnLines = text.split("\n").length - 1;
  };
  const redraw = () => {
    erase();
    draw();
  };
  const timer = live ? setInterval(redraw, redrawMs) : undefined;
  const print = (line: string) => {
    if (live) erase();
    out.write(`${line}\n`);
    if (live) draw();
  };
  conductor.onLog(print);

  return {
    step(text) {
      const seconds = ((conductor.now() - startedAt) / 1000).toFixed(2).padStart(6);
      print(`${seconds} s  ${text}`);
    },
    close() {
      clearInterval(timer);
      if (live) erase();
      draw();
    },
  };
}
