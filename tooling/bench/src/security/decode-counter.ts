/**
 * DecodeCounter: how often the codec's `decode` was called, counted by the engine itself (V8's precise
 * coverage), so that nothing between a connection and the codec has to be replaced to know it.
 */
import { Session, type Profiler } from "node:inspector/promises";

const CODEC = /\/core\/(src\/codec|dist)\//;

export class DecodeCounter {
  readonly #session = new Session();

  async start(): Promise<void> {
    this.#session.connect();
    await this.#session.post("Profiler.enable");
    await this.#session.post("Profiler.startPreciseCoverage", { callCount: true, detailed: false });
  }

  /** Calls since the last time it was asked, or since the start. */
  async take(): Promise<number> {
    const { result } = await this.#session.post("Profiler.takePreciseCoverage");
    const scripts: Profiler.ScriptCoverage[] = result.filter(({ url }) => CODEC.test(url));
    const decodes = scripts
      .flatMap(({ functions }) => functions)
      .filter(({ functionName }) => functionName === "decode");
    return decodes.reduce((sum, { ranges }) => sum + (ranges[0]?.count ?? 0), 0);
  }
}
