/** Which handler of its definition a message is for. */
import type { AnyHandler, HandlerMap, ProcessDefinition } from "./definition.js";
import type { Delivery } from "./kernel-port.js";

/** Own properties only: a name from the wire must not find what Object's prototype has. */
export function handlerFor(
  definition: ProcessDefinition,
  message: Delivery,
): AnyHandler | undefined {
  if (message.type === "call") return own(definition.call, message.handler);
  if (message.type === "cast") return own(definition.cast, message.handler);
  return message.type === "info" ? definition.info : definition.resolveConflict;
}

function own(handlers: HandlerMap, name: string): AnyHandler | undefined {
  return Object.hasOwn(handlers, name) ? handlers[name] : undefined;
}
