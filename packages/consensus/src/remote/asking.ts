/**
 * Asking: one request to whichever member serves, and what its failure means to a client.
 *
 * "Not there", "not leading", "closed" say the same to a client: this member did nothing, and another may. They become
 * ERR_NO_QUORUM, which an engine's attempts try again while time is left.
 */
import { coreErrors, type Messenger, type NodeId } from "@foundation/core";
import type { Clock } from "@foundation/core/ports";
import { consensusErrors } from "../errors.js";
import type { GroupRequestOptions } from "../group/group.js";
import { VoterChoice } from "./voter-choice.js";
import { CHANNEL, subjectOf, type Word } from "./words.js";

export interface AskingOptions {
  readonly messenger: Pick<Messenger, "request">;
  readonly name: string;
  readonly voters: () => readonly NodeId[];
  readonly clock: Clock;
}

/** Nothing was done by a member that answered so, and another one may do it. */
const elsewhere = new Set([
  "ERR_NODE_UNREACHABLE",
  "ERR_UNKNOWN_SUBJECT",
  "ERR_CLOSED",
  "ERR_SHUTTING_DOWN",
  "ERR_LOG_READ_ONLY",
  "ERR_NO_QUORUM",
  "ERR_NOT_READY",
]);

export class Asking {
  readonly #options: AskingOptions;
  readonly #choice: VoterChoice;

  constructor(options: AskingOptions) {
    this.#options = options;
    this.#choice = new VoterChoice(options.voters, options.clock);
  }

  /**
   * Asks a member once.
   *
   * @throws {ERR_NO_QUORUM} nothing was done; and what the member's handler threw
   */
  async ask(word: Word, payload: unknown, options: GroupRequestOptions): Promise<unknown> {
    const { messenger, name } = this.#options;
    const to = this.#choice.next();
    if (to === undefined) throw this.#nobody("no member of it is known here");
    const { signal, timeout } = options;
    const timeoutMs = Number(timeout);
    const route = { to, channel: CHANNEL, subject: subjectOf(name, word) };
    try {
      const answer = await messenger.request(route, payload, { signal, timeoutMs });
      this.#choice.answered(to);
      return answer;
    } catch (error) {
      const { code } = error as { readonly code?: string };
      const isLost = coreErrors.ERR_OUTCOME_UNKNOWN.is(error) || code === "ERR_TIMEOUT";
      if (isLost || elsewhere.has(code ?? "")) this.#choice.failed(to);
      if (elsewhere.has(code ?? "")) throw this.#nobody((error as Error).message, error);
      throw error;
    }
  }

  /** Asks for what changes nothing: an answer that was lost is as good as a question that was. */
  async learn(word: Word, payload: unknown, options: GroupRequestOptions): Promise<unknown> {
    try {
      return await this.ask(word, payload, options);
    } catch (error) {
      if (!coreErrors.ERR_OUTCOME_UNKNOWN.is(error)) throw error;
      throw this.#nobody("a member was asked and its answer did not come", error);
    }
  }

  #nobody(why: string, cause?: unknown): Error {
    const group = this.#options.name;
    return consensusErrors.ERR_NO_QUORUM(
      `The group "${group}" cannot be asked from here: ${why}; nothing was changed. ` +
        "Start its voters, or heal the network; it is tried again until the request's time is up",
      { group, waitedMs: 0 },
      cause,
    );
  }
}
