import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { afterAll, expect, test } from "vitest";
import { format } from "../../src/format/format.js";

const text = readFileSync("docs/tour.md", "utf8");
const block = (language: string): string =>
  new RegExp(`\`\`\`${language}\n([^]*?)\`\`\``).exec(text)?.[1] ?? "";
const folder = mkdtempSync(join(tmpdir(), "gradc-tour-"));
afterAll(() => rmSync(folder, { recursive: true }));
writeFileSync(join(folder, "line.grad"), block("grad"));
writeFileSync(join(folder, "points.json"), block("json"));
const cli = resolve("dist/cli.js");

/** What a command of the tour prints; the tour's commands run one after the other in one folder. */
function gradc(command: string): { status: number | null; out: string } {
  const { status, stdout, stderr } = spawnSync(process.execPath, [cli, ...command.split(" ").slice(1)], {
    cwd: folder,
    encoding: "utf8",
  });
  return { status, out: stdout + stderr };
}

test("the tour's file is laid out, and its commands succeed in their order", () => {
  expect(format(block("grad"), "line.grad")).toEqual({ text: block("grad") });
  const commands = [...text.matchAll(/^gradc .*$/gm)].map(([line]) => line);
  expect(commands.length).toBeGreaterThan(8);
  const printed = new Map<string, string>();
  for (const command of commands) {
    const { status, out } = gradc(command);
    expect({ command, status, out: status === 0 ? "" : out }).toEqual({ command, status: 0, out: "" });
    printed.set(command, out);
  }
  expect(printed.get("gradc check line.grad")).toBe("");
  expect(printed.get("gradc check line.grad --tests")).toContain("ok   check mse");
  const { out } = gradc("gradc run line.grad --data points.json --params line.safetensors --json");
  const { outputs } = JSON.parse(out) as { outputs: Record<string, { data: number[] }> };
  expect(outputs["mse"]?.data[0]).toBeLessThan(1e-6);
});

test("the tour's mistake gives the code that it says", () => {
  writeFileSync(join(folder, "line.grad"), block("grad").replace("- y[n]", "- y[m]"));
  const { status, out } = gradc("gradc check line.grad");
  expect(status).toBe(1);
  expect(out).toContain("error[GRAD2004]");
});
