import { oddWorkload } from "./odd/suite.mjs";
import { workload } from "./workloads.mjs";

/** A workload by the suite and the name: what travels to another process. */
export function find(suite, name) {
  if (suite === "main") return workload(name);
  if (suite === "odd") return oddWorkload(name);
  throw new Error(`there is no suite ${suite}`);
}
