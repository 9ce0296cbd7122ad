/**
 * DnsTrouble: what a resolver's error means. "There is no such name" and "the server is out of order" are told apart,
 * because one is a mistake in the configuration and the other passes. Pure.
 */

/** The kinds that are treated differently. */
export type DnsTroubleKind = "no-name" | "no-records" | "refused" | "failed";

export interface DnsTrouble {
  readonly kind: DnsTroubleKind;
  /** What happened, for people, with the resolver's code. */
  readonly words: string;
}

const MEANINGS: Readonly<Record<string, readonly [DnsTroubleKind, string]>> = {
  ENOTFOUND: ["no-name", "there is no such name (NXDOMAIN)"],
  ENODATA: ["no-records", "the name is there, without records of this type"],
  EREFUSED: ["refused", "the name server refuses to answer this machine (REFUSED)"],
  ESERVFAIL: ["failed", "the name server is out of order (SERVFAIL)"],
  ETIMEOUT: ["failed", "the name server did not answer in time (ETIMEOUT)"],
  ECONNREFUSED: ["failed", "no name server listens there (ECONNREFUSED)"],
  EBADRESP: ["failed", "the name server's answer is malformed (EBADRESP)"],
  EFORMERR: ["failed", "the name server does not understand the question (FORMERR)"],
  ENOTIMP: ["failed", "the name server cannot do this type of question (NOTIMP)"],
  EBADNAME: ["failed", "this cannot be a name (EBADNAME)"],
  ECANCELLED: ["failed", "the look-up was given up (ECANCELLED)"],
};

/** The trouble that an error of Node's resolver is. */
export function dnsTroubleOf(error: unknown): DnsTrouble {
  const { code = "", message = String(error) } = error as { code?: string; message?: string };
  const [kind, words] = MEANINGS[code] ?? ["failed", code === "" ? message : code];
  return { kind, words };
}
