/**
 * OperatorDesk: what an operator of this machine may ask of this node, and the word that founds the group.
 *
 * The word may be given at any candidate: it is carried to the node whose name is the first of the list, which alone makes
 * the offer. So two operators with one list meet at one node, and of two lists that share a node at most one is founded:
 * a disk accepts once.
 */
import { serveControl } from "@foundation/consensus";
import { coreErrors, type InboundMessage, type Messenger, type Runtime } from "@foundation/core";
import type { Overlay } from "@foundation/overlay";
import { limits } from "../limits.js";
import { isCandidate } from "./candidates.js";
import { refused } from "./client-seat.js";
import { GROUP, type Seat } from "./seat.js";

export interface OperatorDeskOptions {
  /** The data directory that operators name. */
  readonly directory: string;
  readonly overlay: Pick<Overlay, "messenger" | "membership">;
  readonly seat: Seat;
  readonly runtime: Pick<Runtime, "logger">;
}

const CHANNEL = "rpc";
const SUBJECT = `consensus.operator.${GROUP}.found`;

/** Answers from now on; resolves to what ends it. */
export async function operatorDesk(options: OperatorDeskOptions): Promise<() => Promise<void>> {
  const { directory, overlay, seat, runtime } = options;
  const { messenger, membership } = overlay;
  const status = () => {
    const { id, name } = membership.self;
    const candidates = membership.members().filter(isCandidate);
    const named = candidates.map((each) => ({ id: each.id, name: each.name }));
    return { node: { id, name }, candidates: named, ...seat.report() };
  };
  const bootstrap = async (names: readonly string[]) => {
    const [first] = [...names].sort();
    if (first === undefined || first === membership.self.name) seat.found(names);
    else await carry(options, first, names);
    return status();
  };
  const unhandle = handle(messenger, seat);
  try {
    const end = await serveControl({ directory, desk: { status, bootstrap } });
    return async () => {
      unhandle();
      await end();
    };
  } catch (error) {
    runtime.logger.warn("operators cannot speak to this node", { error });
    return async () => unhandle();
  }
}

function handle(messenger: Messenger, seat: Seat): () => void {
  return messenger.handle(SUBJECT, ({ payload }: InboundMessage) => {
    const isList = Array.isArray(payload) && payload.every((name) => typeof name === "string");
    if (!isList) {
      const reason = "a list of first voters that is none";
      throw coreErrors.ERR_NOT_DECODABLE(`Another node sent ${reason}`, { reason });
    }
    seat.found(payload as readonly string[]);
    return null;
  });
}

async function carry(
  { overlay }: OperatorDeskOptions,
  first: string,
  names: readonly string[],
): Promise<void> {
  const { messenger, membership } = overlay;
  const [to, second] = membership.members().filter(({ name }) => name === first);
  if (to === undefined) throw refused(`no node is called ${first}, which has to make the offer`);
  if (second !== undefined) throw refused(`more than one node is called ${first}`);
  const route = { to: to.id, channel: CHANNEL, subject: SUBJECT };
  await messenger.request(route, [...names], { timeoutMs: limits.operatorWordMs });
}
