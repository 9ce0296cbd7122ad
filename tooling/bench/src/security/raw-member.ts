/** RawMember: proves the secret on any connection, with its own hands, and then does as it likes. */
import type { Connection, ConnectionEnd } from "@foundation/core";
import { auth, hello, type Claim } from "./wire.js";

export interface Joined {
  /** Frames that came after the welcome go here. */
  receive: (frame: Uint8Array) => void;
  readonly ended: Promise<ConnectionEnd>;
}

type Wire = Pick<Connection, "send" | "onFrame" | "binding" | "closed">;

/** Resolves when the welcome has come. @throws when the other side refuses or ends */
export function join(connection: Wire, claim: Claim): Promise<Joined> {
  return new Promise((resolve, reject) => {
    const first = hello(claim, Date.now());
    const joined: Joined = { receive: () => {}, ended: connection.closed };
    let step = 0;
    connection.onFrame((frame) => {
      step += 1;
      if (step > 2) return joined.receive(frame);
      const text = Buffer.from(frame).toString("utf8");
      if (step === 1 && text.includes('"challenge"')) {
        connection.send(auth(first, frame, connection.binding));
      } else if (step === 2 && text.includes('"welcome"')) {
        resolve(joined);
      } else {
        reject(new Error(`refused: ${text.slice(0, 200)}`));
      }
    });
    connection.closed.then(
      ({ reason, detail }) => reject(new Error(`ended: ${reason}, ${detail}`)),
      reject,
    );
    connection.send(first);
  });
}
