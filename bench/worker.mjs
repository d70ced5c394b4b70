// One contender at one workload, in a process of its own: no other contender's code decides how its own is compiled.
// Answers the messages of `contender.mjs`.
import { prepareContender } from "./contenders/index.mjs";
import { find } from "./suites.mjs";

let prepared;
const handlers = {
  async prepare({ contender, suite, workload }) {
    const start = performance.now();
    prepared = await prepareContender(contender, find(suite, workload));
    return { milliseconds: performance.now() - start };
  },
  async results() {
    return { results: await prepared.results() };
  },
  /** Where the time of `count` units goes, and what they allocate. */
  async profile({ count }) {
    const { profile } = await import("./profile/session.mjs");
    return profile(prepared.run, count, (await prepared.functionNames?.()) ?? []);
  },
  /** `count` units, timed together. */
  async run({ count }) {
    const { run } = prepared;
    const start = performance.now();
    for (let k = 0; k < count; k++) {
      const pending = run();
      if (pending) await pending;
    }
    return { milliseconds: performance.now() - start };
  },
};
process.on("message", async ({ id, kind, ...rest }) => {
  try {
    process.send({ id, ...(await handlers[kind](rest)) });
  } catch (error) {
    process.send({ id, error: String(error?.message ?? error), left: error?.left ?? false });
  }
});
