/** What goes into the search for routes and what comes out of it, as plain data. */
import type { NodeId } from "@foundation/core";
import type { RoutingMessage } from "./messages.js";

export type RoutingInput =
  /** How many members there are: few enough, and lists come with membership. */
  | { readonly type: "members"; readonly count: number }
  /** This node has a link of its own to another one, or has it no more. */
  | { readonly type: "link-up" | "link-down"; readonly id: NodeId }
  /** A node has died or left. */
  | { readonly type: "gone"; readonly id: NodeId }
  | { readonly type: "message"; readonly from: NodeId; readonly message: RoutingMessage }
  /** A route to a node is wanted. Answered by `found` or `not-found`. */
  | { readonly type: "want"; readonly target: NodeId }
  | { readonly type: "timer"; readonly timer: string };

export type RoutingEffect =
  /** To a member, whether it is linked or not: the shell knows how to reach it, or drops it. */
  | { readonly type: "send"; readonly to: NodeId; readonly message: RoutingMessage }
  | { readonly type: "found"; readonly target: NodeId; readonly route: readonly NodeId[] }
  | { readonly type: "not-found"; readonly target: NodeId }
  /** Replaces a pending timer of the same name. */
  | { readonly type: "set-timer"; readonly timer: string; readonly delayMs: number }
  | { readonly type: "cancel-timer"; readonly timer: string }
  | { readonly type: "count"; readonly counter: RoutingCounter };

export type RoutingCounter =
  | "route-found"
  | "route-not-found"
  | "request-sent"
  | "request-dropped"
  /** Nobody waited for it, or not any more. */
  | "reply-unexpected"
  | "search-refused";
