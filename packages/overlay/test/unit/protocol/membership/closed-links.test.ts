/** A link that is closed says what its two sides wanted: idle, or the sign of a process that ends. */
import { describe, expect, test } from "@jest/globals";
import { MembershipBench } from "../../../support/membership-bench.js";
import { idOf } from "../../../support/membership-entries.js";

/** A server, and its clients 2 and 3. It keeps no link to a client of its own accord. */
function server(): MembershipBench {
  return new MembershipBench(1, 1, { roles: ["server"], topology: "client-server" }).meet(2, 3);
}

const dialled = (bench: MembershipBench) => bench.of("connect").map(({ target }) => target.id);

describe("a server whose link to a client is closed", () => {
  test("dials the client that wanted it: that nobody listens there is evidence of its death", () => {
    const bench = server();
    bench.linkDown(2, 1, "closed");
    expect(dialled(bench)).toEqual([idOf(2)]);
    bench.refused(2);
    expect(bench.sent(3, "suspect")).toMatchObject([{ id: idOf(2), refused: true }]);
  });

  test("dials nobody when the client had said that it wants the link no more", () => {
    const bench = server();
    bench.tell(2, { type: "want", wanted: false });
    bench.linkDown(2, 1, "closed");
    expect(dialled(bench)).toEqual([]);
  });
});
