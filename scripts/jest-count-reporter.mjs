// jest's last word: one plain closing line over all projects. A run in which no test ran has failed.
export default class CountReporter {
  #ran = 0;

  onRunComplete(_contexts, results) {
    // A file that could not even be loaded has no tests to count, so it counts as one itself.
    const failed = results.numFailedTests + results.numRuntimeErrorTestSuites;
    const skipped = results.numPendingTests + results.numTodoTests;
    this.#ran = results.numPassedTests + failed;
    const line = `${results.numPassedTests} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ""}`;
    // jest's own summary comes after every other reporter.
    process.once("exit", () => process.stdout.write(`\n${line}\n`));
  }

  getLastError() {
    return this.#ran === 0 ? new Error("No test ran.") : undefined;
  }
}
