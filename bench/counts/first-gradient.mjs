// A process that does no more than a peer's first gradient of W2.
import { CONTENDERS } from "../contenders/index.mjs";
import { workload } from "../workloads.mjs";

const prepared = await CONTENDERS[process.argv[2]].prepare(workload("W2"));
await prepared.results();
process.exit(0);
