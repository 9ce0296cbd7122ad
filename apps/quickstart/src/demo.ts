/** `npm start`: the scenario for the eye. Ctrl-C ends it cleanly. */
import { createConductor, runs } from "./conductor.js";
import { expectedNodes, runScenario } from "./scenario.js";
import { openScreen } from "./screen.js";

/** How long the demonstration lingers before and after the kill, in ms. */
const lingerMs = 2_500;

export async function demo(out: NodeJS.WriteStream): Promise<void> {
  const conductor = createConductor({ expected: expectedNodes, env: {} });
  const screen = openScreen(conductor, out);
  const stop = () => {
    void conductor.close().then(() => {
      screen.close();
      process.exit(130);
    });
  };
  process.once("SIGINT", stop);
  process.once("SIGTERM", stop);
  try {
    const result = await runScenario(conductor, (text) => screen.step(text), lingerMs);
    screen.step(
      `${result.calls} calls: ${result.ok} succeeded and ran, ${result.unknown} in flight at the kill ` +
        `are reported as unknown, ${result.refused} were refused and did not run`,
    );
    screen.step(`lost ${result.lost}, ran twice ${result.duplicated}: compared with the journal`);
    for (const node of conductor.nodes.filter(runs)) conductor.tell(node, { type: "leave" });
    screen.step("the others leave in good order");
    await conductor.until("a clean leave", () => !conductor.nodes.some(runs), 10_000);
  } finally {
    await conductor.close();
    screen.close();
  }
  out.write("\nThe same by hand, six lines in two terminals: see apps/quickstart/README.md.\n");
}
