/**
 * Flag: on or off, where of concurrent settings the one that was chosen wins.
 *
 * One kind of setting leaves a token and the other takes away the tokens its node had seen: so a
 * setting with a token that was not seen stays. An enable-wins flag is on while there are tokens and
 * begins off; a disable-wins flag is off while there are tokens and begins on.
 */
import type { CausalChange } from "../../protocol/causal/inputs.js";
import type { CausalStore, ChangeStreamOptions, StateHandle } from "../causal/causal-store.js";
import { handleOf, told } from "./replicated-map.js";

/** Which of two concurrent settings holds. */
export type FlagWins = "enable" | "disable";

export interface FlagChange {
  readonly enabled: boolean;
  /** True when this node made the change. */
  readonly local: boolean;
}

/** A flag. */
export interface Flag extends StateHandle {
  readonly enabled: boolean;
  /** @throws {ERR_CLOSED} */
  enable(): void;
  /** @throws {ERR_CLOSED} */
  disable(): void;
  subscribe(listener: (change: FlagChange) => void): () => void;
  /** Later changes as a bounded stream. @throws {ERR_CLOSED} */
  changes(options?: ChangeStreamOptions): AsyncIterableIterator<FlagChange>;
}

const KEY = "flag";

export function flag(store: CausalStore<null>, wins: FlagWins): Flag {
  const mark = () => {
    store.assertOpen();
    store.write(KEY, null);
  };
  const clear = () => {
    store.assertOpen();
    store.remove(KEY);
  };
  const read = (change: CausalChange<null>) => changeOf(change, wins);
  return {
    ...handleOf(store),
    get name() {
      return store.name;
    },
    get enabled() {
      return (store.head(KEY) !== undefined) === (wins === "enable");
    },
    enable: wins === "enable" ? mark : clear,
    disable: wins === "enable" ? clear : mark,
    subscribe: (listener) => store.subscribe((change) => told(read(change), listener)),
    changes: (options) => store.stream(read, options),
  };
}

function changeOf(
  { before, after, local }: CausalChange<null>,
  wins: FlagWins,
): FlagChange | undefined {
  const isMarked = after.length > 0;
  if (isMarked === before.length > 0) return undefined;
  return { enabled: isMarked === (wins === "enable"), local };
}
