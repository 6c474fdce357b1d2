// A session whose worker was killed: nobody runs the host's tool, and nothing more comes by itself.

import type { Recording } from "../recording.ts";
import { log } from "../recording.ts";
import { ask, begins, blockedOn, done, echo, hostResult, interrupts, replied, uses } from "../words.ts";

const check = ask("msg_check", "Check the disk.");
const stop = interrupts("stop_check");

/** The client gives up after a minute, and says so. */
export const workerKilled: Recording = {
  name: "worker killed",
  runTimeoutMs: 60_000,
  steps: log(
    check,
    begins(check),
    uses("use_bash", "bash", "allow"),
    replied(),
    blockedOn("use_bash"),
    stop,
    hostResult("use_bash", "The call was stopped before it had a result.", true),
    echo(stop),
    done(),
  ),
  runs: [],
};
