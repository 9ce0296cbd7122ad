/**
 * Seats: the code of the seats, loaded when the first node of this process takes one of that kind: most clusters agree on
 * nothing, and none has all kinds.
 *
 * Loading takes real time, which a simulation cannot have: it calls `loadSeats` before its time begins. Each module is kept
 * here, since even a module that was loaded before is given by `import` after a time that nobody knows.
 */

const client = once(() => import("./client-seat.js"));
const candidates = once(() => import("./candidates.js"));
const voter = once(() => import("./voter-seat.js"));
const development = once(() => import("./development-seat.js"));

export const seats = { client, candidates, voter, development };

/** Loads what the seats of simulated nodes need; from then on taking one takes no real time. */
export async function loadSeats(): Promise<void> {
  // One after the other: they share most of what they load, and not every loader of modules bears two that wait for one.
  for (const load of [client, candidates, voter]) await load();
}

/** One promise for all: a failed load is tried again. */
function once<T>(load: () => Promise<T>): () => Promise<T> {
  let loading: Promise<T> | undefined;
  return () => {
    loading ??= load().catch((error: unknown) => {
      loading = undefined;
      throw error;
    });
    return loading;
  };
}
