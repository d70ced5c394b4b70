import { accuracy } from "./accuracy.mjs";
import { compileTimes } from "./compile.mjs";
import { scheduleCounts } from "./schedule.mjs";
import { pageSizes } from "./size.mjs";
import { coldStart } from "./start.mjs";

/** All figures beside times, printed as they come. @returns the text and the figures */
export async function counts(workloads, peers, { rounds, log, parts: wanted }) {
  const parts = {
    schedule: () => scheduleCounts(workloads),
    sizes: () => pageSizes(workloads),
    start: () => coldStart(peers, { rounds, log }),
    compile: () => compileTimes(workloads, { log }),
    accuracy: () => accuracy({ log }),
  };
  for (const name of wanted ?? [])
    if (!Object.hasOwn(parts, name))
      throw new Error(`there is no part \`${name}\`; there are ${Object.keys(parts).join(", ")}`);
  const all = {};
  const texts = [];
  for (const [name, part] of Object.entries(parts)) {
    if (wanted && !wanted.includes(name)) continue;
    const { text, data } = await part();
    log("");
    console.log(`${text}\n`);
    texts.push(text);
    all[name] = data;
  }
  return { text: texts.join("\n\n"), data: all };
}
