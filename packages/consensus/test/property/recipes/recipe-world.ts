/**
 * RecipeWorld: several faulty clients over one engine, a nemesis, and a time when all heals.
 *
 * What must hold always is checked after each step of virtual time; what must hold in the end, after the heal.
 */
import type { Random } from "@foundation/core/ports";
import { memoryRuntime, seededRandom, virtualClock } from "@foundation/core/testing";
import type { Engine } from "../../../src/engine/engine.js";
import { createMemoryEngine, createRecipes, type Recipes } from "../../../src/index.js";
import { CALM, FaultyClient, type Weather } from "./faulty-client.js";

export interface Client {
  readonly name: string;
  readonly process: FaultyClient;
  readonly recipes: Recipes;
  readonly random: Random;
}

const STEP_MS = 20;

export class RecipeWorld {
  readonly clock = virtualClock();
  readonly clients: Client[] = [];
  readonly #engine: Engine;
  readonly #random: Random;
  /** False once the clients should finish what they do. */
  isStormy = true;

  constructor(seed: string, size: number) {
    const { clock } = this;
    this.#random = seededRandom(seed);
    // A short memory, so that watches find what they want forgotten.
    this.#engine = createMemoryEngine({ clock, limits: { historyRevisionsMax: 60 } });
    for (let i = 0; i < size; i += 1) this.#add(`c${i}`);
  }

  /** Lets the storm pass, then the calm, and checks after each step. */
  async run(stormMs: number, calmMs: number, check: () => void): Promise<void> {
    for (let atMs = 0; atMs < stormMs; atMs += STEP_MS) {
      this.#strike();
      await this.clock.advance(STEP_MS);
      check();
    }
    this.isStormy = false;
    for (const { process } of this.clients) {
      process.weather = CALM;
      if (!process.isDead) process.cut(false);
    }
    for (let atMs = 0; atMs < calmMs; atMs += STEP_MS) {
      await this.clock.advance(STEP_MS);
      check();
    }
  }

  get living(): readonly Client[] {
    return this.clients.filter(({ process }) => !process.isDead);
  }

  #strike(): void {
    const random = this.#random;
    if (random.next() > 0.02) return;
    const { process } = this.#pick(this.clients);
    const dice = random.next();
    if (dice < 0.5) process.pause(random.next() * 5_000);
    else if (dice < 0.95) {
      process.cut(true);
      this.clock.setTimer(random.next() * 5_000, () => {
        if (!process.isDead) process.cut(false);
      });
    } else if (this.living.length > 2) process.die();
  }

  #add(name: string): void {
    const random = this.#random.fork(name);
    const process = new FaultyClient(this.clock, this.#engine, random.fork("way"), this.#weather());
    const runtime = { ...memoryRuntime({ seed: name }), clock: process.clock, random };
    const recipes = createRecipes(process.engine(), { runtime, client: name });
    this.clients.push({ name, process, recipes, random: random.fork("plan") });
  }

  #weather(): Weather {
    const part = (max: number) => (this.#random.next() < 0.5 ? 0 : this.#random.next() * max);
    return {
      refused: part(0.08),
      answerLost: part(0.08),
      lost: part(0.08),
      late: part(0.15),
      slow: part(0.3),
      watchBroken: part(0.08),
    };
  }

  #pick<T>(all: readonly T[]): T {
    return all[Math.floor(this.#random.next() * all.length)] as T;
  }
}

/** How many seeds to play: a few, or as many as RECIPE_SEEDS says; SEED plays one. */
export function seeds(prefix: string, few: number): readonly string[] {
  const { RECIPE_SEEDS, SEED } = process.env;
  if (SEED !== undefined) return [SEED];
  const count = RECIPE_SEEDS === undefined ? few : Number(RECIPE_SEEDS);
  return Array.from({ length: count }, (_, i) => `${prefix}-${i}`);
}
