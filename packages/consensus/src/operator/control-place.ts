/**
 * ControlPlace: where in a node's data directory an operator finds its socket.
 *
 * It stands in a folder of its own, which only the node's user may enter: the socket never exists with wider rights, not
 * even for the moment between its making and a change of its mode.
 */
import { join, resolve } from "node:path";

export interface ControlPlace {
  readonly folder: string;
  readonly socket: string;
}

export function controlPlace(directory: string): ControlPlace {
  const folder = join(resolve(directory), "control");
  return { folder, socket: join(folder, "socket") };
}
