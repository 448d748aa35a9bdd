// Tests that need what this machine lacks say so, loudly: `make clients` lists them at its end.
import { appendFileSync } from "node:fs";

/** Notes that `test` cannot run, and why. What it returns is for the `skip` option of the test. */
export function skipped(test, reason) {
  console.error(`SKIPPED ${test}: ${reason}`);
  if (process.env.POLLUX_TEST_SKIPPED) appendFileSync(process.env.POLLUX_TEST_SKIPPED, `${test}: ${reason}\n`);
  return reason;
}
