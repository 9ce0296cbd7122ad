/** Handlers: who handles which subject, by the hash that is on the wire. */
import { coreErrors, type MessageHandler } from "@foundation/core";
import { overlayErrors } from "../errors.js";
import { SUBJECT } from "../limits.js";
import { hashOf } from "../protocol/subject.js";

export interface SubjectHandler<Handler = MessageHandler> {
  readonly subject: string;
  readonly handle: Handler;
}

export class Handlers<Handler = MessageHandler> {
  readonly #bySubject = new Map<number, SubjectHandler<Handler>>();

  get(hash: number): SubjectHandler<Handler> | undefined {
    return this.#bySubject.get(hash);
  }

  /** @throws {ERR_INVALID_ARGUMENT} @throws {ERR_SUBJECT_CLASH} */
  add(subject: string, handle: Handler): () => void {
    checkSubject(subject);
    const hash = hashOf(subject);
    const other = this.#bySubject.get(hash);
    if (other !== undefined && other.subject !== subject) {
      throw overlayErrors.ERR_SUBJECT_CLASH(
        `The subjects "${subject}" and "${other.subject}" have the same hash: rename one of them`,
        { subject, other: other.subject },
      );
    }
    if (other !== undefined) throw invalidSubject("a subject that is not handled already", subject);
    const entry: SubjectHandler<Handler> = { subject, handle };
    this.#bySubject.set(hash, entry);
    return () => {
      if (this.#bySubject.get(hash) === entry) this.#bySubject.delete(hash);
    };
  }
}

/** Hashes of subjects, computed once each. */
export class SubjectHashes {
  readonly #hashes = new Map<string, number>();
  #lastSubject = "";
  #lastHash = 0;

  of(subject: string): number {
    if (subject === this.#lastSubject && subject !== "") return this.#lastHash;
    this.#lastHash = this.#lookUp(subject);
    this.#lastSubject = subject;
    return this.#lastHash;
  }

  #lookUp(subject: string): number {
    const known = this.#hashes.get(subject);
    if (known !== undefined) return known;
    checkSubject(subject);
    const hash = hashOf(subject);
    if (this.#hashes.size < SUBJECT.cacheMax) this.#hashes.set(subject, hash);
    return hash;
  }
}

function checkSubject(subject: string): void {
  if (typeof subject === "string" && subject.length > 0 && subject.length <= SUBJECT.charsMax)
    return;
  throw invalidSubject(`a text of 1 to ${SUBJECT.charsMax} characters`, String(subject));
}

function invalidSubject(expected: string, subject: string): Error {
  const found = subject.length > 64 ? `${subject.slice(0, 64)}…` : subject;
  return coreErrors.ERR_INVALID_ARGUMENT(`subject must be ${expected}, found "${found}"`, {
    argument: "subject",
    expected,
    found,
  });
}
