/**
 * lockModel: a lock whose every grant has a fencing token, together with the resource that the tokens protect.
 *
 * A lock with a lease cannot promise that its holder is alone: a holder that was paused goes on believing. What it can
 * promise (Kleppmann 2016, "How to do distributed locking"; Chubby's sequencers) is that tokens grow strictly, so that a
 * resource that has seen a newer token refuses an older one. That is what is checked. Without leases
 * (`leases: false`) exclusion itself is: a grant while another holds it is wrong.
 */
import type { SequentialModel } from "../sequential-model.js";

export type LockInput =
  /** Takes the lock. Output: the token, or `null` when another holds it. */
  | { readonly type: "acquire" }
  /** Gives it back. Output: true, or false when this token did not hold it any more. */
  | { readonly type: "release"; readonly token: number }
  /** Uses the resource. Output: true, or false when it was refused because a newer token was there before. */
  | { readonly type: "use"; readonly token: number };

export type LockOutput = number | boolean | null;

/** The state of a lock and of its resource. */
export interface LockState {
  /** The token of the holder, if anyone has it; `"unseen"` when a grant was made whose answer nobody got. */
  readonly holder: number | "unseen" | null;
  /** No token up to this one is granted again. */
  readonly granted: number;
  /** The greatest token the resource has seen. */
  readonly seen: number;
}

export interface LockModelOptions {
  /**
   * Whether a holder may lose the lock by the passing of time.
   *
   * @default true
   */
  readonly leases?: boolean | undefined;
}

/** A lock with fencing tokens, which are integers. */
export function lockModel(
  options: LockModelOptions = {},
): SequentialModel<LockState, LockInput, LockOutput> {
  const { leases = true } = options;
  return {
    name: "lock",
    initial: { holder: null, granted: -1, seen: -1 },
    step: (state, input, output) => {
      if (input.type === "acquire") return acquire(state, output, leases);
      if (input.type === "release") return release(state, input.token, output, leases);
      return use(state, input.token, output);
    },
    traits: (input, output) => {
      const refused = input.type === "acquire" ? output === null : output === false;
      return { effect: refused && input.type !== "release" ? "none" : "depends" };
    },
    describe: (input, output) => {
      const call = input.type === "acquire" ? "acquire()" : `${input.type}(${input.token})`;
      return output === undefined ? call : `${call} → ${output}`;
    },
  };
}

function acquire(
  state: LockState,
  output: LockOutput | undefined,
  leases: boolean,
): readonly LockState[] {
  const grantable = leases || state.holder === null;
  if (output === null) return state.holder === null ? [] : [state];
  if (output === undefined) {
    // The token is greater than all before it: by one, if we are to refuse nothing that may be right.
    const granted: LockState = { ...state, holder: "unseen", granted: state.granted + 1 };
    const refused = state.holder === null ? [] : [state];
    return grantable ? [granted, ...refused] : refused;
  }
  const fresh = typeof output === "number" && output > state.granted;
  return grantable && fresh ? [{ ...state, holder: output, granted: output }] : [];
}

function release(
  state: LockState,
  token: number,
  output: LockOutput | undefined,
  leases: boolean,
): readonly LockState[] {
  const held = state.holder === token;
  // The token of a grant that nobody saw is some number from `granted` on: this one may be it.
  const maybe = state.holder === "unseen" && token >= state.granted;
  const free: LockState = { ...state, holder: null, granted: Math.max(state.granted, token) };
  if (output === true) return held || maybe ? [free] : [];
  // With leases, the one that held it may have lost it by itself just before.
  if (output === false && held) return leases ? [free] : [];
  if (output === false) return maybe && leases ? [state, free] : [state];
  if (held) return [free];
  return maybe ? [state, free] : [state];
}

function use(
  state: LockState,
  token: number,
  output: LockOutput | undefined,
): readonly LockState[] {
  const accepted = token >= state.seen;
  if (output !== undefined && output !== accepted) return [];
  return [accepted ? { ...state, seen: token } : state];
}
