/**
 * Module hooks (https://nodejs.org/docs/latest-v20.x/api/module.html#customization-hooks) that hand
 * out one source file with a bug in it. Nothing is written to the disk.
 */
import { readFile, realpath } from "node:fs/promises";
import { fileURLToPath, pathToFileURL } from "node:url";
import { plant } from "./plant.mjs";

/** @type {{ mutant: Parameters<typeof plant>[1], url: string } | undefined} */
let planting;

/** @param {{ mutant: Parameters<typeof plant>[1], root: string }} data */
export async function initialize({ mutant, root }) {
  const path = await realpath(fileURLToPath(new URL(mutant.file, root)));
  planting = { mutant, url: pathToFileURL(path).href };
}

export async function load(url, context, nextLoad) {
  const [file] = url.split("?");
  if (planting === undefined || file !== planting.url) return nextLoad(url, context);
  const source = plant(await readFile(fileURLToPath(file), "utf8"), planting.mutant);
  return { format: "module", source, shortCircuit: true };
}
