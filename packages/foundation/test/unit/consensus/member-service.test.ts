/** When a member of the group serves its store, and when it gives its users to others. */
import { expect, test } from "@jest/globals";
import {
  createStoreMachine,
  type Group,
  type GroupStatus,
  type StoreResponse,
} from "@foundation/consensus";
import { createNodeId, type Messenger } from "@foundation/core";
import { recordingLogger, seededRandom, virtualClock } from "@foundation/core/testing";
import { MemberService } from "../../../src/consensus/member-service.js";
import { limits } from "../../../src/limits.js";

const random = seededRandom(1);
const self = createNodeId(random);
const other = createNodeId(random);

/** A member whose status the test says. */
function stage() {
  const clock = virtualClock();
  const subjects = new Set<string>();
  const listeners = new Set<(status: GroupStatus) => void>();
  let now = statusOf([other], other);
  const say = async (status: GroupStatus): Promise<void> => {
    await clock.settle();
    now = status;
    for (const listener of listeners) listener(status);
    await clock.settle();
  };
  async function* watchStatus({ signal }: { readonly signal?: AbortSignal | undefined } = {}) {
    yield now;
    while (signal?.aborted !== true) {
      const next = await new Promise<GroupStatus | undefined>((resolve) => {
        const listener = (status: GroupStatus) => {
          listeners.delete(listener);
          resolve(status);
        };
        listeners.add(listener);
        signal?.addEventListener("abort", () => resolve(undefined));
      });
      if (next !== undefined) yield next;
    }
  }
  const group = {
    id: "g",
    self,
    watchStatus,
    status: () => now,
  } as unknown as Group<StoreResponse>;
  const messenger = {
    handle: (subject: string) => {
      subjects.add(subject);
      return () => subjects.delete(subject);
    },
  } as unknown as Messenger;
  const machine = createStoreMachine();
  const logger = recordingLogger();
  const service = new MemberService({ messenger, group, machine, runtime: { clock, logger } });
  return { clock, service, subjects, say };
}

function statusOf(voters: readonly string[], leader: string | undefined, failure?: Error) {
  const configuration = { voters, learners: [], outgoing: [], learnersNext: [], promotable: [] };
  return { role: "follower", term: 1, leader, configuration, failure } as unknown as GroupStatus;
}

test("it serves as a voter that knows a leader, and not before or after", async () => {
  const { clock, service, subjects, say } = stage();
  await clock.settle();
  expect(service.engine).toBeUndefined();
  await say(statusOf([self, other], other));
  const first = service.engine;
  expect(first).toBeDefined();
  expect(subjects).toContain("consensus.engine.cluster.propose");
  await say(statusOf([other], other));
  expect(service.engine).toBeUndefined();
  expect(subjects.size).toBe(0);
  await say(statusOf([self, other], other));
  expect(service.engine).not.toBe(first);
  await service.close();
  expect(service.engine).toBeUndefined();
});

test("without a leader it waits for the next one, but not for ever", async () => {
  const { clock, service, say } = stage();
  await say(statusOf([self, other], other));
  const { engine } = service;
  await say(statusOf([self, other], undefined));
  await clock.advance(limits.leaderlessMs - 1);
  expect(service.engine).toBe(engine);
  await say(statusOf([self, other], self));
  await clock.advance(limits.leaderlessMs);
  expect(service.engine).toBe(engine);
  await say(statusOf([self, other], undefined));
  await clock.advance(limits.leaderlessMs);
  expect(service.engine).toBeUndefined();
  await service.close();
});

test("a member that failed serves nobody", async () => {
  const { service, subjects, say } = stage();
  await say(statusOf([self, other], other));
  await say(statusOf([self, other], other, new Error("the disk is full")));
  expect(service.engine).toBeUndefined();
  expect(subjects.size).toBe(0);
  await service.close();
});
