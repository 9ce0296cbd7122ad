/**
 * The fake API server on a real port: HTTPS with a certificate of its own authority, and the folder that
 * the kubelet would mount into a pod. Needs the machine's openssl.
 */
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:https";
import type { IncomingMessage, ServerResponse } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { FakeKubernetes } from "./fake-kubernetes.js";

export interface ServedKubernetes {
  /** `https://127.0.0.1:port` */
  readonly server: string;
  readonly port: number;
  /** What a pod has in its environment. */
  readonly environment: Readonly<Record<string, string>>;
  /** With `token`, `ca.crt` and `namespace`. */
  readonly directory: string;
  /** Connections that are open. */
  connections(): number;
  close(): Promise<void>;
}

export interface ServeOptions {
  /** @default "127.0.0.1" */
  readonly host?: string;
  /** What the certificate is for. @default 127.0.0.1, ::1 and localhost */
  readonly names?: string;
}

const NAMES = "IP:127.0.0.1,IP:::1,DNS:localhost";

/** Serves the fake until it is closed. */
export async function serveFakeKubernetes(
  fake: FakeKubernetes,
  { host = "127.0.0.1", names = NAMES }: ServeOptions = {},
): Promise<ServedKubernetes> {
  const directory = mkdtempSync(join(tmpdir(), "foundation-kubernetes-"));
  const { ca, key, cert } = certificate(names);
  writeFileSync(join(directory, "ca.crt"), ca);
  writeFileSync(join(directory, "token"), "token-1\n");
  writeFileSync(join(directory, "namespace"), "shop");
  const sockets = new Set<Socket>();
  const server = createServer({ key, cert }, (request, response) => {
    void answer(fake, request, response);
  });
  server.on("connection", (socket: Socket) => {
    sockets.add(socket);
    socket.on("close", () => sockets.delete(socket));
  });
  await new Promise<void>((resolve) => server.listen(0, host, resolve));
  const { port } = server.address() as AddressInfo;
  return {
    server: `https://${host.includes(":") ? `[${host}]` : host}:${port}`,
    port,
    environment: { KUBERNETES_SERVICE_HOST: host, KUBERNETES_SERVICE_PORT: String(port) },
    directory,
    connections: () => sockets.size,
    close: async () => {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
      rmSync(directory, { recursive: true, force: true });
    },
  };
}

async function answer(
  fake: FakeKubernetes,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const gone = new AbortController();
  response.on("close", () => gone.abort());
  const { method = "", url = "", headers } = request;
  const token = /^Bearer (.+)$/.exec(headers.authorization ?? "")?.[1];
  try {
    const answered = await fake.answer({ method, url, token }, gone.signal);
    response.writeHead(answered.status, answered.headers);
    // A watch answers at once, long before its first event.
    response.flushHeaders();
    for await (const text of answered.body) response.write(text);
    response.end();
  } catch {
    // Cut, as a server does that dies; when the client has gone there is nobody to tell.
    request.socket.destroy();
  }
}

interface Certificate {
  readonly ca: string;
  readonly key: string;
  readonly cert: string;
}

/** By names: made once a process, because making one costs more than most tests. */
const made = new Map<string, Certificate>();

function certificate(names: string): Certificate {
  const known = made.get(names) ?? makeCertificate(names);
  made.set(names, known);
  return known;
}

function makeCertificate(names: string): Certificate {
  const folder = mkdtempSync(join(tmpdir(), "foundation-authority-"));
  const openssl = (...args: string[]): unknown =>
    execFileSync("openssl", args, { cwd: folder, stdio: "pipe" });
  const curve = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"];
  const authority = [
    "-keyout",
    "ca.key",
    "-out",
    "ca.crt",
    "-subj",
    "/CN=kubernetes",
    "-days",
    "2",
  ];
  openssl("req", "-x509", ...curve, ...authority);
  writeFileSync(join(folder, "san"), `subjectAltName=${names}`);
  openssl("req", ...curve, "-keyout", "server.key", "-out", "csr", "-subj", "/CN=kube-apiserver");
  const signed = ["-CA", "ca.crt", "-CAkey", "ca.key", "-CAcreateserial", "-days", "2"];
  openssl("x509", "-req", "-in", "csr", ...signed, "-extfile", "san", "-out", "server.crt");
  const read = (name: string): string => readFileSync(join(folder, name), "utf8");
  const certificate = { ca: read("ca.crt"), key: read("server.key"), cert: read("server.crt") };
  rmSync(folder, { recursive: true, force: true });
  return certificate;
}
