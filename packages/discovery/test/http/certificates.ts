/** An authority, and what it signed for a server on loopback and for a client; made by the machine's openssl. */
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

export interface Certificates {
  readonly ca: string;
  readonly server: { readonly key: string; readonly cert: string };
  readonly client: { readonly key: string; readonly cert: string };
}

const CURVE = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"];

export function certificates(): Certificates {
  const folder = mkdtempSync(join(tmpdir(), "foundation-certificates-"));
  const openssl = (...args: readonly string[]): unknown =>
    execFileSync("openssl", args, { cwd: folder, stdio: "pipe" });
  const read = (file: string): string => readFileSync(join(folder, file), "utf8");
  const signed = (name: string, names: string): { readonly key: string; readonly cert: string } => {
    openssl("req", ...CURVE, "-keyout", `${name}.key`, "-out", "csr", "-subj", `/CN=${name}`);
    writeFileSync(join(folder, "san"), `subjectAltName=${names}`);
    const by = ["-CA", "ca.crt", "-CAkey", "ca.key", "-CAcreateserial", "-days", "2"];
    openssl("x509", "-req", "-in", "csr", ...by, "-extfile", "san", "-out", `${name}.crt`);
    return { key: read(`${name}.key`), cert: read(`${name}.crt`) };
  };
  try {
    const authority = ["-keyout", "ca.key", "-out", "ca.crt", "-days", "2", "-subj", "/CN=ca"];
    openssl("req", "-x509", ...CURVE, ...authority);
    return {
      ca: read("ca.crt"),
      server: signed("server", "IP:127.0.0.1,DNS:agent.test"),
      client: signed("client", "DNS:client.test"),
    };
  } finally {
    rmSync(folder, { recursive: true });
  }
}
