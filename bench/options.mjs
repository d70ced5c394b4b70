import { parseArgs } from "node:util";
import { parseContender } from "./contenders/index.mjs";
import { PROGRAMS } from "./odd/programs.mjs";
import { WORKLOADS } from "./workloads.mjs";

const DEFAULT_ENGINES = "js,wasm,wasm2,hand,c,jax,tfjs,ort";

const COMPILED = "js,wasm";

export const USAGE = `npm run bench -- [OPTIONS]
  --only W1,W2      workloads (all: ${[...WORKLOADS.keys()].join(" ")})
  --engines A,B     contenders, default ${DEFAULT_ENGINES};
                    webgpu and eager on request; of our engines also
                    wasm@DIR (another checkout's build), wasm+arrays (inputs passed as arrays)
  --rounds N        default 11
  --warm-up MS      before the rounds, each contender; default 400
  --counts          instead of times: kernels, bytes moved, sizes of pages, cold start, compile time, accuracy
  --parts A,B       of the counts: schedule, sizes, start, compile, accuracy
  --odd             instead of the workloads: other programs at odd sizes (--only names programs)
  --ablate          instead: each optimisation left out by itself
  --profile         instead: which kernels take the time, and what a call allocates
  --json FILE       all figures
  --svg FILE        a chart of the times
  --write           puts the tables into RESULTS.md
`;

/** @throws Error with a sentence for a mistake */
export function parseOptions(args) {
  const { values } = parseArgs({
    args,
    options: {
      only: { type: "string" },
      engines: { type: "string" },
      rounds: { type: "string", default: "11" },
      "warm-up": { type: "string", default: "400" },
      counts: { type: "boolean", default: false },
      parts: { type: "string" },
      odd: { type: "boolean", default: false },
      profile: { type: "boolean", default: false },
      ablate: { type: "boolean", default: false },
      write: { type: "boolean", default: false },
      svg: { type: "string" },
      json: { type: "string" },
      help: { type: "boolean", default: false },
    },
  });
  const list = (text) => text.split(",").filter(Boolean);
  const modes = ["counts", "odd", "ablate", "profile"].filter((name) => values[name]);
  if (modes.length > 1) throw new Error(`one of --${modes.join(" and --")}, not both`);
  const mode = modes[0] ?? "times";
  const only = namesOf(values, list);
  const engines = list(
    values.engines ?? (["odd", "ablate", "profile"].includes(mode) ? COMPILED : DEFAULT_ENGINES),
  );
  engines.forEach(parseContender);
  const rounds = Number(values.rounds);
  if (!(Number.isInteger(rounds) && rounds > 0)) throw new Error("--rounds wants a positive integer");
  const warmUp = Number(values["warm-up"]);
  if (!(warmUp >= 0)) throw new Error("--warm-up wants milliseconds");
  const parts = values.parts === undefined ? null : list(values.parts);
  return { ...values, parts, mode, only, engines, rounds, warmUp };
}

/** Of workloads, or of programs where those are measured; all where none are named. */
function namesOf({ only, odd }, list) {
  const known = odd ? Object.keys(PROGRAMS) : [...WORKLOADS.keys()];
  if (only === undefined) return known;
  for (const name of list(only))
    if (!known.includes(name))
      throw new Error(`there is no workload \`${name}\`; there are ${known.join(", ")}`);
  return list(only);
}
