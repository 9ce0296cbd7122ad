/** memberInput: what a change of the membership is to the core of a multi-writer store; undefined for one that it need not know. */
import type { Boot, MembershipEvent, NodeId } from "@foundation/core";

/** Who came, died or left. */
export type MemberInput =
  | {
      readonly type: "member-up";
      readonly id: NodeId;
      readonly boot: Boot;
      readonly wasThere: boolean;
    }
  | { readonly type: "member-down" | "member-left"; readonly id: NodeId; readonly boot: Boot };

/** @param wasThere it was a member before the store was opened */
export function memberInput(event: MembershipEvent, wasThere: boolean): MemberInput | undefined {
  const { id, boot } = event.node;
  switch (event.type) {
    case "node-up":
      // One that was suspected only was never told to be gone.
      return event.previous === "suspect" ? undefined : { type: "member-up", id, boot, wasThere };
    case "node-down":
      return { type: "member-down", id, boot };
    case "node-left":
      return { type: "member-left", id, boot };
    case "node-suspect":
    case "node-draining":
      return undefined;
    default:
      return event satisfies never;
  }
}
