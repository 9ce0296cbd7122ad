import { describe, expect, test } from "@jest/globals";
import { virtualClock } from "@foundation/core/testing";
import { ApiClient, ApiFailure, type Question } from "../../../src/kubernetes/api-client.js";
import type { ApiResponse } from "../../../src/kubernetes/api-connection.js";
import type { Credentials } from "../../../src/kubernetes/service-account.js";
import { kubernetesLimits } from "../../../src/protocol/kubernetes/limits.js";

const LIST: Question = { verb: "list", resource: "endpoints", namespace: "shop", path: "/list" };
const WATCH: Question = { ...LIST, verb: "watch", path: "/watch" };
const CREDENTIALS: Credentials = { server: "https://10.96.0.1", token: "token-1", ca: "ca-1" };

type Answer = Partial<Omit<ApiResponse, "body">> & {
  readonly body?: AsyncIterable<Uint8Array> | readonly (string | Uint8Array)[];
};

/** A client whose server gives these answers, one after the other. */
function clientOf(
  answers: readonly (Answer | Error)[],
  credentials: readonly Credentials[] = [CREDENTIALS],
) {
  const clock = virtualClock();
  const asked: string[] = [];
  const connected: string[] = [];
  let reads = 0;
  const account = {
    credentials: async () => credentials[Math.min(reads++, credentials.length - 1)]!,
  };
  const client = new ApiClient(
    account,
    (server, ca) => {
      connected.push(`${server} ${ca}`);
      return {
        get: async (path, token, signal) => {
          const answer = answers[Math.min(asked.length, answers.length - 1)];
          asked.push(`${path} ${token}`);
          if (answer instanceof Error) throw answer;
          if (answer === undefined) {
            await new Promise((_, reject) => {
              signal.addEventListener("abort", () => reject(new Error("aborted")), { once: true });
            });
          }
          const { status = 200, retryAfter, body = [] } = answer ?? {};
          return { status, retryAfter, body: Array.isArray(body) ? chunks(body) : (body as never) };
        },
        close: () => connected.push("closed"),
      };
    },
    clock,
  );
  const never = new AbortController().signal;
  const list = (signal = never) => clock.run(outcome(client.list(LIST, signal)));
  const watch = (signal = never) => clock.run(outcome(collect(client.watch(WATCH, signal))));
  return { clock, client, asked, connected, list, watch };
}

async function* chunks(parts: readonly (string | Uint8Array)[]): AsyncGenerator<Uint8Array> {
  for (const part of parts) yield typeof part === "string" ? Buffer.from(part) : part;
}

async function collect(batches: AsyncIterable<readonly unknown[]>): Promise<unknown[]> {
  const all: unknown[] = [];
  for await (const batch of batches) all.push(batch);
  return all;
}

/** The value, or what was thrown. */
async function outcome(promise: Promise<unknown>): Promise<unknown> {
  return promise.catch((error: unknown) => error);
}

const codeOf = (result: unknown): string | undefined =>
  result instanceof ApiFailure ? result.problem.code : undefined;
const messageOf = (result: unknown): string =>
  result instanceof ApiFailure ? result.problem.message : "";

describe("a list", () => {
  test("is read whole and parsed, whatever pieces it comes in", async () => {
    const { list, asked, clock } = clientOf([{ body: ['{"ki', 'nd":"Ä"}'] }]);
    expect(await list()).toEqual({ kind: "Ä" });
    expect(asked).toEqual(["/list token-1"]);
    expect(clock.pendingTimers).toBe(0);
  });

  test("that does not come in time has failed", async () => {
    const { list, clock } = clientOf([undefined as never]);
    const result = await list();
    expect(codeOf(result)).toBe("ERR_KUBERNETES_UNAVAILABLE");
    expect(messageOf(result)).toContain(`within ${kubernetesLimits.requestMs} ms`);
    expect(clock.now()).toBe(kubernetesLimits.requestMs);
  });

  test("that stops half-way has failed", async () => {
    const body = (async function* () {
      yield Buffer.from('{"a":');
      throw Object.assign(new Error("aborted"), { code: "ECONNRESET" });
    })();
    expect(messageOf(await clientOf([{ body }]).list())).toContain("the connection was cut");
  });

  test("that is too large is not read to its end", async () => {
    let given = 0;
    const body = (async function* () {
      for (;;) {
        given += 1;
        yield new Uint8Array(16 * 1024 * 1024);
      }
    })();
    const result = await clientOf([{ body }]).list();
    expect(codeOf(result)).toBe("ERR_KUBERNETES_ANSWER");
    expect(given).toBe(kubernetesLimits.answerBytesMax / (16 * 1024 * 1024) + 1);
  });

  test("that is no JSON is quoted", async () => {
    const result = await clientOf([{ body: ["<html>Sign in</html>"] }]).list();
    expect(codeOf(result)).toBe("ERR_KUBERNETES_ANSWER");
    expect(messageOf(result)).toContain("<html>Sign in");
  });

  test.each([
    [400, "ERR_KUBERNETES_UNAVAILABLE", "look at `selector`"],
    [403, "ERR_KUBERNETES_FORBIDDEN", "kubectl apply"],
    [404, "ERR_KUBERNETES_UNAVAILABLE", "Kubernetes 1.21"],
    [410, "ERR_KUBERNETES_UNAVAILABLE", "no longer has the version"],
    [429, "ERR_KUBERNETES_UNAVAILABLE", "too much to do"],
    [503, "ERR_KUBERNETES_UNAVAILABLE", "it answered 503: overloaded"],
  ])("that is answered with %d is %s, and says: %s", async (status, code, text) => {
    const body = [JSON.stringify({ kind: "Status", message: "overloaded", code: 200 })];
    const result = await clientOf([{ status, body }]).list();
    expect(codeOf(result)).toBe(code);
    expect(messageOf(result)).toContain(text);
    expect(result).toMatchObject({ because: status === 410 ? "gone" : "failed" });
  });

  test("that is answered with an error and no JSON says what came", async () => {
    const result = await clientOf([{ status: 502, body: ["<h1>Bad\n  Gateway</h1>"] }]).list();
    expect(messageOf(result)).toContain("<h1>Bad Gateway</h1>");
  });

  test.each([
    [{ status: 429, retryAfter: "7" }, 7_000],
    [{ status: 429, body: ['{"details":{"retryAfterSeconds":3}}'] }, 3_000],
    [{ status: 500 }, undefined],
  ])("tells how long %j asks to be left alone", async (answer, retryAfterMs) => {
    expect(await clientOf([answer]).list()).toMatchObject({ retryAfterMs });
  });
});

describe("a token that is refused", () => {
  const second = { ...CREDENTIALS, token: "token-2" };

  test("is read again, and used when it is another one", async () => {
    const { list, asked } = clientOf([{ status: 401 }, { body: ["{}"] }], [CREDENTIALS, second]);
    expect(await list()).toEqual({});
    expect(asked).toEqual(["/list token-1", "/list token-2"]);
  });

  test("is not sent twice", async () => {
    const { list, asked } = clientOf([{ status: 401 }]);
    expect(codeOf(await list())).toBe("ERR_KUBERNETES_UNAUTHORIZED");
    expect(asked).toHaveLength(1);
  });

  test("ends it when the other one is refused, too", async () => {
    const { list, asked } = clientOf(
      [{ status: 401 }],
      [CREDENTIALS, second, second, { ...CREDENTIALS, token: "token-3" }],
    );
    expect(codeOf(await list())).toBe("ERR_KUBERNETES_UNAUTHORIZED");
    expect(asked).toEqual(["/list token-1", "/list token-2"]);
  });
});

describe("a connection", () => {
  test("is kept, and made anew when the CAs were changed", async () => {
    const renewed = { ...CREDENTIALS, ca: "ca-2" };
    const { list, client, connected } = clientOf(
      [{ body: ["{}"] }],
      [CREDENTIALS, CREDENTIALS, renewed],
    );
    for (let i = 0; i < 3; i += 1) await list();
    client.close();
    client.close();
    const [server] = [CREDENTIALS.server];
    expect(connected).toEqual([`${server} ca-1`, "closed", `${server} ca-2`, "closed"]);
  });

  test.each([
    ["ECONNREFUSED", "nothing listens there"],
    ["SELF_SIGNED_CERT_IN_CHAIN", "its CA is not trusted"],
    ["CERT_HAS_EXPIRED", "its certificate has expired"],
  ])("that fails with %s says that %s", async (code, text) => {
    const result = await clientOf([Object.assign(new Error("no"), { code })]).list();
    expect(codeOf(result)).toBe("ERR_KUBERNETES_UNAVAILABLE");
    expect(messageOf(result)).toContain(text);
  });
});

describe("a watch", () => {
  test("gives its lines in the batches they come in, after an empty one", async () => {
    const { watch, clock } = clientOf([{ body: ['{"a":1}\n{"a":2}\n{"a', '":3}\n', "\n"] }]);
    expect(await watch()).toEqual([[], [{ a: 1 }, { a: 2 }], [{ a: 3 }]]);
    expect(clock.pendingTimers).toBe(0);
  });

  test("puts a character together that came in two pieces", async () => {
    const bytes = Buffer.from('"Ä"\n');
    const { watch } = clientOf([{ body: [bytes.subarray(0, 2), bytes.subarray(2)] }]);
    expect(await watch()).toEqual([[], ["Ä"]]);
  });

  test("that ends inside a line, or has one that is no JSON, has failed", async () => {
    expect(codeOf(await clientOf([{ body: ['{"a":'] }]).watch())).toBe("ERR_KUBERNETES_ANSWER");
    const result = await clientOf([{ body: ["nonsense\n"] }]).watch();
    expect(result).toMatchObject({ because: "lost" });
  });

  test("has a longest line", async () => {
    const endless = Array.from({ length: 8 }, () => new Uint8Array(1024 * 1024).fill(97));
    const result = await clientOf([{ body: endless }]).watch();
    expect(messageOf(result)).toContain(`longer than ${kubernetesLimits.lineBytesMax} bytes`);
  });

  test("that is silent for too long ends, as if the server had ended it", async () => {
    const clock = virtualClock();
    const silent: ApiResponse = {
      status: 200,
      retryAfter: undefined,
      body: (async function* () {
        yield Buffer.from("1\n");
        await new Promise((_, reject) =>
          signals[0]!.addEventListener("abort", () => reject(cut())),
        );
      })(),
    };
    const signals: AbortSignal[] = [];
    const get = async (_path: string, _token: string, signal: AbortSignal) => {
      signals.push(signal);
      return silent;
    };
    const account = { credentials: async () => CREDENTIALS };
    const client = new ApiClient(account, () => ({ get, close: () => undefined }), clock);
    const all = await clock.run(collect(client.watch(WATCH, new AbortController().signal)), {
      withinMs: 1_000_000,
    });
    expect(all).toEqual([[], [1]]);
    expect(clock.now()).toBe(kubernetesLimits.watchSilentMs);
  });
});

function cut(): Error {
  return Object.assign(new Error("cut"), { code: "ECONNRESET" });
}
