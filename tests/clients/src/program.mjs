// Programs that tests start, and what they write.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";

/** How long a line may take to come. */
const WAIT_MS_MAX = 60_000;

export class Program {
  #lines = [];
  #waiting = [];
  #process;
  #gone;

  constructor(command, args, options = {}) {
    this.#process = spawn(command, args, { ...options, stdio: ["ignore", "pipe", "pipe"] });
    this.#gone = once(this.#process, "exit");
    for (const stream of [this.#process.stdout, this.#process.stderr]) createInterface({ input: stream }).on("line", (line) => this.#wrote(line));
  }

  /** The match of a line that looks like this, there already or still to come. Each line is found once. */
  line(pattern) {
    return new Promise((resolve, reject) => {
      const late = setTimeout(() => reject(new Error(`no ${pattern} in what came:\n${this.#lines.join("\n")}`)), WAIT_MS_MAX);
      this.#waiting.push({ pattern, found: (match) => resolve(match, clearTimeout(late)) });
      this.#look();
    });
  }

  /** Kills it, as a loss of power would. */
  async kill() {
    this.#process.kill("SIGKILL");
    await this.#gone;
  }

  #wrote(line) {
    this.#lines.push(line);
    this.#look();
  }

  #look() {
    this.#waiting = this.#waiting.filter(({ pattern, found }) => {
      const index = this.#lines.findIndex((line) => pattern.test(line));
      if (index < 0) return true;
      const [line] = this.#lines.splice(index, 1);
      found(line.match(pattern));
      return false;
    });
  }
}
