/** Screen: what people see: findings and, on the standard error, one line of progress under them. */
import { ProgressLine, type Progress } from "./progress-line.js";

export interface Screen {
  /** A finding. Goes to the standard output, or beside it when that is for JSON alone. */
  say(text: string): void;
  /** For the person who waits: to the standard error. */
  tell(text: string): void;
  progress(state: Progress): void;
  /** What is done at the moment: only on a terminal, in the place of the line of progress. */
  status(text: string): void;
  /** Takes the line of progress away. */
  clear(): void;
}

export function screenOf(isJson: boolean): Screen {
  const { stdout, stderr } = process;
  const line = new ProgressLine(stderr.isTTY);
  const write = (stream: NodeJS.WriteStream, text: string) => {
    stderr.write(line.clear());
    stream.write(`${text}\n`);
  };
  return {
    say: (text) => write(isJson ? stderr : stdout, text),
    tell: (text) => write(stderr, text),
    progress: (state) => void stderr.write(line.next(state)),
    status: (text) => void stderr.write(line.status(text)),
    clear: () => void stderr.write(line.clear()),
  };
}
