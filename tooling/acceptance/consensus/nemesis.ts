/**
 * Nemesis: draws what happens to a group from the world's seed.
 *
 * How often each kind of deed comes is drawn too ("swarm testing", Groce et al., 2012): a group that suffers a little of
 * everything hardly ever meets the few faults in a row that a bug needs. Each deed draws from a source of its own, so
 * one may be left out and the others stay: that is how the story of a seed that fails is made short.
 */
import type { Random } from "@foundation/core/ports";
import { deeds, strike, type Deed } from "./deeds.js";
import type { GroupWorld } from "./group-world.js";
import type { Member } from "./member.js";

/** Between two deeds, on average. */
const PACES_MS = [30, 80, 200, 500] as const;
const MENDS_MS = [200, 700, Infinity] as const;

export class Nemesis {
  readonly #world: GroupWorld;
  readonly #random: Random;
  readonly #skip: ReadonlySet<string>;
  readonly #weights: readonly number[];
  readonly #paceMs: number;
  /** Cut links are mended after about so long. */
  readonly #mendMs: number;
  readonly #leaderBias: number;
  /** The names of what was done, in order. */
  readonly done: string[] = [];
  #count = 0;
  #falls = 0;

  /** @param skip names of deeds that are left out */
  constructor(world: GroupWorld, skip: ReadonlySet<string>) {
    this.#world = world;
    this.#skip = skip;
    this.#random = world.random.fork("nemesis");
    const random = this.#random;
    // A third of the deeds never come, the others more or less often.
    this.#weights = deeds.map(() => (random.next() < 0.33 ? 0 : random.next() ** 2));
    this.#paceMs = PACES_MS[Math.floor(random.next() * PACES_MS.length)] as number;
    this.#mendMs = MENDS_MS[Math.floor(random.next() * MENDS_MS.length)] as number;
    this.#leaderBias = random.next();
    // In some runs most leaders fall as soon as they rise (the Raft paper's Figure 8).
    const falls = random.next() < 0.4 ? random.next() : 0;
    world.onLeader = (member) => this.#rises(member, falls);
  }

  begin(): void {
    this.#rage();
    this.#mend();
  }

  /** Until the world is healed. */
  #rage(): void {
    if (this.#world.isHealed) return;
    this.#count += 1;
    const random = this.#random.fork(`${this.#count}`);
    const victim = random.next() < this.#leaderBias ? this.#world.leader : undefined;
    this.#do(`d${this.#count}`, this.#draw(random), victim, random);
    this.#world.after(random.next() * this.#paceMs * 2, () => this.#rage());
  }

  #mend(): void {
    if (this.#world.isHealed || this.#mendMs === Infinity) return;
    this.#world.after(this.#random.next() * this.#mendMs * 2, () => {
      this.#world.network.heal();
      this.#mend();
    });
  }

  #draw(random: Random): Deed | undefined {
    const total = this.#weights.reduce((sum, weight) => sum + weight, 0.01);
    let draw = random.next() * total;
    return deeds[this.#weights.findIndex((weight) => (draw -= weight) < 0)];
  }

  #rises(member: Member, falls: number): void {
    this.#falls += 1;
    const number = this.#falls;
    const random = this.#random.fork(`fall ${number}`);
    if (random.next() >= falls) return;
    const { life } = member;
    this.#world.after(random.next() * 15, () => {
      if (!this.#world.isHealed && member.life === life) {
        this.#do(`f${number}`, strike, member, random);
      }
    });
  }

  #do(name: string, deed: Deed | undefined, victim: Member | undefined, random: Random): void {
    if (!deed || this.#skip.has(name)) return;
    const world = this.#world;
    const member =
      victim ?? (world.members[Math.floor(random.next() * world.members.length)] as Member);
    this.done.push(name);
    world.counts.add("deeds");
    world.counts.add(`deed ${deed.name}`);
    world.tell(() => `${name}: ${deed.name} ${member.name}`);
    deed.happen(world, member, random);
  }
}
