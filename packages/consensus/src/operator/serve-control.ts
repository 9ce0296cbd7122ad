/**
 * serveControl: a node answers operators of its own machine, over a socket in its data directory.
 *
 * Who may open the socket may read the node's disk anyway: the folder is its user's alone. Whoever serves has the lock of
 * the data directory, so a socket that is there already was left by a process that has ended.
 */
import { chmod, mkdir, rm } from "node:fs/promises";
import { createServer, type Server, type Socket } from "node:net";
import { coreErrors, isFoundationError } from "@foundation/core";
import { invalid } from "../membership/membership-errors.js";
import { controlPlace } from "./control-place.js";
import { questionOf, type ControlAnswer } from "./control-words.js";
import { CONTROL_LIMITS } from "./limits.js";

/** What a node has to say to an operator. */
export interface ControlDesk {
  /** What there is to be seen of the group, as plain data. */
  status(): unknown;
  /**
   * Found the group with these first voters; resolves to what `status` says then.
   * @throws {ERR_FOUNDING_REFUSED} nothing was changed.
   */
  bootstrap(voters: readonly string[]): Promise<unknown>;
}

export interface ServeControlOptions {
  /** The node's data directory; this process has its lock. */
  readonly directory: string;
  readonly desk: ControlDesk;
}

/**
 * Answers from now on; returns what ends it.
 *
 * @throws {ERR_INVALID_ARGUMENT} the directory's path is too long for a socket. @throws {ERR_STORAGE} it cannot be made.
 *
 * @example
 * ```ts
 * import { serveControl, type GroupFinder } from "@foundation/consensus"
 *
 * export function serve(directory: string, finder: GroupFinder): Promise<() => Promise<void>> {
 *   const status = () => finder.standing()
 *   const bootstrap = async (voters: readonly string[]) => {
 *     finder.found(voters)
 *     return status()
 *   }
 *   return serveControl({ directory, desk: { status, bootstrap } })
 * }
 * ```
 */
export async function serveControl(options: ServeControlOptions): Promise<() => Promise<void>> {
  const { directory, desk } = options;
  const { folder, socket } = controlPlace(directory);
  const { pathBytesMax, connectionsMax } = CONTROL_LIMITS;
  const length = Buffer.byteLength(socket);
  if (length > pathBytesMax) {
    const expected = `a path that leaves ${socket} within ${pathBytesMax} bytes`;
    throw invalid("directory", expected, `${length} bytes`);
  }
  const sockets = new Set<Socket>();
  const server = createServer((connection) => {
    sockets.add(connection);
    connection.on("close", () => sockets.delete(connection));
    attend(connection, desk);
  });
  server.maxConnections = connectionsMax;
  try {
    await mkdir(folder, { recursive: true, mode: 0o700 });
    await chmod(folder, 0o700);
    await rm(socket, { force: true });
    await listening(server, socket);
    await chmod(socket, 0o600);
  } catch (error) {
    server.close();
    const reason = error instanceof Error ? error.message : String(error);
    throw coreErrors.ERR_STORAGE(
      `The socket ${socket}, over which operators speak to this node, cannot be made: ${reason}`,
      { file: socket, operation: "open", reason },
      error,
    );
  }
  return async () => {
    for (const connection of sockets) connection.destroy();
    await new Promise<void>((resolve) => server.close(() => resolve()));
  };
}

function listening(server: Server, path: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(path, () => {
      server.removeListener("error", reject);
      // A connection that cannot be taken is the operator's to try again.
      server.on("error", () => undefined);
      resolve();
    });
    // An operator that may come keeps no process alive.
    server.unref();
  });
}

/** One question, one answer. */
function attend(connection: Socket, desk: ControlDesk): void {
  let text = "";
  connection.unref();
  connection.setEncoding("utf8");
  connection.setTimeout(CONTROL_LIMITS.idleMs, () => connection.destroy());
  connection.on("error", () => undefined);
  connection.on("data", (part: string) => {
    text += part;
    const end = text.indexOf("\n");
    if (end < 0 && text.length <= CONTROL_LIMITS.lineBytesMax) return;
    connection.removeAllListeners("data");
    void answered(end < 0 ? "" : text.slice(0, end), desk).then((answer) => {
      connection.end(`${JSON.stringify(answer)}\n`);
    });
  });
}

async function answered(line: string, desk: ControlDesk): Promise<ControlAnswer> {
  const question = questionOf(line);
  try {
    switch (question?.type) {
      case "status":
        return { ok: true, value: desk.status() };
      case "bootstrap":
        return { ok: true, value: await desk.bootstrap(question.voters) };
      case undefined: {
        const message =
          "This node does not understand the question: run the command of its version";
        return { ok: false, code: "ERR_NOT_DECODABLE", message };
      }
      default:
        return question satisfies never;
    }
  } catch (error) {
    const code = isFoundationError(error) ? error.code : "ERR_HANDLER_FAILED";
    return { ok: false, code, message: error instanceof Error ? error.message : String(error) };
  }
}
