/**
 * What a node's code may not use of Node's modules.
 *
 * The objects that `require` gives are changed and their exports published again, so that imports made before see it too.
 * Methods stand beside functions for what was copied: every socket comes through `Socket.prototype.connect` in the end.
 */
import type { Patches } from "./patches.js";

type Names = (owner: object) => readonly string[];

/** Files read at once are part of the program, as its modules are: configuration, templates, source maps. */
const programFiles = new Set([
  "readFileSync",
  "statSync",
  "lstatSync",
  "fstatSync",
  "existsSync",
  "accessSync",
  "readdirSync",
  "realpathSync",
  "readlinkSync",
  "closeSync",
  "readSync",
]);
/** What `readFileSync` opens a file with. */
const readingFlags = new Set<unknown>([undefined, "r", "rs", 0]);

/** All functions, not the classes: those are made by functions. */
const functions: Names = (owner) =>
  Object.keys(owner).filter((name) => {
    const { value } = Object.getOwnPropertyDescriptor(owner, name) ?? {};
    return typeof value === "function" && /^[a-z]/.test(name);
  });
const allOf =
  (...names: readonly string[]): Names =>
  () =>
    names;

const tables: readonly (readonly [module: string, path: readonly string[], names: Names])[] = [
  ["timers", [], allOf("setTimeout", "setInterval", "setImmediate")],
  ["timers/promises", [], functions],
  ["timers/promises", ["scheduler"], allOf("wait", "yield")],
  ["fs", [], (fs) => functions(fs).filter((name) => !programFiles.has(name))],
  ["fs/promises", [], functions],
  ["net", [], allOf("connect", "createConnection")],
  ["net", ["Socket", "prototype"], allOf("connect")],
  ["net", ["Server", "prototype"], allOf("listen")],
  ["tls", [], allOf("connect")],
  ["http", [], allOf("get", "request")],
  ["https", [], allOf("get", "request")],
  ["http2", [], allOf("connect")],
  ["dns", [], (dns) => functions(dns).filter((name) => /^(?:lookup|resolve|reverse)/.test(name))],
  ["dns/promises", [], (dns) => functions(dns).filter((name) => /^(?:lookup|res|rev)/.test(name))],
  ["dgram", [], allOf("createSocket")],
  ["dgram", ["Socket", "prototype"], allOf("bind", "connect", "send")],
  ["child_process", [], functions],
  ["child_process", ["ChildProcess", "prototype"], allOf("spawn")],
  ["cluster", [], allOf("fork")],
  ["worker_threads", [], allOf("Worker", "MessageChannel", "BroadcastChannel")],
  [
    "crypto",
    [],
    allOf(
      "randomBytes",
      "randomFill",
      "randomFillSync",
      "randomInt",
      "randomUUID",
      "getRandomValues",
      "generateKey",
      "generateKeySync",
      "generateKeyPair",
      "generateKeyPairSync",
      "generatePrime",
      "generatePrimeSync",
      "checkPrime",
      "pbkdf2",
      "scrypt",
      "hkdf",
    ),
  ],
  [
    "crypto",
    ["webcrypto", "subtle"],
    (subtle) => Object.getOwnPropertyNames(Object.getPrototypeOf(subtle)).filter(isMethod),
  ],
  ["zlib", [], (zlib) => functions(zlib).filter((name) => !/Sync$|^crc32$/.test(name))],
  ["perf_hooks", ["performance"], allOf("now")],
];

export function guardBuiltins(patches: Patches): void {
  const fs = process.getBuiltinModule("node:fs");
  patches.guard(fs, "fs.", ["openSync"], (_path, flags) => readingFlags.has(flags));
  for (const [module, path, names] of tables) {
    const found: unknown = process.getBuiltinModule(module);
    const owner = path.reduce<unknown>((at, key) => (at as Record<string, unknown>)[key], found);
    if (!isObject(owner)) continue;
    const label = [module.replaceAll("/", "."), ...path.filter((key) => key !== "prototype"), ""];
    patches.guard(owner, label.join("."), names(owner));
  }
  patches.publish();
}

function isMethod(name: string): boolean {
  return name !== "constructor";
}

function isObject(value: unknown): value is object {
  return (typeof value === "object" && value !== null) || typeof value === "function";
}
