/**
 * The last line of a terminal, rewritten in place: what goes on right now, with a clock, or a question somebody has yet to
 * answer. It never takes more than one line: what a terminal wraps cannot be wiped, and stays as a ghost.
 */

import type { Clock } from "../../core/clock.ts";
import { columnsOf, fit } from "./columns.ts";
import type { Output } from "./progress.ts";

const FRAMES = ["⠋", "⠙", "⠹", "⠸", "⠼", "⠴", "⠦", "⠧", "⠇", "⠏"];
const FRAME_MS = 120;
const WIPE = "\r\u001b[2K";

/** The line, on an output that may be no terminal: then it is not there. */
export class LiveLine {
  readonly #output: Output;
  readonly #clock: Clock;
  #doing: { readonly what: string; readonly since: number } | undefined;
  #question: string | undefined;
  #isShown = false;
  #frame = 0;
  #cancel: () => void = () => undefined;

  constructor(output: Output, clock: Clock) {
    this.#output = output;
    this.#clock = clock;
  }

  /** What goes on, from now on; nothing does with undefined. To be shown next. */
  doing(what: string | undefined): void {
    this.#doing = what === undefined ? undefined : { what, since: this.#clock.now() };
  }

  /** Asks, until there is an answer; what goes on is not shown under an open question. */
  ask(question: string): void {
    this.wipe();
    this.#question = question;
    this.show();
  }

  /** The question is over: with Enter, which has ended its line on the screen, or with an end of ours. */
  answered(end = ""): void {
    if (this.#question === undefined) return;
    this.#output.write(end);
    this.#question = undefined;
    this.#isShown = false;
    this.show();
  }

  /** Makes room for a line that stays. */
  wipe(): void {
    this.#cancel();
    if (this.#isShown) this.#output.write(WIPE);
    this.#isShown = false;
  }

  /** Shows the line again. */
  show(): void {
    const line = this.#question ?? this.#status();
    this.wipe();
    if (this.#output.isTTY !== true || line === undefined) return;
    this.#output.write(line);
    this.#isShown = true;
    if (this.#question !== undefined) return;
    this.#frame += 1;
    this.#cancel = this.#clock.after(FRAME_MS, () => this.show());
  }

  #status(): string | undefined {
    if (this.#doing === undefined) return undefined;
    const { what, since } = this.#doing;
    const seconds = Math.floor((this.#clock.now() - since) / 1_000);
    const time =
      seconds < 1 ? "" : ` ${seconds < 60 ? "" : `${Math.floor(seconds / 60)} min `}${seconds % 60} s`;
    const room = (this.#output.columns ?? 80) - 1;
    const head = `  ${FRAMES[this.#frame % FRAMES.length]} `;
    return head + fit(what, room - columnsOf(head) - time.length) + time;
  }
}
