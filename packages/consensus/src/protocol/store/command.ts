/**
 * Commands: what a group's log holds for a store: requests, most of them numbered within a client's session.
 *
 * A request that may not take effect twice (a transaction, a grant) is sent within a session, so it can be sent again
 * until its answer is known. Renewing, revoking, compacting and changing limits do no harm when done twice: they need no
 * session.
 */
import type { StoreRefusal, StoreRequest } from "./request.js";
import {
  count,
  expectLength,
  list,
  opened,
  parsing,
  requestData,
  requestOf,
  sealed,
} from "./request-codec.js";

export type StoreCommand =
  /** Opens a session; its answer names it. */
  | { readonly type: "open" }
  | { readonly type: "close"; readonly session: number }
  | {
      readonly type: "command";
      readonly session: number;
      readonly sequence: number;
      readonly answeredBelow: number;
      readonly request: StoreRequest;
    }
  | { readonly type: "plain"; readonly request: StoreRequest };

const OPEN = 0;
const CLOSE = 1;
const COMMAND = 2;
const PLAIN = 3;

export function encodeCommand(command: StoreCommand): Uint8Array {
  return sealed(commandData(command));
}

/** The command, or why the bytes are none. It shares no memory with them. */
export function parseCommand(bytes: Uint8Array): StoreCommand | StoreRefusal {
  return parsing(() => commandOf(list(opened(bytes))));
}

function commandData(command: StoreCommand): readonly unknown[] {
  switch (command.type) {
    case "open":
      return [OPEN];
    case "close":
      return [CLOSE, command.session];
    case "command": {
      const { session, sequence, answeredBelow, request } = command;
      return [COMMAND, session, sequence, answeredBelow, requestData(request)];
    }
    case "plain":
      return [PLAIN, requestData(command.request)];
    default:
      return command satisfies never;
  }
}

function commandOf(fields: readonly unknown[]): StoreCommand {
  const [kind, first, second, third, fourth] = fields;
  switch (kind) {
    case OPEN:
      expectLength(fields, 1);
      return { type: "open" };
    case CLOSE:
      expectLength(fields, 2);
      return { type: "close", session: count(first) };
    case COMMAND:
      expectLength(fields, 5);
      return {
        type: "command",
        session: count(first),
        sequence: count(second),
        answeredBelow: count(third),
        request: requestOf(fourth),
      };
    case PLAIN:
      expectLength(fields, 2);
      return { type: "plain", request: requestOf(first) };
    default:
      throw new Error(`a command of the unknown kind ${String(kind)}`);
  }
}
