/** The errors of finding, keeping and recovering a group: what is wrong, and what to do. */
import { coreErrors } from "@foundation/core";
import { consensusErrors } from "../errors.js";

export function undecided(group: string, why: string, waitedMs: number): Error {
  const rounded = Math.round(waitedMs);
  return consensusErrors.ERR_GROUP_UNDECIDED(
    `Which group "${group}" this node belongs to was not known after ${rounded} ms. It waits for ${why}`,
    { group, why, waitedMs: rounded },
  );
}

export function stuck(group: string, why: string): Error {
  return consensusErrors.ERR_GROUP_STUCK(
    `This node cannot take part in the group "${group}": ${why}`,
    {
      group,
      why,
    },
  );
}

export function foundingRefused(group: string, reason: string): Error {
  return consensusErrors.ERR_FOUNDING_REFUSED(
    `The group "${group}" cannot be founded so: ${reason}; nothing was changed`,
    { group, reason },
  );
}

export function recoveryRefused(folder: string, reason: string): Error {
  return consensusErrors.ERR_RECOVERY_REFUSED(
    `The group in "${folder}" is not recovered: ${reason}; nothing was changed`,
    { folder, reason },
  );
}

export function invalid(argument: string, expected: string, found: string): Error {
  const message = `${argument} must be ${expected}, found ${found}`;
  return coreErrors.ERR_INVALID_ARGUMENT(message, { argument, expected, found });
}

export function membershipClosed(group: string): Error {
  const message = `The membership of the group "${group}" is closed: open it again`;
  return coreErrors.ERR_CLOSED(message, { what: `membership of "${group}"` });
}
