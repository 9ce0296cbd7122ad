/**
 * Watch: looks from time to time at who leads: a leader that cannot reach a quorum, or whose disk stands still, must
 * give way within a bound, or nobody else could lead and clients would wait for it.
 */
import type { GroupWorld } from "./group-world.js";
import type { Member } from "./member.js";
import { isQuorum } from "./quorum.js";
import { fail } from "./violation.js";

const EVERY_MS = 50;

export class Watch {
  readonly #world: GroupWorld;
  /** Since when a member was awake, its disk stood still with something to write, or it led alone. */
  readonly #since = new Map<string, { readonly atMs: number; readonly of: number | undefined }>();

  constructor(world: GroupWorld) {
    this.#world = world;
  }

  begin(): void {
    for (const member of this.#world.members) this.#look(member);
    this.#world.after(EVERY_MS, () => this.begin());
  }

  #look(member: Member): void {
    const { now, weather } = this.#world;
    const { electionMs, heartbeatMs, diskStallMs } = weather.raft.times;
    const { rate, isDiskStalled, disk } = member;
    const leads = member.isLeader() && member.pausedUntil <= now;
    // Counted anew after a pause: what arrived meanwhile is heard first.
    const slackMs = 2 * heartbeatMs + 3 * EVERY_MS;
    const aloneMs = this.#lasts(`${member.name} alone`, leads && !this.#reachesQuorum(member));
    if (aloneMs * rate > 2 * electionMs + slackMs) {
      fail("check quorum", `${member.name} leads without a quorum for ${Math.round(aloneMs)} ms`);
    }
    const isStuck = leads && isDiskStalled && disk.openWrites > 0;
    // Between two looks it may have moved for a moment, and then it is another write that waits.
    const stuckMs = this.#lasts(`${member.name} stuck`, isStuck, disk.oldestWrite);
    if (stuckMs * rate > diskStallMs + slackMs) {
      const what = "leads while its disk stands still";
      fail("disk stall", `${member.name} ${what} for ${Math.round(stuckMs)} ms`);
    }
  }

  /** For how long this has been so, of the same thing. */
  #lasts(name: string, isSo: boolean, of?: number): number {
    const { now } = this.#world;
    if (!isSo) {
      this.#since.delete(name);
      return 0;
    }
    const before = this.#since.get(name);
    const since = before !== undefined && before.of === of ? before : { atMs: now, of };
    this.#since.set(name, since);
    return now - since.atMs;
  }

  /** Answers of a quorum arrived during the last heartbeats. */
  #reachesQuorum({ id, heardAt, disk, leadsSince = 0 }: Member): boolean {
    const { now, weather } = this.#world;
    const { configuration } = disk.view;
    if (!configuration) return true;
    const since = now - 3 * weather.raft.times.heartbeatMs - 2 * EVERY_MS;
    const isHeard = (other: typeof id): boolean => {
      return other === id || (heardAt.get(other) ?? leadsSince) > since;
    };
    return isQuorum(configuration, isHeard);
  }
}
