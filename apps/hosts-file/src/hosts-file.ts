// hosts-file.ts: finds peers in a text file that somebody else keeps, one address a line.
import { readFile } from "node:fs/promises";
import { coreErrors } from "@foundation/core";
import type { DiscoveryStrategy } from "@foundation/core/ports";

/** @param everyMs how often the file is read */
export function hostsFile(file: string, everyMs = 1_000): DiscoveryStrategy {
  const name = "hosts-file";
  return {
    name,
    async *discover({ signal, clock, report }) {
      while (!signal.aborted) {
        const text = await readFile(file, "utf8").catch((cause: unknown) => {
          const details = { file, operation: "read", reason: "is it there?" };
          report(coreErrors.ERR_STORAGE(`The hosts file ${file} cannot be read`, details, cause));
        });
        if (text !== undefined) yield { source: name, peers: peersIn(text) };
        await clock.sleep(everyMs, { signal }).catch(() => undefined);
      }
    },
  };
}

function peersIn(text: string) {
  const lines = text.split("\n").map((line) => line.trim());
  return lines.filter((line) => line !== "").map((address) => ({ address }));
}
