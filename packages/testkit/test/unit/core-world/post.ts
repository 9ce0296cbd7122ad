/** Post: the smallest core there is: it sends what it is told to send, and keeps what comes. */
import type { CoreAdapter, CoreEvent, CoreHost } from "@foundation/testkit";

export type Order =
  | { readonly type: "send"; readonly to: number; readonly text: string }
  | { readonly type: "dial" | "hang-up"; readonly to: number }
  | { readonly type: "wait"; readonly timer: string; readonly ms: number }
  | { readonly type: "forget"; readonly timer: string }
  | { readonly type: "write"; readonly text: string }
  | { readonly type: "throw" }
  /** Not an order of the test: what happened. */
  | { readonly type: "happened"; readonly text: string };

export class Post implements CoreAdapter<Order, Order, string, string> {
  /** What happened, in order, with the node's own time in whole milliseconds. */
  readonly log: string[] = [];
  constructor(
    readonly host: CoreHost<Order, string, string>,
    readonly found: readonly string[],
  ) {}

  inputOf(event: CoreEvent<string, string>): Order {
    return { type: "happened", text: textOf(event) };
  }

  handle(order: Order): readonly Order[] {
    if (order.type === "throw") throw new TypeError("a bug, on purpose");
    return [order];
  }

  run(order: Order): void {
    switch (order.type) {
      case "happened":
        this.log.push(order.text);
        return;
      case "send":
        if (!this.host.send(order.to, order.text)) this.log.push(`not sent ${order.text}`);
        return;
      case "dial":
        return this.host.dial(order.to);
      case "hang-up":
        return this.host.hangUp(order.to);
      case "wait":
        return this.host.setTimer(order.timer, order.ms);
      case "forget":
        return this.host.cancelTimer(order.timer);
      case "write":
        return this.host.persist(order.text);
      case "throw":
        return;
      default:
        order satisfies never;
    }
  }
}

function textOf(event: CoreEvent<string, string>): string {
  switch (event.type) {
    case "message":
      return `${event.message} from ${event.from}/${event.fromBoot}`;
    case "timer":
      return `timer ${event.timer}`;
    case "persisted":
      return `persisted ${event.write}`;
    case "link-up":
      return `up ${event.peer}/${event.peerBoot}`;
    case "link-down":
      return `down ${event.peer}/${event.peerBoot} ${event.reason}`;
    case "dial-failed":
      return `dial ${event.peer} ${event.reason}`;
    case "dial-answered":
      return `dial ${event.peer} answered`;
    case "start":
      return "start";
    default:
      return event satisfies never;
  }
}
