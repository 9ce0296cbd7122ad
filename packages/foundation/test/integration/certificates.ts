/** An authority and certificates for tests, made by the machine's openssl. */
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TlsCertificates } from "../../src/index.js";

export interface TestAuthority {
  /** A certificate for a node of a cluster. */
  issue(cluster: string): TlsCertificates;
}

export function testAuthority(): TestAuthority {
  const folder = mkdtempSync(join(tmpdir(), "foundation-authority-"));
  try {
    const curve = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"];
    const run = (...args: string[]) =>
      execFileSync("openssl", args, { cwd: folder, stdio: "pipe" });
    run(
      "req",
      "-x509",
      ...curve,
      "-keyout",
      "ca.key",
      "-out",
      "ca.crt",
      "-subj",
      "/CN=tests",
      "-days",
      "2",
    );
    const [caCert, caKey] = ["ca.crt", "ca.key"].map((name) => readFileSync(join(folder, name)));
    return { issue: (cluster) => issue(cluster, caCert!, caKey!) };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function issue(cluster: string, caCert: Buffer, caKey: Buffer): TlsCertificates {
  const folder = mkdtempSync(join(tmpdir(), "foundation-certificate-"));
  try {
    writeFileSync(join(folder, "ca.crt"), caCert);
    writeFileSync(join(folder, "ca.key"), caKey);
    writeFileSync(join(folder, "san"), `subjectAltName=URI:foundation://${cluster}/node`);
    const curve = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"];
    const run = (...args: string[]) =>
      execFileSync("openssl", args, { cwd: folder, stdio: "pipe" });
    run("req", ...curve, "-keyout", "key", "-out", "csr", "-subj", "/CN=node");
    const signed = ["-CA", "ca.crt", "-CAkey", "ca.key", "-CAcreateserial", "-days", "2"];
    run("x509", "-req", "-in", "csr", ...signed, "-extfile", "san", "-out", "crt");
    const read = (name: string) => readFileSync(join(folder, name), "utf8");
    return { cert: read("crt"), key: read("key"), ca: read("ca.crt") };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
