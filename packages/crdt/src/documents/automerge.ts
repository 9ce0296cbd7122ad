/**
 * loadAutomerge: the Automerge library, when the first document is opened. Its WebAssembly takes 60 to 90 ms to load and
 * 46 MB on disk, so it is an optional peer: who opens no document neither installs nor loads it.
 */
import type * as automerge from "@automerge/automerge";
import { crdtErrors } from "../errors.js";

export type Automerge = typeof automerge;

let loading: Promise<Automerge> | undefined;

/** @throws {ERR_AUTOMERGE_MISSING} when it is not installed, or does not load */
export function loadAutomerge(): Promise<Automerge> {
  loading ??= import("@automerge/automerge").catch((error: unknown) => {
    loading = undefined;
    throw crdtErrors.ERR_AUTOMERGE_MISSING(
      "Documents need the package @automerge/automerge, which could not be loaded: " +
        `${String(error)}. Install it beside @foundation/crdt: npm install @automerge/automerge`,
      { reason: String(error) },
      error,
    );
  });
  return loading;
}
