/**
 * keepRoster: the committed roster names the voters of the group, whoever they are now.
 *
 * The leader writes it: when it begins to lead, and whenever the configuration of the group has changed. What the group's
 * voters are was agreed by the group itself, so the roster follows it even where a change replaced many at once; who counts
 * a quorum from the roster then counts from what the group counts from. It names them as other nodes know them. A write that fails is made again while it leads.
 */
import { createRoster, type Group, type StoreResponse } from "@foundation/consensus";
import type { Engine } from "@foundation/consensus/recipes";
import type { Runtime } from "@foundation/core";
import { limits } from "../limits.js";

type Followed = Pick<Group<StoreResponse>, "status" | "watchStatus">;

/** Follows the group until the signal fires; resolves when nothing is under way any more, and never rejects. */
export async function keepRoster(
  group: Followed,
  engine: Engine,
  { clock, logger }: Pick<Runtime, "clock" | "logger">,
  signal: AbortSignal,
  namesOf: (voters: readonly string[]) => readonly string[] = (voters) => voters,
): Promise<void> {
  const names = () => namesOf(group.status().configuration.voters);
  const leads = () => !signal.aborted && group.status().role === "leader";
  try {
    for await (const _ of group.watchStatus({ signal })) {
      while (leads() && !(await written(names, engine, logger, signal))) {
        await clock.sleep(limits.rosterRetryMs, { signal });
      }
    }
  } catch (error) {
    if (!signal.aborted) logger.error("The roster of voters is kept no more", { error });
  }
}

/** False when it has to be tried again. */
async function written(
  names: () => readonly string[],
  engine: Engine,
  logger: Runtime["logger"],
  signal: AbortSignal,
): Promise<boolean> {
  const roster = createRoster(engine);
  try {
    const { epoch, members } = await roster.read({ signal });
    const voters = names();
    const isSame = members.length === voters.length && voters.every((id) => members.includes(id));
    if (!isSame) await roster.propose(voters, { epoch, force: true, signal });
    return true;
  } catch (error) {
    if (!signal.aborted) logger.debug("The roster of voters was not written", { error });
    return false;
  } finally {
    await roster.close();
  }
}
