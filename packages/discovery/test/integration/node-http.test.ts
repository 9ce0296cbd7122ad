import { afterEach, describe, expect, test } from "@jest/globals";
import { createServer, type Socket } from "node:net";
import type { AddressInfo } from "node:net";
import { nodeClock } from "@foundation/core";
import { requires } from "@foundation-tooling/jest";
import type { HttpClient, HttpTrouble } from "../../src/http/http-client.js";
import { nodeHttp, type NodeHttpOptions } from "../../src/http/node-http.js";
import { discoveryLimits } from "../../src/limits.js";
import { certificates } from "../http/certificates.js";
import { serveHttp, type ServedHttp, type ServeOptions } from "../http/serve-http.js";
import type { HttpHandler } from "../http/in-memory-http.js";

const opened: (() => Promise<void> | void)[] = [];

afterEach(async () => {
  for (const close of opened.splice(0).toReversed()) await close();
});

function client(options: NodeHttpOptions = {}): HttpClient {
  const http = nodeHttp(nodeClock(), options);
  opened.push(() => http.close());
  return http;
}

async function serve(handler: HttpHandler, options: ServeOptions = {}): Promise<ServedHttp> {
  const server = await serveHttp(handler, options);
  opened.push(() => server.close());
  return server;
}

const echo: HttpHandler = async ({ method, path, headers, body }) => ({
  status: 200,
  headers: { "X-Seen": headers["x-token"] ?? "none" },
  body: `${method} ${path} ${body}`,
});

function get(http: HttpClient, url: string, timeoutMs = 2_000, signal?: AbortSignal) {
  const end = signal ?? new AbortController().signal;
  return http.exchange({ method: "GET", url, timeoutMs, signal: end });
}

async function troubleOf(exchange: Promise<unknown>): Promise<HttpTrouble> {
  const error: unknown = await exchange.then(
    () => new Error("it was answered"),
    (thrown: unknown) => thrown,
  );
  expect(error).toMatchObject({ name: "HttpTrouble" });
  return error as HttpTrouble;
}

describe("an exchange", () => {
  test("carries method, headers and body there, and status, headers and body back", async () => {
    const server = await serve(echo);
    const answer = await client().exchange({
      method: "PUT",
      url: `${server.url}/a%20b?c=d`,
      headers: { "x-token": "t" },
      body: "grüß",
      timeoutMs: 2_000,
      signal: new AbortController().signal,
    });
    expect(answer).toMatchObject({ status: 200, body: "PUT /a%20b?c=d grüß" });
    expect(answer.headers["x-seen"]).toBe("t");
  });

  test("follows no redirect: a token must not go where a server points", async () => {
    const elsewhere = { status: 302, headers: { location: "http://127.0.0.1:1/" }, body: "" };
    const server = await serve(async () => elsewhere);
    expect((await get(client(), server.url)).status).toBe(302);
  });

  test("ends at its timeout, and at once when it is aborted", async () => {
    const server = await serve(() => new Promise(() => {}));
    const late = await troubleOf(get(client(), server.url, 50));
    expect(late).toMatchObject({ kind: "timeout", message: "no whole answer within 50 ms" });
    const abort = new AbortController();
    const exchange = get(client(), server.url, 60_000, abort.signal);
    abort.abort();
    expect((await troubleOf(exchange)).kind).toBe("aborted");
    expect((await troubleOf(get(client(), server.url, 1_000, abort.signal))).kind).toBe("aborted");
  });

  test("does not read an answer beyond the limit", async () => {
    const body = "x".repeat(discoveryLimits.httpBodyBytesMax + 1);
    const server = await serve(async () => ({ status: 200, headers: {}, body }));
    expect((await troubleOf(get(client(), server.url, 10_000))).kind).toBe("too-large");
  });

  test("says in words that nothing listens, that a name is none, that the answer is no HTTP or cut", async () => {
    expect((await troubleOf(get(client(), "http://127.0.0.1:1/"))).message).toBe(
      "nothing listens there (ECONNREFUSED)",
    );
    const cut = await raw((socket) =>
      socket.end("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc"),
    );
    expect((await troubleOf(get(client(), cut))).message).toContain(
      "cut before the answer was whole",
    );
    const other = await raw((socket) => socket.end("SSH-2.0-OpenSSH_9.2\r\n"));
    expect((await troubleOf(get(client(), other))).message).toContain("the answer is no HTTP");
  });
});

async function raw(onSocket: (socket: Socket) => void): Promise<string> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on("error", () => {});
    socket.once("data", () => onSocket(socket));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  opened.push(
    () =>
      new Promise<void>((resolve) => {
        for (const socket of sockets) socket.destroy();
        server.close(() => resolve());
      }),
  );
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
}

const openssl = await requires("openssl", () => {
  certificates();
  return true;
});

openssl.describe("over TLS", () => {
  test("a server is believed by the CA that was given, and by no other", async () => {
    const { ca, server: tls } = certificates();
    const server = await serve(echo, { tls });
    expect((await get(client({ ca }), server.url)).status).toBe(200);
    const stranger = await troubleOf(get(client(), server.url));
    expect(stranger.kind).toBe("tls");
    expect(stranger.message).toContain("its CA is not trusted here; give its CA");
  });

  test("the certificate must be for the name, or for the name that was given instead", async () => {
    const { ca, server: tls } = certificates();
    const server = await serve(echo, { tls });
    const named = client({ ca, servername: "agent.test" });
    expect((await get(named, server.url)).status).toBe(200);
    const wrong = await troubleOf(get(client({ ca, servername: "other.test" }), server.url));
    expect(wrong.message).toContain("its certificate is for another name");
  });

  test("a server that wants a certificate is shown it; without, the trouble is one of TLS", async () => {
    const { ca, server: own, client: mine } = certificates();
    const server = await serve(echo, { tls: { ...own, ca } });
    expect((await get(client({ ca, ...mine }), server.url)).status).toBe(200);
    expect((await troubleOf(get(client({ ca }), server.url))).kind).toBe("tls");
  });

  test("https:// to a server without TLS says that it may be the wrong scheme", async () => {
    const server = await serve(echo);
    const wrong = await troubleOf(get(client(), server.url.replace("http:", "https:")));
    expect(wrong.kind).toBe("tls");
    expect(wrong.message).toContain("http:// instead of https://?");
  });
});
