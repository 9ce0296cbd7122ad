/** wrk, a load generator in C: so that the HTTP client is not what is measured of another store. */
import { spawn } from "node:child_process";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { requireProgram, scratchFolder } from "../processes/programs.js";
import type { Kind } from "./messages.js";

export interface WrkFound {
  readonly perSecond: number;
  readonly failed: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
}

/** Keys and values as our own load has them. */
export const KEYS = 1_000;
export const VALUE_BYTES = 128;

/** Random keys, one value; the answer as JSON on the last line. */
const script = (kind: Kind) => `
local b = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
local function base64(text)
  return ((text:gsub(".", function(x)
    local r, byte = "", x:byte()
    for i = 8, 1, -1 do r = r .. (byte % 2 ^ i - byte % 2 ^ (i - 1) > 0 and "1" or "0") end
    return r
  end) .. "0000"):gsub("%d%d%d?%d?%d?%d?", function(x)
    if #x < 6 then return "" end
    local c = 0
    for i = 1, 6 do c = c + (x:sub(i, i) == "1" and 2 ^ (6 - i) or 0) end
    return b:sub(c + 1, c + 1)
  end) .. ({ "", "==", "=" })[#text % 3 + 1])
end
local bodies = {}
local value = base64(string.rep("v", ${VALUE_BYTES}))
for i = 0, ${KEYS - 1} do
  local key = base64("bench/" .. i)
  bodies[i] = ${kind === "write" ? `'{"key":"' .. key .. '","value":"' .. value .. '"}'` : `'{"key":"' .. key .. '"}'`}
end
wrk.method = "POST"
wrk.headers["Content-Type"] = "application/json"
function request()
  return wrk.format(nil, "${kind === "write" ? "/v3/kv/put" : "/v3/kv/range"}", nil, bodies[math.random(0, ${KEYS - 1})])
end
function done(summary, latency)
  local e = summary.errors
  io.write(string.format('{"requests":%d,"us":%d,"failed":%d,"p50":%d,"p99":%d}\\n', summary.requests,
    summary.duration, e.connect + e.read + e.write + e.status + e.timeout,
    latency:percentile(50), latency:percentile(99)))
end
`;

/** @throws {Unavailable} without wrk */
export async function wrk(
  kind: Kind,
  address: string,
  clients: number,
  forMs: number,
): Promise<WrkFound> {
  requireProgram("wrk", "wrk");
  await using folder = await scratchFolder();
  const file = join(folder.path, "load.lua");
  await writeFile(file, script(kind));
  const seconds = Math.max(1, Math.round(forMs / 1_000));
  const args = ["-t1", `-c${clients}`, `-d${seconds}s`, "--timeout", "10s", "-s", file, address];
  const child = spawn("wrk", args, { stdio: ["ignore", "pipe", "inherit"] });
  let output = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    output += text;
  });
  const code = await new Promise((resolve) => child.once("close", resolve));
  const line = output.trim().split("\n").at(-1) ?? "";
  if (code !== 0 || !line.startsWith("{")) throw new Error(`wrk ended with ${code}: ${output}`);
  const { requests, us, failed, p50, p99 } = JSON.parse(line) as Record<string, number>;
  return {
    perSecond: ((requests ?? 0) / (us ?? 1)) * 1e6,
    failed: failed ?? 0,
    p50Ms: (p50 ?? Number.NaN) / 1_000,
    p99Ms: (p99 ?? Number.NaN) / 1_000,
  };
}
