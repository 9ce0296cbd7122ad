/** askControl: asks the node that runs on a data directory of this machine. */
import { connect, type Socket } from "node:net";
import { coreErrors } from "@foundation/core";
import { consensusErrors } from "../errors.js";
import { controlPlace } from "./control-place.js";
import { answerOf, type ControlAnswer, type ControlQuestion } from "./control-words.js";
import { CONTROL_LIMITS } from "./limits.js";

/**
 * The node's answer, refused or not, as it gave it.
 *
 * @throws {ERR_NOBODY_ANSWERS} no node runs on the directory, or it may not be asked by this user
 * @throws {ERR_NOT_DECODABLE} it is of another version
 *
 * @example
 * ```ts
 * import { askControl } from "@foundation/consensus"
 *
 * const answer = await askControl("data/app-0", { type: "status" })
 * console.log(answer.ok ? answer.value : answer.message)
 * ```
 */
export async function askControl(
  directory: string,
  question: ControlQuestion,
): Promise<ControlAnswer> {
  const { socket } = controlPlace(directory);
  const line = await lineFrom(connect(socket), question).catch((error: unknown) => {
    const reason = error instanceof Error ? error.message : String(error);
    throw consensusErrors.ERR_NOBODY_ANSWERS(
      `No node answers on the data directory ${directory} (${reason}): start it, name the directory of a node that may ` +
        "vote, and ask as the user it runs as",
      { directory, reason },
      error,
    );
  });
  const answer = answerOf(line);
  if (answer !== undefined) return answer;
  const reason = "an answer that is none";
  throw coreErrors.ERR_NOT_DECODABLE(
    `The node on ${directory} gave ${reason}: run the command of its version`,
    { reason },
  );
}

function lineFrom(connection: Socket, question: ControlQuestion): Promise<string> {
  return new Promise((resolve, reject) => {
    let text = "";
    const fail = (why: string) => {
      reject(new Error(why));
      connection.destroy();
    };
    connection.setEncoding("utf8");
    connection.setTimeout(CONTROL_LIMITS.idleMs, () => fail("it did not answer in time"));
    connection.on("error", reject);
    connection.on("close", () => reject(new Error("the connection ended before an answer")));
    connection.on("data", (part: string) => {
      text += part;
      const end = text.indexOf("\n");
      if (end >= 0) {
        resolve(text.slice(0, end));
        connection.destroy();
      } else if (text.length > CONTROL_LIMITS.lineBytesMax) fail("the answer is too long");
    });
    connection.write(`${JSON.stringify(question)}\n`);
  });
}
