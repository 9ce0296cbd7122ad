// hosts-file.ts: finds peers in a text file that somebody else keeps, one address a line.
import { readFile } from "node:fs/promises";
import { defineErrors, error } from "@foundation/core";
import type { DiscoveryStrategy } from "@foundation/core/ports";

const errors = defineErrors({
  ERR_HOSTS_FILE: error<{ readonly file: string }>({
    summary: "The file of hosts cannot be read.",
    fix: "Make the file, or correct the path.",
    retryable: true,
  }),
});

/** @param everyMs how often the file is read */
export function hostsFile(file: string, everyMs = 1_000): DiscoveryStrategy {
  const name = "hosts-file";
  return {
    name,
    async *discover({ signal, clock, report }) {
      while (!signal.aborted) {
        const text = await readFile(file, "utf8").catch((cause: unknown) => {
          report(errors.ERR_HOSTS_FILE(`${file} cannot be read`, { file }, cause));
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
