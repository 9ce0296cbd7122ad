/** Every error code of @foundation/core. docs/errors.md is generated from here. */
import { defineErrors, error } from "./define-errors.js";

export const coreErrors = defineErrors({
  ERR_OUTCOME_UNKNOWN: error<{
    readonly reason: "connection-lost" | "deadline-exceeded" | "aborted" | "process-ended";
    readonly target: string;
  }>({
    summary: "A request was written to the wire and no reply came: it may or may not have run.",
    fix: "Ask the target whether it ran, or send the request again only if it is idempotent.",
    retryable: false,
  }),
  ERR_TIMEOUT: error<{ readonly timeoutMs: number; readonly target: string }>({
    summary: "The time for an operation ran out before it had any effect.",
    fix: "Allow more time, or find out why the target is slow.",
    retryable: true,
  }),
  ERR_ABORTED: error<{ readonly target: string }>({
    summary: "The caller's AbortSignal fired before the operation had any effect.",
    fix: "Nothing: the caller asked for it.",
    retryable: true,
  }),
  ERR_CLOSED: error<{ readonly what: string }>({
    summary: "The handle was closed, so it takes no more work.",
    fix: "Do not use a handle after close(); open a new one.",
    retryable: false,
  }),
  ERR_NODE_UNREACHABLE: error<{ readonly node: string; readonly reason: string }>({
    summary: "There is no connection to the node and the message was not written.",
    fix: "Wait until membership shows the node again, or choose another node; a retry is safe.",
    retryable: true,
  }),
  ERR_QUEUE_FULL: error<{
    readonly queue: string;
    readonly limit: number;
    readonly unit: "messages" | "bytes";
  }>({
    summary: "A bounded queue is full and its policy refuses more.",
    fix: "Send more slowly (await send), or raise the limit the message names.",
    retryable: true,
  }),
  ERR_NOT_ENCODABLE: error<{ readonly path: string; readonly found: string }>({
    summary: "A value cannot be sent to another node: it is not plain data.",
    fix: "Send plain objects, arrays, strings, numbers, dates, maps, sets and bytes; no functions.",
    retryable: false,
  }),
  ERR_NOT_DECODABLE: error<{ readonly reason: string }>({
    summary: "Received bytes are not a well-formed message, or exceed a decoding limit.",
    fix: "Check that both nodes run compatible versions.",
    retryable: false,
  }),
  ERR_UNKNOWN_SUBJECT: error<{ readonly subject: string; readonly node: string }>({
    summary: "The node has no handler for the subject of the message.",
    fix: "Check that the target node runs the package or the version that serves it.",
    retryable: false,
  }),
  ERR_HANDLER_FAILED: error<{ readonly thrown: string }>({
    summary: "The code that handled the request threw an unexpected error.",
    fix: "Read the handler's own log; to answer with an expected error, throw a FoundationError.",
    retryable: false,
  }),
  ERR_STREAM_BROKEN: error<{
    readonly reason:
      | "aborted"
      | "connection-lost"
      | "deadline-exceeded"
      | "handler-ended"
      | "source-failed";
    readonly from: string;
  }>({
    summary: "A byte stream from another node ended before its last byte.",
    fix: "Discard what was read of it; details.reason says which side ended it, and the sender can begin again.",
    retryable: false,
  }),
  ERR_INVALID_ARGUMENT: error<{
    readonly argument: string;
    readonly expected: string;
    readonly found: string;
  }>({
    summary: "An argument is not what the function takes.",
    fix: "Pass what the message says was expected.",
    retryable: false,
  }),
  ERR_CONFIG_INVALID: error<{
    readonly problems: readonly {
      readonly path: string;
      readonly layer: string;
      readonly expected: string;
      readonly found: string;
      readonly fix: string;
    }[];
  }>({
    summary: "The configuration has a value that is not allowed, or an option nobody knows.",
    fix: "Change each named path in the layer that is named beside it.",
    retryable: false,
  }),
  ERR_CONFIG_UNREADABLE: error<{ readonly file: string; readonly reason: string }>({
    summary: "A configuration file exists but cannot be read or run.",
    fix: "Make the file readable and valid, or remove it.",
    retryable: false,
  }),
  ERR_STORAGE: error<{
    readonly file: string;
    readonly operation: string;
    readonly reason: string;
  }>({
    summary: "The disk refused an operation.",
    fix: "Look at the reason: free space, permissions or the device itself.",
    retryable: false,
  }),
  ERR_DATA_IN_USE: error<{ readonly owner: string; readonly file: string }>({
    summary: "Another running process uses this node's data directory.",
    fix: "Stop the process named in the message, or give this node a data directory of its own.",
    retryable: false,
  }),
  ERR_ADDRESS_IN_USE: error<{ readonly host: string; readonly port: number }>({
    summary: "Another socket listens on that port.",
    fix: "Choose another port, or 0 for any free one.",
    retryable: false,
  }),
  ERR_ADDRESS_INVALID: error<{ readonly address: string; readonly reason: string }>({
    summary:
      "The address cannot be listened on or dialled: it is malformed or not of this machine.",
    fix: "Pass a host name or address of this machine and a port from 0 to 65535.",
    retryable: false,
  }),
  ERR_DIAL_REFUSED: error<{ readonly address: string }>({
    summary: "Nobody listens at the address: the process there is most likely gone.",
    fix: "Start the node there, or correct the address.",
    retryable: true,
  }),
  ERR_DIAL_FAILED: error<{ readonly address: string; readonly reason: string }>({
    summary:
      "No connection to the address could be made, and it is not known whether anybody is there.",
    fix: "Look at the reason: no route, no answer in time, or a host that speaks another protocol.",
    retryable: true,
  }),
  ERR_NO_PROCESS: error<{ readonly process: string }>({
    summary: "No process with that name or id is running; nothing was delivered.",
    fix: "Start it, or wait until its supervisor has restarted it; a retry is safe.",
    retryable: true,
  }),
  ERR_PROCESS_UNDEFINED: error<{ readonly definition: string; readonly known: readonly string[] }>({
    summary: "No node of the cluster defines a process of that name.",
    fix: "Import the module that calls defineProcess on the nodes that shall run it.",
    retryable: false,
  }),
  ERR_PROCESS_DEFINED_TWICE: error<{ readonly definition: string }>({
    summary: "Two different process definitions claim one name.",
    fix: "Rename one: what runs remotely is found by its name.",
    retryable: false,
  }),
  ERR_UNKNOWN_HANDLER: error<{
    readonly definition: string;
    readonly handler: string;
    readonly known: readonly string[];
  }>({
    summary: "The process has no handler of that name.",
    fix: "Call one of the handlers listed in details.known, or deploy the version that has it.",
    retryable: false,
  }),
  ERR_MAILBOX_FULL: error<{ readonly process: string; readonly limit: number }>({
    summary:
      "The process's mailbox is full and its policy refuses more; the message was not taken.",
    fix: "Send more slowly, make the handler faster, or raise mailbox.limit in defineProcess.",
    retryable: true,
  }),
  ERR_INIT_FAILED: error<{ readonly process: string; readonly thrown: string }>({
    summary: "The process's init threw, so the process did not start.",
    fix: "Fix init or its arguments; the cause is in the log of the node named in the message.",
    retryable: false,
  }),
  ERR_PROCESS_FROZEN: error<{ readonly process: string }>({
    summary: "The process is frozen already: somebody else is moving it or looking at it.",
    fix: "Wait until the hand-over in progress has ended, then try again.",
    retryable: true,
  }),
  ERR_STATE_VERSION: error<{
    readonly definition: string;
    readonly expected: number;
    readonly found: number;
  }>({
    summary: "A process's state is of another version of its definition, which has no upgrade.",
    fix: "Add upgrade(oldState, fromVersion) to the definition, or deploy the version the state is of.",
    retryable: false,
  }),
  ERR_SUPERVISOR_GAVE_UP: error<{
    readonly supervisor: string;
    readonly restarts: number;
    readonly withinMs: number;
  }>({
    summary: "A supervisor saw more restarts than its intensity allows and stopped its children.",
    fix: "Find why the child keeps failing; raise maxRestarts only if failing is expected.",
    retryable: false,
  }),
  ERR_LEASE_LOST: error<{ readonly lease: string }>({
    summary: "A lease ran out, was revoked, or never was: what was attached to it is deleted.",
    fix: "Treat what the lease protected as lost, and acquire it anew under a new lease.",
    retryable: false,
  }),
  ERR_NAME_MOVED: error<{ readonly name: string; readonly token: number }>({
    summary: "A claim of a name was given to another owner, or taken away.",
    fix: "Stop serving the name; look up who has it now.",
    retryable: false,
  }),
  ERR_ROSTER_EPOCH: error<{ readonly expected: number; readonly found: number }>({
    summary: "The committed list of members was changed by another since it was read.",
    fix: "Read the roster, decide anew, and propose with its epoch.",
    retryable: false,
  }),
});
