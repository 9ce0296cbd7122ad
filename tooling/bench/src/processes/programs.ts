/**
 * Programs that are not Node's: started for one reading on ports of their own, ended after it. A
 * program that is missing makes its contestant unavailable, with the command that brings it.
 */
import { spawn, spawnSync, type ChildProcess } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { connect, createServer, type AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Unavailable } from "../suite.js";

const READY_MS_MAX = 10_000;

/** @throws {Unavailable} naming the Debian package that has it */
export function requireProgram(program: string, debianPackage: string): void {
  const { error } = spawnSync(program, ["-version"], { stdio: "ignore", timeout: 5_000 });
  if (error === undefined || !("code" in error) || error.code !== "ENOENT") return;
  throw new Unavailable(
    `${program} is not installed: apt-get install -y --no-install-recommends ${debianPackage}`,
  );
}

/** Ports of loopback that nobody uses now. */
export async function freePorts(count: number): Promise<number[]> {
  const servers = Array.from({ length: count }, () => createServer());
  const ports = await Promise.all(
    servers.map(
      (server) =>
        new Promise<number>((resolve) => {
          server.listen(0, "127.0.0.1", () => resolve((server.address() as AddressInfo).port));
        }),
    ),
  );
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
  return ports;
}

/** A folder of its own that goes with it. */
export async function scratchFolder(): Promise<AsyncDisposable & { readonly path: string }> {
  const path = await mkdtemp(join(tmpdir(), "bench-"));
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }) };
}

/** Ends a child process and waits until it is gone. */
export async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null || child.pid === undefined) return;
  const gone = new Promise((resolve) => child.once("exit", resolve));
  child.kill("SIGKILL");
  await gone;
}

/** Waits until somebody accepts connections on the port. */
export async function listening(port: number): Promise<void> {
  const until = performance.now() + READY_MS_MAX;
  for (;;) {
    const isOpen = await new Promise<boolean>((resolve) => {
      const socket = connect(port, "127.0.0.1");
      socket.once("connect", () => socket.end(() => resolve(true)));
      socket.once("error", () => resolve(false));
    });
    if (isOpen) return;
    if (performance.now() > until) throw new Error(`Nothing listens on port ${port}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

/** A NATS server that drops nothing of a fast sender. @throws {Unavailable} */
export async function natsServer(port: number): Promise<AsyncDisposable & { pid: number }> {
  requireProgram("nats-server", "nats-server");
  const folder = await scratchFolder();
  const config = join(folder.path, "nats.conf");
  const lines = ["host: 127.0.0.1", `port: ${port}`, "max_pending: 1GB", "write_deadline: 10s"];
  await writeFile(config, lines.join("\n"));
  const child = spawn("nats-server", ["-c", config], { stdio: "ignore" });
  const dispose = async () => {
    await end(child);
    await folder[Symbol.asyncDispose]();
  };
  try {
    await listening(port);
  } catch (error) {
    await dispose();
    throw error;
  }
  return { pid: child.pid ?? 0, [Symbol.asyncDispose]: dispose };
}
