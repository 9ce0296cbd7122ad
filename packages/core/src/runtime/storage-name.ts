/** The one rule for names of a Storage's files, for every adapter: what one accepts, all accept. */
import { coreErrors } from "../errors/errors.js";

const NAME = /^[a-z0-9._-]+(?:\/[a-z0-9._-]+)*$/;
const NAME_CHARS_MAX = 255;

/** True for a name of `[a-z0-9._-]`, with folders by "/", that leads nowhere else. */
export function isStorageName(name: string): boolean {
  if (name.length > NAME_CHARS_MAX || !NAME.test(name)) return false;
  return !name.split("/").some((part) => part === "." || part === "..");
}

/** The error of an operation that did not work. */
export function storageFailure(
  file: string,
  operation: string,
  reason: string,
  cause?: unknown,
): Error {
  return coreErrors.ERR_STORAGE(
    `Could not ${operation} "${file}": ${reason}`,
    { file, operation, reason },
    cause,
  );
}

/** The error of a name that is none. */
export function nameFailure(file: string, operation: string): Error {
  return storageFailure(file, operation, 'names are made of [a-z0-9._-], folders by "/"');
}
