/** MemoryNode: one node of a MemoryCluster; ties its membership, messenger and broadcast to the cluster's ways. */
import type { Boot, NodeId } from "../ids/node-id.js";
import type { Broadcast } from "../ports/broadcast.js";
import type { Member } from "../ports/membership.js";
import type { MessageHandler } from "../ports/messenger.js";
import { MemoryMembership } from "./memory-membership.js";
import { handleOnce, MemoryMessenger } from "./memory-messenger.js";
import type { ClusterWorld, MemoryClusterNode } from "./memory-cluster.js";

export class MemoryNode implements MemoryClusterNode {
  readonly membership: MemoryMembership;
  readonly messenger: MemoryMessenger;
  readonly broadcast: Broadcast;
  running = true;

  constructor(
    readonly world: ClusterWorld,
    self: Member,
  ) {
    this.membership = new MemoryMembership(self);
    this.messenger = new MemoryMessenger(world, this);
    this.broadcast = broadcastOf(world, this);
  }

  get self(): Member {
    return this.membership.self;
  }

  get id(): NodeId {
    return this.membership.self.id;
  }

  get boot(): Boot {
    return this.membership.self.boot;
  }

  get name(): string {
    return this.membership.self.name;
  }

  know(member: Member): void {
    this.membership.know(member);
  }

  learn(member: Member): void {
    const old = this.membership.member(member.id);
    if (old && old.boot < member.boot) this.messenger.lose(old);
    this.membership.learn(member);
  }

  lose(member: Member, reason: string): void {
    this.messenger.lose(member);
    this.membership.lose(member, reason);
  }

  seeOff(member: Member): void {
    this.messenger.lose(member);
    this.membership.seeOff(member);
  }

  drain(): void {
    this.membership.setSelf({ ...this.self, status: "draining" });
  }

  /** The process is gone: nothing of it runs any more. */
  stop(): void {
    this.running = false;
    this.membership.clear();
    this.messenger.stop();
  }

  /** An orderly end: what waits for a reply is told. */
  leave(): void {
    this.messenger.close();
    this.stop();
  }
}

/** The subjects of broadcasts are a name space of their own. */
const BROADCAST = "broadcast:";

function broadcastOf(world: ClusterWorld, node: MemoryNode): Broadcast {
  return {
    publish: (subject, payload, { channel }) => {
      const bytes = world.codec.encode(payload);
      for (const member of node.membership.members()) {
        if (member.id === node.id) continue;
        node.messenger.post({ to: member.id, channel, subject: BROADCAST + subject }, bytes);
      }
    },
    handle: (subject: string, handler: MessageHandler) =>
      handleOnce(node.messenger.handlers, BROADCAST + subject, (message) =>
        handler({ ...message, subject, signal: message.signal }),
      ),
  };
}
