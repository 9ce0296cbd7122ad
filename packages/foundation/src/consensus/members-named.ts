/** Members of these names, this node first if it is one: asking oneself costs no link. */
import type { Membership, NodeId } from "@foundation/core";

export function membersNamed(
  membership: Membership,
  names: readonly string[],
): () => readonly NodeId[] {
  return () => {
    const { id: self } = membership.self;
    const named = membership.members().filter(({ name }) => names.includes(name));
    const ids = named.map(({ id }) => id);
    return ids.includes(self) ? [self, ...ids.filter((id) => id !== self)] : ids;
  };
}
