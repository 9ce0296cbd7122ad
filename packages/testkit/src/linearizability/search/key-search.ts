/**
 * KeySearch: looks for an order of one key's operations that the model allows and that keeps to real time.
 *
 * The search of Wing and Gong ("Testing and verifying concurrent objects", 1993) with Lowe's two improvements ("Testing
 * for linearizability", 2017): configurations are remembered, and operations are placed just in time, when one that has
 * not been placed ends. Such an end opens a frame: there the operation is placed, or placed after as few others as will
 * do (fewest first), and the search goes on to the next end; when nothing is left in a frame, it goes back.
 *
 * Invariants. A configuration is a level, a state, `due` (what must yet be placed) and `open` (what may change the state
 * yet). Five observations keep configurations few, each of which keeps at least one order if there is one:
 * - what has effect "none" is placed as soon as the state allows it, for it disturbs nobody, and is never open;
 * - after an operation that overwrites, all open ones that do are no longer due: they may have come right before it, or
 *   may still come, at the latest when they end;
 * - of open operations with equal input and output, only the one that ends first is placed;
 * - an operation without an answer that would not change the state is left out;
 * - what may as well be left out or overwritten is placed only before something that it makes possible.
 */
import { Foresight } from "./foresight.js";
import { addSlot, deleteSlot, emptySet, hasSlot, slotsOf, type SlotSet } from "./slot-set.js";
import type { Timeline } from "./timeline.js";
import { Visited } from "./visited.js";

/** A point of the search. `due`, `open`, `reads` and `level` grow old with it: they no longer change once it is kept. */
export interface Configuration {
  level: number;
  readonly state: number;
  readonly due: SlotSet;
  readonly open: SlotSet;
  /** The operation placed to get here from `parent`, at the parent's level; -1 at the beginning. */
  readonly placed: number;
  /** What was placed after it without changing anything. */
  readonly reads: number[];
  readonly parent: Configuration | undefined;
  /** How many operations were placed so far. */
  count: number;
}

/** What is left to try at one level. */
interface Frame {
  /** Configurations in which the operation that ends here is not placed. */
  readonly waiting: Configuration[];
  nextWaiting: number;
  /** Configurations in which it is, or need not be, so that the search can go on from them. */
  readonly done: Configuration[];
  nextDone: number;
}

/** `"searching"`: more may be found by running on. `"given-up"`: nobody will. */
export type SearchStatus = "searching" | "found" | "impossible" | "given-up";

export class KeySearch<State, Input, Output> {
  readonly #timeline: Timeline<State, Input, Output>;
  readonly #levels: number;
  readonly #foresight: Foresight<State, Input, Output>;
  readonly #visited = new Visited();
  readonly #frames: Frame[] = [];
  #furthest: Configuration;
  #status: SearchStatus = "searching";
  #kept = 0;

  /** @param levels how many ends of operations the order must reach past. */
  constructor(timeline: Timeline<State, Input, Output>, levels = timeline.levels.length) {
    this.#timeline = timeline;
    this.#levels = levels;
    this.#foresight = new Foresight(timeline, levels);
    const { words, transitions } = timeline;
    this.#furthest = {
      level: -1,
      state: transitions.initial,
      due: emptySet(words),
      open: emptySet(words),
      placed: -1,
      reads: [],
      parent: undefined,
      count: 0,
    };
    this.#goOn(this.#furthest);
  }

  get status(): SearchStatus {
    return this.#status;
  }

  /** How many configurations it keeps. */
  get kept(): number {
    return this.#kept;
  }

  /** The end of the order when one was found, else the configuration that came furthest. */
  get furthest(): Configuration {
    return this.#furthest;
  }

  /** Searches on for at most so many expansions. */
  run(expansions: number): SearchStatus {
    for (let left = expansions; left > 0 && this.#status === "searching"; left -= 1) {
      const frame = this.#frames.at(-1);
      if (!frame) {
        this.#status = "impossible";
      } else if (frame.nextDone < frame.done.length) {
        this.#goOn(frame.done[frame.nextDone++] as Configuration);
      } else if (frame.nextWaiting < frame.waiting.length) {
        this.#expand(frame, frame.waiting[frame.nextWaiting++] as Configuration);
      } else {
        this.#frames.pop();
      }
    }
    return this.#status;
  }

  /** Goes to the next end of an operation that is not placed, and opens a frame there. */
  #goOn(configuration: Configuration): void {
    const { due, open } = configuration;
    const timeline = this.#timeline;
    let ending: number;
    do {
      configuration.level += 1;
      if (configuration.level === this.#levels) {
        this.#noteFurthest(configuration);
        this.#status = "found";
        return;
      }
      timeline.moveTo(configuration.level);
      for (const index of timeline.level(configuration.level).started) {
        const { slot, effect, lastLevel } = timeline.operation(index);
        if (effect !== "none") addSlot(open, slot);
        if (lastLevel < this.#levels) addSlot(due, slot);
      }
      this.#placeReads(configuration);
      ending = this.#slotEndingAt(configuration.level);
    } while (!hasSlot(due, ending) && !hasSlot(open, ending));
    const frame: Frame = { waiting: [], nextWaiting: 0, done: [], nextDone: 0 };
    // It came right before one that overwrote it: it need not be placed, but now is its last chance.
    if (!hasSlot(due, ending)) this.#skip(frame, configuration, ending);
    if (this.#wait(frame, configuration)) this.#frames.push(frame);
  }

  #skip(frame: Frame, configuration: Configuration, ending: number): void {
    const { level, state } = configuration;
    const skipped = without(configuration, ending);
    const { makes } = this.#timeline.operation(this.#timeline.level(level).ends);
    const isNeeded =
      makes !== state && this.#foresight.heldUntil(makes, level, skipped.open) > level;
    if (!isNeeded) frame.done.push(skipped);
  }

  /** Keeps a configuration in which the operation that ends here is not placed, and places that first of all. */
  #wait(frame: Frame, configuration: Configuration): boolean {
    const { level, state, due, open } = configuration;
    const indexes = slotsOf(due).map((slot) => this.#timeline.holder(slot));
    if (this.#foresight.isHopeless(state, level, indexes, open)) return false;
    if (!this.#visited.add(level, state, due, open)) return false;
    this.#kept += 1;
    this.#noteFurthest(configuration);
    frame.waiting.push(configuration);
    const { ends } = this.#timeline.level(level);
    const { classId } = this.#timeline.operation(ends);
    const isHeld = this.#foresight.heldUntil(state, level, open) > level;
    for (const next of this.#timeline.transitions.next(state, classId)) {
      if (isHeld && next !== state) continue;
      frame.done.push(this.#place(configuration, ends, next));
    }
    return true;
  }

  /** Places each other operation that may come before the one that ends at the frame's level. */
  #expand(frame: Frame, configuration: Configuration): void {
    const { level, state, due, open } = configuration;
    const timeline = this.#timeline;
    timeline.moveTo(level);
    if (this.#foresight.heldUntil(state, level, open) > level) return;
    const ending = this.#slotEndingAt(level);
    for (const index of this.#candidates(configuration)) {
      const { slot, classId } = timeline.operation(index);
      const isDue = hasSlot(due, slot);
      for (const next of timeline.transitions.next(state, classId)) {
        if (!isDue && next === state) continue;
        const placed = this.#place(configuration, index, next);
        const isLeft = hasSlot(placed.due, ending) || hasSlot(placed.open, ending);
        if (isLeft) this.#wait(frame, placed);
        else frame.done.push(placed);
      }
    }
  }

  /** The open operations worth placing, the one that ends first of each class, in order of their ends. */
  #candidates({ level, state, due, open }: Configuration): readonly number[] {
    const timeline = this.#timeline;
    const ending = timeline.operation(timeline.level(level).ends);
    const isOfUse = this.#uses(due, open);
    const best = new Map<number, number>();
    for (const slot of slotsOf(open)) {
      const index = timeline.holder(slot);
      const { classId, effect, needs, makes, lastLevel } = timeline.operation(index);
      if (classId === ending.classId || (needs >= 0 && needs !== state)) continue;
      const mayWait = effect === "overwrites" || !hasSlot(due, slot);
      if (mayWait && makes >= 0 && !isOfUse(makes)) continue;
      const other = best.get(classId);
      if (other === undefined || lastLevel < timeline.operation(other).lastLevel) {
        best.set(classId, index);
      }
    }
    const endOf = (index: number) => timeline.operation(index).lastLevel;
    // Infinity − Infinity is no number: those without an end keep their order.
    return [...best.values()].sort((a, b) => endOf(a) - endOf(b) || 0);
  }

  /** Whether it is of use to anything open or due that the state becomes this one. */
  #uses(due: SlotSet, open: SlotSet): (state: number) => boolean {
    const timeline = this.#timeline;
    const needed = new Set<number>();
    const others = new Set<number>();
    for (const slot of [...slotsOf(due), ...slotsOf(open)]) {
      const { effect, needs, classId } = timeline.operation(timeline.holder(slot));
      if (needs >= 0) needed.add(needs);
      else if (effect !== "overwrites") others.add(classId);
    }
    const possible = [...others];
    return (state) =>
      needed.has(state) ||
      possible.some((classId) => timeline.transitions.next(state, classId).length > 0);
  }

  /** The configuration after placing an open operation. The cursor stands at the level. */
  #place(from: Configuration, index: number, state: number): Configuration {
    const timeline = this.#timeline;
    const { slot, effect } = timeline.operation(index);
    const due = [...from.due];
    const open = [...from.open];
    if (effect === "overwrites") {
      for (const other of slotsOf(due)) {
        if (timeline.operation(timeline.holder(other)).effect === "overwrites") {
          deleteSlot(due, other);
        }
      }
    }
    deleteSlot(due, slot);
    deleteSlot(open, slot);
    const { level, count } = from;
    const after: Configuration = {
      level,
      state,
      due,
      open,
      placed: index,
      reads: [],
      parent: from,
      count: count + 1,
    };
    this.#placeReads(after);
    return after;
  }

  #placeReads(configuration: Configuration): void {
    const timeline = this.#timeline;
    const { due, state, reads } = configuration;
    for (const slot of slotsOf(due)) {
      const index = timeline.holder(slot);
      const { effect, classId } = timeline.operation(index);
      if (effect !== "none" || timeline.transitions.next(state, classId).length === 0) continue;
      deleteSlot(due, slot);
      reads.push(index);
      configuration.count += 1;
    }
  }

  #slotEndingAt(level: number): number {
    return this.#timeline.operation(this.#timeline.level(level).ends).slot;
  }

  #noteFurthest(configuration: Configuration): void {
    const { level, count } = this.#furthest;
    if (configuration.level < level) return;
    if (configuration.level > level || configuration.count > count) this.#furthest = configuration;
  }
}

/** The same, but that an operation which need not be placed is not placed any more. */
function without(configuration: Configuration, slot: number): Configuration {
  const open = [...configuration.open];
  deleteSlot(open, slot);
  const due = [...configuration.due];
  return { ...configuration, due, open, placed: -1, reads: [], parent: configuration };
}
