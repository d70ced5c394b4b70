import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, test } from "vitest";

// What holds on any machine: counts of the benchmark's workloads, where times would be noise.
interface Counts {
  readonly forward: number;
  readonly backward: number;
  readonly overForward: number;
  readonly peak: number;
  readonly planned: number;
}
type Report = Readonly<Record<string, Readonly<Record<"js" | "wasm" | "wgsl", Counts>>>>;

function measured(): Report {
  const folder = mkdtempSync(join(tmpdir(), "gradc-bench-"));
  try {
    const json = join(folder, "counts.json");
    const args = ["bench/run.mjs", "--counts", "--parts", "schedule", "--engines", "js", "--json", json];
    const { status, stderr } = spawnSync(process.execPath, args, { encoding: "utf8" });
    expect(status, stderr).toBe(0);
    return (JSON.parse(readFileSync(json, "utf8")) as { counts: { schedule: Report } }).counts.schedule;
  } finally {
    rmSync(folder, { recursive: true });
  }
}

describe("the schedules of the workloads", () => {
  const counts = measured();
  const each = Object.entries(counts).flatMap(([name, targets]) =>
    (["js", "wasm"] as const).map((target) => [name, target, targets[target]] as const),
  );
  test("are those of all eleven", () => {
    expect(each).toHaveLength(22);
  });
  test.each(each)("%s on %s: the gradient costs at most five times the forward pass", (_, __, c) => {
    expect(c.overForward).toBeGreaterThan(1);
    expect(c.overForward).toBeLessThan(5);
  });
  test.each(each)("%s on %s: memory is within 1.3 of what lives at once", (_, __, c) => {
    expect(c.peak).toBeGreaterThan(0);
    expect(c.planned).toBeLessThanOrEqual(1.3 * c.peak);
  });
  test.each([
    ["W1", 2],
    ["W2", 8],
    ["W3", 3],
    ["W4", 12],
    ["W5", 24],
    ["W7", 2],
    ["W8", 2],
    ["W9", 1],
  ])("%s is at most %i kernels with its gradient", (name, most) => {
    expect(counts[name]?.js.backward).toBeLessThanOrEqual(most);
    expect(counts[name]?.wasm.backward).toBeLessThanOrEqual(most);
  });
});
