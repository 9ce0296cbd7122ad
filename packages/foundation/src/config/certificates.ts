/**
 * Certificates: `security.tls` as texts in PEM, whichever way they were given.
 *
 * A text that begins with `-----BEGIN` is meant as it is; anything else is the path of a file, relative to the working
 * directory. Files are read once, at the start and synchronously: a node either has its certificates or does not start.
 * A certificate for another cluster is told at the start: every other node would refuse it, in its own log only.
 * Invariant: neither a key nor what stands in its place is ever in an error or an explanation.
 */
import { readFileSync, statSync } from "node:fs";
import { resolve } from "node:path";
import type { ConfigProblem } from "@foundation/core/config";
import { namesCluster } from "@foundation/overlay";
import { limits } from "../limits.js";
import type { TlsCertificates } from "./cluster-config.js";

const parts = ["cert", "key", "ca"] as const;
const LABELS = {
  cert: "CERTIFICATE",
  key: "PRIVATE KEY",
  ca: "CERTIFICATE",
} as const;

export interface ReadCertificates {
  /** The texts. */
  readonly texts: TlsCertificates;
  /** Option → the file it names; texts that were given as they are have none. */
  readonly files: ReadonlyMap<string, string>;
  readonly problems: readonly Omit<ConfigProblem, "layer">[];
}

/** Reads what is not a text already. Problems are listed, not thrown: the configuration tells all of its own at once. */
export function readCertificates(
  given: TlsCertificates,
  { cwd, cluster }: { readonly cwd: string; readonly cluster: string },
): ReadCertificates {
  const texts: Record<(typeof parts)[number], string> = { cert: "", key: "", ca: "" };
  const files = new Map<string, string>();
  const problems: Omit<ConfigProblem, "layer">[] = [];
  for (const part of parts) {
    const path = `security.tls.${part}`;
    const isText = given[part].trimStart().startsWith("-----BEGIN");
    const read = isText ? given[part] : readText(resolve(cwd, given[part]));
    if (typeof read === "string" && hasLabel(read, part)) {
      texts[part] = read;
      if (!isText) files.set(path, given[part]);
      continue;
    }
    problems.push({
      path,
      expected: `a ${LABELS[part].toLowerCase()} in PEM, or the path of such a file`,
      found:
        typeof read === "string"
          ? "a text without one"
          : `a file that cannot be read (${read.code})`,
      fix: `Set it to a text that begins with -----BEGIN, or to the path of a readable file (from ${cwd}).`,
    });
  }
  if (isForAnother(texts.cert, cluster)) {
    const san = `URI:foundation://${encodeURIComponent(cluster)}/<node>`;
    problems.push({
      path: "security.tls.cert",
      expected: `a certificate for the cluster "${cluster}"`,
      found: "one that does not name it",
      fix: `Have it issued with the subject alternative name ${san}, or correct the option name.`,
    });
  }
  return { texts, files, problems };
}

/** False where it cannot be told: what cannot be read as a certificate is refused with TLS's own words. */
function isForAnother(cert: string, cluster: string): boolean {
  try {
    return cert !== "" && !namesCluster(cert, cluster);
  } catch {
    return false;
  }
}

/** A key among the certificates would be handed to whoever asks for them. */
function hasLabel(text: string, part: (typeof parts)[number]): boolean {
  const holdsKey = text.includes("PRIVATE KEY-----");
  return part === "key" ? holdsKey : text.includes("-----BEGIN CERTIFICATE-----") && !holdsKey;
}

function readText(file: string): string | { readonly code: string } {
  try {
    if (statSync(file).size > limits.pemBytesMax)
      return { code: `more than ${limits.pemBytesMax} bytes` };
    return readFileSync(file, "utf8");
  } catch (error) {
    return { code: (error as { code?: string }).code ?? "unknown" };
  }
}
