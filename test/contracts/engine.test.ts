// The contract of the Engine port, over every engine there is.

import type { Engine } from "loophost/sessions";
import { inProcessEngine } from "loophost/sessions";
import type { EnginePlace } from "loophost/testing";
import { engineContract, manualClock } from "loophost/testing";
import { describe, expect, it } from "vitest";

describe("inProcessEngine()", () => {
  it.for(engineContract)("$name", async ({ check }) => {
    const clock = manualClock();
    const opened: Engine[] = [];
    const place: EnginePlace = {
      clock,
      async open() {
        const engine = inProcessEngine({ clock });
        opened.push(engine);
        return engine;
      },
      passTime: (ms) => clock.advance(ms),
    };
    await expect(check(place)).resolves.toBeUndefined();
    await Promise.all(opened.map((engine) => engine.close()));
  });
});
