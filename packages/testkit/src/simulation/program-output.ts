/**
 * ProgramOutput: what code of a node writes to stdout and stderr by their numbers, as loggers do (pino's SonicBoom). Nothing
 * in the simulation sees it, so it is no escape; but its end would come by real time. So it is written at once, and
 * whoever waits is told within the same event. Every other descriptor is refused.
 */
import type { Patches } from "./patches.js";

type Any = (...args: unknown[]) => unknown;

const isOutput = (descriptor: unknown): boolean => descriptor === 1 || descriptor === 2;

/** Before the other functions of `fs` are guarded. */
export function letOutputThrough(patches: Patches, isInside: () => boolean): void {
  const fs = process.getBuiltinModule("node:fs");
  const writeSync = fs.writeSync as unknown as Any;
  const put = (name: "fdatasync" | "fsync" | "fsyncSync" | "write" | "writeSync", act: Any) => {
    const apply = (target: Any, self: unknown, args: unknown[]): unknown => {
      if (isOutput(args[0]) && isInside()) return act(...args);
      patches.refuse(`fs.${name}`, apply);
      return Reflect.apply(target, self, args);
    };
    patches.stand(fs, name, new Proxy(fs[name] as unknown as Any, { apply }));
  };
  const done: Any = (...args) => {
    process.nextTick(args.at(-1) as Any, null);
  };
  put("writeSync", writeSync);
  put("write", (...args) => {
    const told = args.at(-1) as Any;
    try {
      process.nextTick(told, null, writeSync(...args.slice(0, -1)), args[1]);
    } catch (error) {
      process.nextTick(told, error);
    }
  });
  put("fsync", done);
  put("fdatasync", done);
  put("fsyncSync", () => undefined);
}
