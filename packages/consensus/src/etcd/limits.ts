/** Every limit and interval of the engine over etcd, with its name. */

/** Times, milliseconds. */
export interface EtcdTimes {
  /** An endpoint that is not connected after this long is passed over for the next one. */
  readonly connectMs: number;
  /** The first pause before something is tried again; each further one is twice as long. */
  readonly retryMs: number;
  /** The longest such pause. */
  readonly retryMsMax: number;
  /** A connection with requests under way is probed this often. etcd refuses less than five seconds. */
  readonly probeMs: number;
  /** A connection whose probe is not answered for this long is given up. */
  readonly probeAnswerMs: number;
}

export const ETCD_TIMES: EtcdTimes = {
  connectMs: 2_000,
  retryMs: 50,
  retryMsMax: 2_000,
  probeMs: 6_000,
  probeAnswerMs: 4_000,
};

/** How long a request may take unless it says so itself, milliseconds. */
export const ETCD_TIMEOUT_MS = 5_000;

/** A request that may be repeated is given at least this long before another endpoint is asked. */
export const ETCD_ATTEMPT_MS_MIN = 1_000;

export interface EtcdLimits {
  /** Endpoints in the list; more are refused. */
  readonly endpointsMax: number;
  /** Requests under way; one more is refused with `ERR_QUEUE_FULL`. */
  readonly requestsMax: number;
  /** Revisions of one watch that wait for its reader; while they do, etcd is not listened to. */
  readonly watchBatchesMax: number;
  /** Size of one answer; of a larger one nothing is known, so ask for long ranges page by page. */
  readonly answerBytesMax: number;
}

export const ETCD_LIMITS: EtcdLimits = {
  endpointsMax: 64,
  requestsMax: 10_000,
  watchBatchesMax: 1_000,
  answerBytesMax: 134_217_728,
};

/** How often one request asks for a new token before etcd's refusal is believed. */
export const TOKEN_RENEWALS_MAX = 2;

/** How long a watch that begins too early waits for etcd to say since when it forgets: a few of its looks at watches. */
export const SYNC_MS = 500;
