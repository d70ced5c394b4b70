import { Contender } from "./contender.mjs";

const BATCH = 50; // ms
/** A unit this long is measured in one round only. */
const SLOW = 5000; // ms

/**
 * @typedef {object} Timing
 * @property {string} contender
 * @property {number} [median] milliseconds a unit, over the rounds
 * @property {number} [low] the quartiles
 * @property {number} [high]
 * @property {number} [error] the largest relative L2 error over the results
 * @property {number} [prepare] milliseconds from a new process to ready
 * @property {string} [fault] why there is no time
 * @property {string} [leftOut] why the contender does not take part
 */

/**
 * All contenders at one workload: results are held against float64 first, then they run in turn, `rounds` times, the
 * first one another each round, so that whatever else the machine does meets all of them.
 * @param {string[]} names of contenders
 * @param {{ suite: string, name: string, steps: number, tolerance: number }} workload
 * @param {{ rounds: number, warmUp?: number, log?: (text: string) => void }} options `warmUp` in milliseconds
 * @returns {Promise<Timing[]>}
 */
export const measure = (names, workload, options) =>
  measureEntries(
    names.map((name) => ({ name, workload })),
    options,
  );

/**
 * The same for entries of several workloads that take turns with each other.
 * @param {{ name: string, workload: object }[]} entries
 * @returns {Promise<Timing[]>} for each entry
 */
export async function measureEntries(entries, { rounds, warmUp = 400, log = () => {} }) {
  const expected = new Map();
  const running = [];
  const timings = [];
  try {
    for (const { name, workload } of entries) {
      log(`${workload.name}: ${name} …`);
      if (!expected.has(workload.name)) expected.set(workload.name, await resultsOf("reference", workload));
      const { timing, ...started } = await start(name, workload, expected.get(workload.name), warmUp);
      timings.push(timing);
      if (started.contender) running.push({ timing, workload, times: [], ...started });
    }
    for (let round = 0; round < rounds; round++) {
      log(`${entries[0].workload.name}: round ${round + 1} of ${rounds} …`);
      for (let k = 0; k < running.length; k++) {
        const { contender, count, times, unit } = running[(k + round) % running.length];
        if (unit < SLOW || times.length === 0) times.push(await contender.time(count));
      }
    }
  } finally {
    for (const { contender } of running) contender.close();
  }
  for (const { timing, times, workload } of running)
    Object.assign(timing, quartiles(times.map((t) => t / (workload.steps || 1))));
  return timings;
}

/** A contender that has given right results and is warm; else a timing that says why not, alone. */
async function start(name, workload, expected, warmUp) {
  const contender = new Contender(name, workload);
  const timing = { contender: name };
  try {
    timing.prepare = await contender.prepare();
    timing.error = worstError(await contender.results(), expected);
    if (!(timing.error <= workload.tolerance)) throw new Error(`wrong by ${timing.error.toExponential(1)}`);
    return { timing, contender, ...(await batchOf(contender, warmUp)) };
  } catch (error) {
    timing[error.left ? "leftOut" : "fault"] = error.message;
    contender.close();
    return { timing };
  }
}

async function resultsOf(name, workload) {
  const contender = new Contender(name, workload);
  try {
    await contender.prepare();
    return await contender.results();
  } finally {
    contender.close();
  }
}

/** Runs until the code is compiled, and finds how many units make a batch that a clock can measure. */
async function batchOf(contender, warmUp) {
  let spent = 0;
  let count = 1;
  for (;;) {
    const unit = await contender.time(count);
    spent += unit * count;
    if (spent >= warmUp) return { unit, count: Math.max(1, Math.round(BATCH / unit)) };
    count = Math.max(1, Math.min(count * 4, Math.ceil((warmUp - spent) / Math.max(unit, 1e-6))));
  }
}

/** @returns {{ median: number, low: number, high: number }} */
export function quartiles(times) {
  const sorted = [...times].sort((a, b) => a - b);
  const at = (q) => {
    const place = q * (sorted.length - 1);
    const below = Math.floor(place);
    return sorted[below] + (place - below) * ((sorted[below + 1] ?? sorted[below]) - sorted[below]);
  };
  return { median: at(0.5), low: at(0.25), high: at(0.75) };
}

/** The largest over all names of ‖actual − expected‖ / ‖expected‖. @throws Error where one is missing */
export function worstError(actual, expected) {
  let worst = 0;
  for (const [name, want] of Object.entries(expected)) {
    const have = actual[name];
    if (!have) throw new Error(`no \`${name}\` among the results`);
    if (have.length !== want.length)
      throw new Error(`\`${name}\` has ${have.length} elements, where ${want.length} are wanted`);
    let difference = 0;
    let norm = 0;
    for (let k = 0; k < want.length; k++) {
      difference += (have[k] - want[k]) ** 2;
      norm += want[k] ** 2;
    }
    const error = Math.sqrt(difference / (norm || 1));
    if (!(error <= worst)) worst = error;
  }
  return worst;
}
