/**
 * Founding: how a group comes to exist once, and how everybody else finds it.
 *
 * A pure function of state and input. The first voters are named; the first of them in order makes the offer: when
 * each of the others has told it, with a token, that its disk is free, it draws the group's id, writes down that
 * it accepts, and offers. Each of the others writes down that it accepts, once for its disk and for ever. The
 * group exists when *all* its first voters, by the ids of their disks, have accepted; a disk starts its log only
 * when it has seen that. So two groups can never share a first voter, and a second group among the same names
 * needs every disk of the first to be gone: one that is left refuses. A wiped disk has another id; it finds the
 * group through those who know it and joins as a newcomer.
 *
 * With an arbiter, its compare-and-set takes the place of the others' acceptance, and the winner is the only first
 * voter.
 *
 * docs/protocol/consensus-bootstrap.md gives the argument; the property test tries every order of a small world.
 */
import type { NodeId } from "@foundation/core";
import { isFormed, type FirstVoter, type MembershipRecord } from "./membership-record.js";
import type { FoundingMessage } from "./founding-messages.js";
import type {
  FoundingInput,
  FoundingState,
  FoundingStep,
  PeerAnswer,
  Verdict,
} from "./founding-state.js";
import { groupsKnown, hasLostItsRecord, lostRecord } from "./founding-knowledge.js";

/** Rounds of questions before an arbiter is asked: a group that runs is found without it. */
const ROUNDS_BEFORE_ARBITER = 2;

/** A newcomer that nobody makes a member says that it is there in each tenth round. */
const ROUNDS_BETWEEN_NEWS = 10;

/** One input; the state given is not changed. */
export function found(state: FoundingState, input: FoundingInput): FoundingStep {
  switch (input.type) {
    case "peers":
      return met(state, input.peers);
    case "tick":
      return ticked({ ...state, rounds: state.rounds + 1 });
    case "message":
      return received(state, input.from, input.message);
    case "persisted":
      return persisted(state);
    case "begun":
      return begun(state);
    case "members":
      return { state: { ...state, members: input.members }, sends: [] };
    case "found":
      return ticked({ ...state, names: [...input.names].sort() });
    case "verdict":
      return judged(state, input.winner);
    default:
      return input satisfies never;
  }
}

type Sends = FoundingStep["sends"];

/** A disk that has a group asks each node once, for what replaced it. */
function met(state: FoundingState, peers: readonly NodeId[]): FoundingStep {
  const { record } = state;
  const isSettled = record !== undefined && isFormed(record);
  const fresh = isSettled ? peers.filter((id) => !state.peers.includes(id)) : [];
  return decide(withPeers(state, peers), toAll(fresh, { type: "ask", offers: false }));
}

/** Answers of nodes that are gone count no more: another may have taken their name. */
function withPeers(state: FoundingState, peers: readonly NodeId[]): FoundingState {
  const answers: Partial<Record<NodeId, PeerAnswer>> = {};
  for (const peer of peers) {
    const answer = state.answers[peer];
    if (answer) answers[peer] = answer;
  }
  return { ...state, peers, answers };
}

function ticked(state: FoundingState): FoundingStep {
  const { record, peers } = state;
  if (record && isFormed(record)) {
    // A newcomer makes itself known until the group has taken it in.
    const isDue = state.rounds % ROUNDS_BETWEEN_NEWS === 1;
    if (!isDue || state.members.includes(state.setup.self.id)) return { state, sends: [] };
    return { state, sends: toAll(peers, answerOf(state)) };
  }
  const offers = isOfferer(state);
  const asked = peers.filter((id) => !state.accepted.includes(id));
  const step = decide(state, toAll(asked, { type: "ask", offers }));
  const isByArbiter = record?.by === "arbiter" && state.setup.source.type === "arbiter";
  if (!record || !isByArbiter || step.write) return step;
  return { ...step, consult: { group: record.group, voters: record.voters } };
}

function received(state: FoundingState, from: NodeId, message: FoundingMessage): FoundingStep {
  switch (message.type) {
    case "ask":
      return asked(state, from, message.offers);
    case "answer": {
      const { name, token, knowledge } = message;
      const answer = { name, ...(token && { token }), ...(knowledge && { knowledge }) };
      return decide({ ...state, answers: { ...state.answers, [from]: answer } }, []);
    }
    case "offer":
      return offered(state, from, message);
    default:
      return message satisfies never;
  }
}

/** A token only where the disk is free, and then the older ones end: of two who would offer, the later one may. */
function asked(state: FoundingState, from: NodeId, offers: boolean): FoundingStep {
  if (!offers || state.record || state.writing) {
    return { state, sends: [{ to: from, message: answerOf(state) }] };
  }
  const count = state.tokens + 1;
  const next = { ...state, tokens: count, given: { to: from, count } };
  const token = { boot: state.setup.boot, count };
  return { state: next, sends: [{ to: from, message: { ...answerOf(next), token } }] };
}

function offered(
  state: FoundingState,
  from: NodeId,
  offer: Extract<FoundingMessage, { type: "offer" }>,
): FoundingStep {
  const { setup, given } = state;
  const { token, voters, group } = offer;
  const isNewest = given?.to === from && given.count === token.count && token.boot === setup.boot;
  if (state.record || state.writing || !isNewest) {
    return { state, sends: [{ to: from, message: answerOf(state) }] };
  }
  const refused = refusalOf(state, from, voters);
  if (refused !== undefined) return { state: { ...state, refused }, sends: [] };
  return write(state, accepting(state, group, voters), []);
}

/** Why an offer cannot be this node's group, in words. */
function refusalOf(
  { setup, names }: FoundingState,
  from: NodeId,
  voters: readonly FirstVoter[],
): string | undefined {
  const { self, source } = setup;
  const theirs = voters.map(({ name }) => name);
  if (source.type === "arbiter") {
    return `${from} offers the voters ${theirs.join(", ")}, and here an arbiter decides`;
  }
  if (voters[0]?.id !== from) return `${from} makes an offer that is not its to make`;
  if (!voters.some(({ name, id }) => name === self.name && id === self.id)) {
    return `${from} offers the voters ${theirs.join(", ")}, of which this node, ${self.name}, is none`;
  }
  if (!names || (names.length === theirs.length && names.every((name, i) => name === theirs[i]))) {
    return undefined;
  }
  return `the list of first voters is ${names.join(", ")} here, and ${theirs.join(", ")} at ${from}`;
}

function persisted(state: FoundingState): FoundingStep {
  const record = state.writing;
  if (!record) return { state, sends: [] };
  const { id } = state.setup.self;
  // What others accepted was of another group when the verdict of an arbiter gave this disk another one.
  const isSame = record.group === state.record?.group;
  const accepted = isSame && state.accepted.includes(id) ? state.accepted : [id];
  const next = { ...state, record, writing: undefined, accepted };
  const others = record.voters.map((voter) => voter.id).filter((voter) => voter !== id);
  const told = record.phase === "joining" ? state.peers : others;
  const step = decide(next, toAll(told, answerOf(next)));
  if (record.phase !== "accepted" || record.by !== "arbiter") return step;
  return { ...step, consult: { group: record.group, voters: record.voters } };
}

function begun(state: FoundingState): FoundingStep {
  const { record } = state;
  if (!record || !isFormed(record) || record.phase === "begun") return { state, sends: [] };
  return write(state, { ...record, phase: "begun" }, []);
}

function judged(state: FoundingState, winner: Verdict): FoundingStep {
  const { record, setup } = state;
  if (record?.phase !== "accepted" || record.by !== "arbiter" || state.writing) {
    return { state, sends: [] };
  }
  if (winner.group === record.group) return write(state, { ...record, phase: "formed" }, []);
  if (winner.voters.some(({ id }) => id === setup.self.id)) {
    return { state: { ...state, refused: lostRecord(winner.group) }, sends: [] };
  }
  // The arbiter's place was taken before: the own group never existed and never will.
  const { group, voters } = winner;
  return write(state, { ...record, phase: "joining", group, voters }, []);
}

/** What follows from all that is known. */
function decide(state: FoundingState, sends: Sends): FoundingStep {
  const { record, setup } = state;
  if (state.writing || (record && isFormed(record))) return { state, sends };
  if (record) return record.by === "voters" ? gather(state, record, sends) : { state, sends };
  const [known, second] = groupsKnown(state);
  if (known && (second || hasLostItsRecord(state, known))) return { state, sends };
  if (known) {
    const { group, voters, past } = known;
    const joining = { ...accepting(state, group, voters), phase: "joining" as const, past };
    return write(state, joining, sends);
  }
  const voters = offerOf(state);
  if (voters) return write(state, accepting(state, setup.group, voters), sends);
  const isTime = setup.source.type === "arbiter" && state.rounds > ROUNDS_BEFORE_ARBITER;
  if (!isTime) return { state, sends };
  const own = accepting(state, setup.group, [setup.self]);
  return write(state, { ...own, by: "arbiter" }, sends);
}

/** This disk accepted: who else has? Offers go to those who have a token for it. */
function gather(state: FoundingState, record: MembershipRecord, sends: Sends): FoundingStep {
  const accepted = new Set(state.accepted);
  for (const { knowledge } of Object.values(state.answers) as PeerAnswer[]) {
    if (knowledge?.group !== record.group) continue;
    for (const id of knowledge.accepted) accepted.add(id);
  }
  const voters = record.voters.map(({ id }) => id);
  const next = { ...state, accepted: voters.filter((id) => accepted.has(id)) };
  if (next.accepted.length === voters.length) {
    return write(next, { ...record, phase: "formed" }, sends);
  }
  if (voters[0] !== state.setup.self.id) return { state: next, sends };
  const answers = { ...state.answers };
  const offers: { to: NodeId; message: FoundingMessage }[] = [];
  for (const to of voters) {
    const { name, token, knowledge } = answers[to] ?? {};
    if (name === undefined || !token || knowledge) continue;
    answers[to] = { name };
    const { group } = record;
    offers.push({ to, message: { type: "offer", group, voters: record.voters, token } });
  }
  return { state: { ...next, answers }, sends: [...sends, ...offers] };
}

/** The first voters, when it is this node's to offer and each of the others is free and there once. */
function offerOf(state: FoundingState): readonly FirstVoter[] | undefined {
  if (!isOfferer(state) || !state.names) return undefined;
  const voters: FirstVoter[] = [];
  for (const name of state.names) {
    const found = name === state.setup.self.name ? [state.setup.self.id] : freeBy(state, name);
    const [id, second] = found;
    if (id === undefined || second !== undefined) return undefined;
    voters.push({ name, id });
  }
  return voters;
}

/** Nodes of that name; none when one of them is not free. */
function freeBy({ peers, answers }: FoundingState, name: string): readonly NodeId[] {
  const named = peers.filter((id) => answers[id]?.name === name);
  return named.every((id) => answers[id]?.token && !answers[id].knowledge) ? named : [];
}

function isOfferer({ record, names, setup }: FoundingState): boolean {
  if (record) return record.by === "voters" && record.voters[0]?.id === setup.self.id;
  return names?.[0] === setup.self.name;
}

function accepting(
  { setup }: FoundingState,
  group: string,
  voters: readonly FirstVoter[],
): MembershipRecord {
  const { name, self } = setup;
  return { name, node: self.id, phase: "accepted", by: "voters", group, voters, past: [] };
}

/** What this node's disk has to say. */
export function answerOf(state: FoundingState): Extract<FoundingMessage, { type: "answer" }> {
  const { record, accepted, members, setup } = state;
  const { name } = setup.self;
  if (!record) return { type: "answer", name };
  const { phase, group, voters, past } = record;
  const all = isFormed(record) ? voters.map(({ id }) => id) : accepted;
  const knowledge = { phase, group, voters, past, accepted: all, members };
  return { type: "answer", name, knowledge };
}

function write(state: FoundingState, record: MembershipRecord, sends: Sends): FoundingStep {
  return { state: { ...state, writing: record }, sends, write: record };
}

function toAll(peers: readonly NodeId[], message: FoundingMessage): Sends {
  return peers.map((to) => ({ to, message }));
}
