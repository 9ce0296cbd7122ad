/** A logger whose lines become lines of the trace. */
import type { LogFields, Logger } from "@foundation/core/ports";
import type { Boot } from "./boot.js";

export function traceLogger(boot: Boot, above = ""): Logger {
  const write = (kind: string) => (message: string, fields?: LogFields) => {
    const { world } = boot;
    world.trace.line(world.clock.now(), boot.node, kind, message + above + shown(fields));
  };
  return {
    debug: write("debug"),
    info: write("info"),
    warn: write("warn"),
    error: write("error"),
    child: (fields) => traceLogger(boot, above + shown(fields)),
  };
}

/** Plain fields and errors; what is deeper says nothing to a reader of a trace. Never throws. */
function shown(fields: LogFields | undefined): string {
  let text = "";
  for (const key of Object.keys(fields ?? {})) {
    try {
      const value = fields?.[key];
      if (value instanceof Error) text += ` ${key}=${value.message}`;
      else if (typeof value !== "object" && typeof value !== "function") {
        text += ` ${key}=${String(value)}`;
      }
    } catch {
      text += ` ${key}=[its getter threw]`;
    }
  }
  return text;
}
