/**
 * StateMachine: what a group replicates: the same commands, in the same order, on every member.
 *
 * It is the application's half of a group (the store of this package is one). Commands come from the
 * log alone, and so does the time: two members that have applied the same index hold the same state
 * and gave the same responses. That is why the member that proposed a command may answer its caller
 * with its *own* machine's response.
 *
 * Invariants a machine must keep: `apply` depends on nothing but its arguments and what was applied
 * before; a snapshot holds everything `apply` depends on.
 */
export interface StateMachine<Response> {
  /**
   * Applies the command at `index`. Indexes rise, with gaps: entries of the group's own are not told.
   *
   * Deterministic, synchronous, and it never throws for a bad command: it answers a refusal. What it
   * throws is a bug, and ends this member.
   *
   * @param timeMs log time, milliseconds since the group began, never falling: the leader's monotonic
   *   clock, continued by each next leader from where the log stood. It may stand still, never run
   *   ahead: what is due at a log time is never due too early.
   * @param data as proposed; empty for a tick, which only lets time pass. It is the log's own memory:
   *   keep it, never write to it.
   */
  apply(index: number, timeMs: number, data: Uint8Array): Response;
  /**
   * The state as of the call, in pieces of any size. The pieces are asked for later, between further
   * calls of `apply`: they must not show what those change.
   */
  snapshot(): Iterable<Uint8Array>;
  /**
   * Puts a snapshot's state in the place of the present one. The pieces are cut differently than they
   * were given. Nothing is applied meanwhile. An error ends this member.
   */
  restore(chunks: AsyncIterable<Uint8Array>): Promise<void>;
  /**
   * The log time at which something is due, a lease's end for instance: the leader then proposes a
   * tick. Asked after each application; undefined when nothing is.
   */
  wakeAt?(): number | undefined;
}
