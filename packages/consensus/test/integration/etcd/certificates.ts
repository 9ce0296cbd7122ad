/** Certificates of one authority, made by the machine's openssl. */
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

export interface Certificates {
  readonly folder: string;
  readonly ca: string;
  readonly cert: string;
  readonly key: string;
}

/** In a new folder below `parent`: `ca.crt`, and `node.crt` with `node.key`, for 127.0.0.1 and for clients. */
export function certificates(parent: string): Certificates {
  const folder = mkdtempSync(join(parent, "certificates-"));
  const openssl = (...args: string[]) =>
    execFileSync("openssl", args, { cwd: folder, stdio: "pipe" });
  const curve = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"];
  const authority = ["-keyout", "ca.key", "-out", "ca.crt", "-subj", "/CN=tests", "-days", "2"];
  openssl("req", "-x509", ...curve, ...authority);
  writeFileSync(join(folder, "san"), "subjectAltName=IP:127.0.0.1");
  openssl("req", ...curve, "-keyout", "node.key", "-out", "csr", "-subj", "/CN=node");
  const signed = ["-CA", "ca.crt", "-CAkey", "ca.key", "-CAcreateserial", "-days", "2"];
  openssl("x509", "-req", "-in", "csr", ...signed, "-extfile", "san", "-out", "node.crt");
  const read = (name: string) => readFileSync(join(folder, name), "utf8");
  return { folder, ca: read("ca.crt"), cert: read("node.crt"), key: read("node.key") };
}
