/**
 * The opening handshake (RFC 6455 §4), which the public list leaves out: what our listener must
 * refuse, and what our dialer must not take for an answer. Masks are here too: a raw reader sees
 * only there whether each side demands what it must (§5.1).
 */
import { frameOf, type Case } from "./case.js";
import { encodeFrame, Opcode } from "./raw-frames.js";
import { play } from "./player.js";
import {
  acceptOf,
  echo,
  goodAnswer,
  rawServer,
  readHead,
  requestUpgrade,
  SUBPROTOCOL,
  upgradeHeaders,
  upgradeRequest,
  type Answer,
} from "./sides.js";
import { connect } from "node:net";
import { websocketTransport } from "@foundation/overlay";
import { judge, type Verdict } from "./verdict.js";

const DEADLINE_MS = 5_000;
const EXTENSIONS = "Sec-WebSocket-Extensions";

interface Refusal {
  readonly about: string;
  readonly request: string;
  /** Of the status line. */
  readonly status: RegExp;
}

function refusals(): Refusal[] {
  const changed = (name: string, value: string | undefined) => {
    const headers = upgradeHeaders();
    if (value === undefined) headers.delete(name);
    else headers.set(name, value);
    return upgradeRequest(headers);
  };
  const offered = changed(EXTENSIONS, "permessage-deflate; client_max_window_bits");
  return [
    { about: "a good request", request: upgradeRequest(), status: /^101/ },
    { about: "permessage-deflate offered: not accepted", request: offered, status: /^101/ },
    { about: "an Origin", request: changed("Origin", "http://127.0.0.1"), status: /^403/ },
    { about: "another path", request: upgradeRequest(upgradeHeaders(), "/"), status: /^404/ },
    {
      about: "another subprotocol",
      request: changed("Sec-WebSocket-Protocol", "mqtt"),
      status: /^400/,
    },
    {
      about: "no subprotocol",
      request: changed("Sec-WebSocket-Protocol", undefined),
      status: /^400/,
    },
    { about: "no key", request: changed("Sec-WebSocket-Key", undefined), status: /^400/ },
    { about: "a short key", request: changed("Sec-WebSocket-Key", "c2hvcnQ="), status: /^400/ },
    { about: "version 12", request: changed("Sec-WebSocket-Version", "12"), status: /^4(00|26)/ },
    { about: "no Upgrade", request: changed("Upgrade", undefined), status: /^4(00|26)/ },
    { about: "Upgrade to h2c", request: changed("Upgrade", "h2c"), status: /^4(00|26)/ },
    {
      about: "a header of 9 KiB",
      request: changed("X-Long", "x".repeat(9 * 1024)),
      status: /^431/,
    },
    { about: "POST", request: upgradeRequest().replace("GET", "POST"), status: /^4(00|05)/ },
    { about: "no HTTP", request: "\x00\x01\x02\x03\r\n\r\n", status: /^400/ },
  ];
}

export async function listenerUpgrades(): Promise<Verdict[]> {
  const listener = await websocketTransport().listen({ host: "127.0.0.1", port: 0 }, echo);
  const port = Number(new URL(listener.address).port);
  const verdicts: Verdict[] = [];
  for (const [i, { about, request, status }] of refusals().entries()) {
    const got = await requestUpgrade(port, request).then(
      ({ socket, head }) => {
        socket.destroy();
        return head;
      },
      (error: Error) => error.message,
    );
    const line = (got.split("\r\n")[0] ?? "").replace("HTTP/1.1 ", "");
    const extended = new RegExp(`^${EXTENSIONS}:`, "im").test(got);
    verdicts.push({
      id: `U.1.${i + 1}`,
      about,
      expected: `status ${status.source.slice(1)}, no extension`,
      got: extended ? `${line}, with an extension` : line,
      judgement: status.test(line) && !extended ? "OK" : "FAILED",
    });
  }
  verdicts.push(await unmasked(port));
  await listener.close();
  return verdicts;
}

/** A client that does not mask is failed. */
async function unmasked(port: number): Promise<Verdict> {
  const test: Case = {
    id: "U.1.mask",
    about: "a client's frame without a mask",
    steps: [],
    received: [[]],
    ending: { type: "closed", codes: [1002], drop: true },
  };
  const socket = connect({ host: "127.0.0.1", port });
  socket.write(upgradeRequest());
  await readHead(socket);
  socket.write(encodeFrame(frameOf(Opcode.binary, "not masked"), false));
  return judge(test, await play(test, socket, "client", DEADLINE_MS));
}

interface BadAnswer {
  readonly about: string;
  readonly answer: Answer;
  readonly accepted?: boolean;
}

function answers(): BadAnswer[] {
  const changed =
    (name: string, line: string): Answer =>
    (key) =>
      goodAnswer(key).replace(new RegExp(`^${name}: .*\r\n`, "im"), line);
  return [
    { about: "a good answer", answer: goodAnswer, accepted: true },
    {
      about: "another accept key",
      answer: changed("Sec-WebSocket-Accept", `Sec-WebSocket-Accept: ${acceptOf("x")}\r\n`),
    },
    { about: "no accept key", answer: changed("Sec-WebSocket-Accept", "") },
    { about: "no subprotocol", answer: changed("Sec-WebSocket-Protocol", "") },
    {
      about: "a subprotocol nobody asked for",
      answer: changed("Sec-WebSocket-Protocol", "Sec-WebSocket-Protocol: mqtt\r\n"),
    },
    {
      about: "an extension nobody asked for",
      answer: changed("Upgrade", `Upgrade: websocket\r\n${EXTENSIONS}: permessage-deflate\r\n`),
    },
    { about: "no Upgrade", answer: changed("Upgrade", "") },
    { about: "status 200", answer: () => "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n" },
    {
      about: "a redirect",
      answer: () =>
        "HTTP/1.1 302 Found\r\nLocation: ws://127.0.0.1:1/_foundation\r\nContent-Length: 0\r\n\r\n",
    },
    { about: "no HTTP", answer: () => "\x00\x01\x02\x03\r\n\r\n" },
  ];
}

export async function dialerUpgrades(): Promise<Verdict[]> {
  const server = await rawServer();
  const verdicts: Verdict[] = [];
  for (const [i, { about, answer, accepted = false }] of answers().entries()) {
    const got = await server.dial(answer).then(
      ({ socket, request }) => {
        socket.destroy();
        const offers = new RegExp(`^${EXTENSIONS}:`, "im").test(request);
        const asks = new RegExp(`^Sec-WebSocket-Protocol: ${SUBPROTOCOL}`, "im").test(request);
        return !offers && asks ? "connected" : "connected, but it asked for something else";
      },
      () => "refused",
    );
    const expected = accepted ? "connected" : "refused";
    const judgement = got === expected ? "OK" : "FAILED";
    verdicts.push({ id: `U.2.${i + 1}`, about, expected, got, judgement });
  }
  const { socket } = await server.dial(goodAnswer);
  const test: Case = {
    id: "U.2.mask",
    about: "a server's frame with a mask",
    steps: [],
    received: [[]],
    ending: { type: "closed", codes: [1002], drop: true },
  };
  socket.write(encodeFrame(frameOf(Opcode.binary, "masked"), true));
  verdicts.push(judge(test, await play(test, socket, "server", DEADLINE_MS)));
  await server.close();
  return verdicts;
}
