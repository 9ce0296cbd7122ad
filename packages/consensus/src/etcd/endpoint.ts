/**
 * Endpoint: the connection to one member of the etcd cluster.
 *
 * It connects when it is first asked for, and again by itself; calls are not kept for later: who calls has seen it
 * connected, so a call that fails was most likely sent.
 */
import type { ClientDuplexStream, ClientUnaryCall, Client, Metadata } from "@grpc/grpc-js";
import type { CallError } from "./failures.js";
import type { Library, Method } from "./library.js";
import type { EtcdCalls, EtcdWatchRequest, EtcdWatchResponse } from "./messages.js";
import type { Settings } from "./settings.js";

/** What grpc-js adds to its reasons when name resolution had nothing to say. */
const EMPTY_NOTE = /\s*Resolution note: *$/;

export type WatchStream = ClientDuplexStream<EtcdWatchRequest, EtcdWatchResponse>;

/** Takes the one answer, or why there is none. */
export type Answered<Answer> = (error: CallError | undefined, answer: Answer | undefined) => void;

export class Endpoint {
  readonly address: string;
  /** It has answered, and for the cluster that is meant. */
  isKnown = false;
  /** Why it could not be used when it was tried last; empty before that. */
  trouble = "";
  readonly #library: Library;
  readonly #settings: Settings;
  readonly #client: Client;
  readonly #channel: ReturnType<Client["getChannel"]>;

  constructor(address: string, library: Library, settings: Settings) {
    this.address = address;
    this.#library = library;
    this.#settings = settings;
    this.#client = new library.grpc.Client(
      address,
      credentialsOf(library, settings),
      optionsOf(settings),
    );
    this.#channel = this.#client.getChannel();
  }

  get isConnected(): boolean {
    return this.#channel.getConnectivityState(false) === this.#library.grpc.connectivityState.READY;
  }

  /** Connects; false when that failed, or is not done after so long. */
  async connect(withinMs: number): Promise<boolean> {
    const { connectivityState } = this.#library.grpc;
    const { clock } = this.#settings.runtime;
    const untilMs = clock.wallNow() + withinMs;
    for (;;) {
      const state = this.#channel.getConnectivityState(true);
      if (state === connectivityState.READY) return true;
      if (state === connectivityState.SHUTDOWN) return false;
      if (state === connectivityState.TRANSIENT_FAILURE) {
        this.trouble = await this.#askWhy();
        return false;
      }
      if (!(await this.#changes(state, untilMs))) {
        this.trouble = `${this.address} does not answer`;
        return false;
      }
    }
  }

  /** The state tells no reason; a call without a connection fails at once, and does. */
  async #askWhy(): Promise<string> {
    const { clock } = this.#settings.runtime;
    const metadata = new this.#library.grpc.Metadata();
    return await new Promise((resolve) => {
      const cancel = this.call("Range", { key: Buffer.of(0), limit: 1 }, metadata, (error) => {
        timer.cancel();
        const why = error?.details.replace(EMPTY_NOTE, "") ?? "connected by now";
        resolve(`${this.address}: ${why}`);
      });
      const timer = clock.setTimer(this.#settings.times.retryMs, () => {
        cancel();
        resolve(`${this.address} cannot be connected`);
      });
    });
  }

  async #changes(state: number, untilMs: number): Promise<boolean> {
    return await new Promise((resolve) => {
      this.#channel.watchConnectivityState(state, untilMs, (error) => resolve(error === undefined));
    });
  }

  /** Sends one request; gives the function that takes no interest in the answer any more. */
  call<Name extends keyof EtcdCalls>(
    name: Name,
    request: EtcdCalls[Name]["request"],
    metadata: Metadata,
    answered: Answered<EtcdCalls[Name]["answer"]>,
  ): () => void {
    const method = this.#library.methods[name];
    if (method.responseStream) return this.#callOnce(method, request, metadata, answered);
    const call: ClientUnaryCall = this.#client.makeUnaryRequest<object, object>(
      method.path,
      method.requestSerialize,
      method.responseDeserialize,
      request,
      metadata,
      (error, answer) => answered(error ?? undefined, answer as EtcdCalls[Name]["answer"]),
    );
    return () => call.cancel();
  }

  /** A stream for one request and its answer. */
  #callOnce<Answer>(
    method: Method,
    request: object,
    metadata: Metadata,
    answered: Answered<Answer>,
  ): () => void {
    const call = this.#stream<object, object>(method, metadata);
    call.once("data", (answer: unknown) => {
      answered(undefined, answer as Answer);
      call.cancel();
    });
    // Cancelling, too, ends with an error; who has an answer does not mind.
    call.on("error", (error) => answered(callErrorOf(error), undefined));
    call.on("end", () => answered({ code: 14, details: "the stream ended" }, undefined));
    call.write(request);
    return () => call.cancel();
  }

  watch(metadata: Metadata): WatchStream {
    return this.#stream(this.#library.methods.Watch, metadata);
  }

  #stream<Request, Response>(
    method: Method,
    metadata: Metadata,
  ): ClientDuplexStream<Request, Response> {
    return this.#client.makeBidiStreamRequest(
      method.path,
      method.requestSerialize as unknown as (value: Request) => Buffer,
      method.responseDeserialize as unknown as (bytes: Buffer) => Response,
      metadata,
    );
  }

  close(): void {
    this.#client.close();
  }
}

/** Of an `error` event of a stream. */
export function callErrorOf(error: Error): CallError {
  const { code, details } = error as Error & Partial<CallError>;
  return { code: code ?? 2, details: details ?? error.message };
}

function credentialsOf({ grpc }: Library, { tls }: Settings) {
  if (tls === undefined) return grpc.credentials.createInsecure();
  const { ca, key, cert } = tls;
  return grpc.credentials.createSsl(bytesOf(ca), bytesOf(key), bytesOf(cert));
}

function bytesOf(text: string | Uint8Array | undefined): Buffer | null {
  return text === undefined ? null : Buffer.from(text as Uint8Array);
}

function optionsOf({ tls, times, limits }: Settings): Record<string, string | number> {
  return {
    "grpc.enable_channelz": 0,
    // Endpoints are dialled as they are named, whatever proxy the environment has for the web.
    "grpc.enable_http_proxy": 0,
    // What is repeated, and when, is decided by who knows what may be done twice.
    "grpc.enable_retries": 0,
    "grpc.initial_reconnect_backoff_ms": times.retryMs,
    "grpc.keepalive_time_ms": times.probeMs,
    "grpc.keepalive_timeout_ms": times.probeAnswerMs,
    "grpc.max_receive_message_length": limits.answerBytesMax,
    "grpc.max_reconnect_backoff_ms": times.retryMsMax,
    "grpc.service_config_disable_resolution": 1,
    // A connection of this engine's own, that ends with it.
    "grpc.use_local_subchannel_pool": 1,
    ...(tls?.serverName === undefined ? {} : { "grpc.ssl_target_name_override": tls.serverName }),
  };
}
