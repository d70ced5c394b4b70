/** Why a contender sits a workload out; no fault. */
export class LeftOut extends Error {
  left = true;
}
