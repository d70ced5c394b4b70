import { accuracy } from "./accuracy.mjs";
import { compileTimes } from "./compile.mjs";
import { scheduleCounts } from "./schedule.mjs";
import { pageSizes } from "./size.mjs";
import { coldStart } from "./start.mjs";

/** All figures beside times, printed as they come. @returns the text and the figures */
export async function counts(workloads, peers, { rounds, log }) {
  const parts = {
    schedule: () => scheduleCounts(workloads),
    sizes: () => pageSizes(workloads),
    start: () => coldStart(peers, { rounds, log }),
    compile: () => compileTimes(workloads, { log }),
    accuracy: () => accuracy({ log }),
  };
  const all = {};
  const texts = [];
  for (const [name, part] of Object.entries(parts)) {
    const { text, data } = await part();
    log("");
    console.log(`${text}\n`);
    texts.push(text);
    all[name] = data;
  }
  return { text: texts.join("\n\n"), data: all };
}
