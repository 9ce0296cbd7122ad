/** serveHttp: the same handlers behind a real server on loopback or on a unix socket, over HTTP or HTTPS. */
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { createServer as createSecureServer } from "node:https";
import type { AddressInfo } from "node:net";
import type { HttpHandler } from "./in-memory-http.js";

export interface ServedHttp {
  /** `http://127.0.0.1:port`, or the path of the socket. */
  readonly url: string;
  readonly port: number;
  close(): Promise<void>;
}

export interface ServeOptions {
  readonly socketPath?: string;
  readonly tls?: {
    readonly key: string;
    readonly cert: string;
    /** Clients must show a certificate of this CA. */
    readonly ca?: string;
  };
}

export async function serveHttp(
  handler: HttpHandler,
  { tls, socketPath }: ServeOptions = {},
): Promise<ServedHttp> {
  const listener = (request: IncomingMessage, response: ServerResponse): void => {
    answer(handler, request, response).catch(() => response.destroy());
  };
  const server =
    tls === undefined
      ? createServer(listener)
      : createSecureServer(
          { ...tls, ...(tls.ca !== undefined && { requestCert: true, rejectUnauthorized: true }) },
          listener,
        );
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    if (socketPath === undefined) server.listen(0, "127.0.0.1", resolve);
    else server.listen(socketPath, resolve);
  });
  const port = socketPath === undefined ? (server.address() as AddressInfo).port : 0;
  return {
    url: socketPath ?? `${tls === undefined ? "http" : "https"}://127.0.0.1:${port}`,
    port,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

async function answer(
  handler: HttpHandler,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  const gone = new AbortController();
  response.on("close", () => gone.abort());
  const headers: Record<string, string> = {};
  for (const [name, value] of Object.entries(request.headers)) headers[name] = String(value);
  const {
    status,
    headers: out,
    body,
  } = await handler({
    method: request.method ?? "GET",
    path: request.url ?? "/",
    host: headers["host"] ?? "",
    headers,
    body: Buffer.concat(chunks).toString("utf8"),
    signal: gone.signal,
  });
  response.writeHead(status, out).end(body);
}
