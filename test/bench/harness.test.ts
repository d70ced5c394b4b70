import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";

const folder = mkdtempSync(join(tmpdir(), "gradc-bench-"));
afterAll(() => rmSync(folder, { recursive: true }));

interface Timing {
  readonly contender: string;
  readonly median?: number;
  readonly error?: number;
  readonly fault?: string;
}
interface Report {
  readonly results: readonly {
    readonly workload: { readonly name: string };
    readonly timings: readonly Timing[];
  }[];
}
const bench = (...args: string[]) =>
  spawnSync(process.execPath, ["bench/run.mjs", ...args], { encoding: "utf8" });

test("the benchmark holds every engine against float64 and then times it", () => {
  const json = join(folder, "bench.json");
  const engines = ["js", "wasm", "eager", "hand"];
  const options = ["--only", "W6b", "--engines", engines.join(), "--rounds", "1", "--warm-up", "0"];
  const { status, stdout } = bench(...options, "--json", json);
  expect(status, stdout).toBe(0);
  const { results } = JSON.parse(readFileSync(json, "utf8")) as Report;
  expect(results.map((r) => r.workload.name)).toEqual(["W6b"]);
  const timings = results[0]?.timings ?? [];
  expect(timings.map((t) => t.contender)).toEqual(engines);
  for (const { contender, median, error } of timings) {
    expect(error, contender).toBeLessThan(1e-5);
    expect(median, contender).toBeGreaterThan(0);
  }
  expect(stdout).toMatch(/wasm: its time over others'/);
});

test("the benchmark refuses names that it does not know", () => {
  const { status, stderr } = bench("--only", "W99");
  expect(status).toBe(2);
  expect(stderr).toContain("there is no workload `W99`; there are W1, W2");
  expect(bench("--engines", "fortran").stderr).toContain(
    "there is no contender `fortran`; there are js, wasm",
  );
});
