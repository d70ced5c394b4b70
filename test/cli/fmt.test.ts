import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeEach, expect, test, vi } from "vitest";
import { main } from "../../src/cli/main.js";

const folder = mkdtempSync(join(tmpdir(), "gradc-fmt-"));
afterAll(() => rmSync(folder, { recursive: true }));
let out = "";
beforeEach(() => {
  out = "";
  const write = (text: string | Uint8Array): boolean => ((out += String(text)), true);
  vi.spyOn(process.stdout, "write").mockImplementation(write);
  vi.spyOn(process.stderr, "write").mockImplementation(write);
});
afterEach(() => vi.restoreAllMocks());
const file = (name: string, text: string): string => {
  const path = join(folder, name);
  writeFileSync(path, text);
  return path;
};

test("fmt writes the file, and says which; the second time nothing", async () => {
  const path = file("a.grad", "y=1");
  expect(await main(["fmt", path])).toBe(0);
  expect(readFileSync(path, "utf8")).toBe("y = 1\n");
  expect(out).toBe(`${path}\n`);
  out = "";
  expect(await main(["fmt", path])).toBe(0);
  expect(out).toBe("");
});

test("fmt --check writes nothing and exits with 1 where something would change", async () => {
  const path = file("b.grad", "y=1");
  expect(await main(["fmt", path, "--check"])).toBe(1);
  expect(readFileSync(path, "utf8")).toBe("y=1");
  expect(out).toBe(`${path} would change\n`);
  expect(await main(["fmt", file("c.grad", "y = 1\n"), "--check"])).toBe(0);
});

test("fmt leaves a file with a syntax error alone, and lays out the others", async () => {
  const bad = file("bad.grad", "y = = 1");
  const good = file("good.grad", "y=1");
  expect(await main(["fmt", bad, good])).toBe(1);
  expect(readFileSync(bad, "utf8")).toBe("y = = 1");
  expect(readFileSync(good, "utf8")).toBe("y = 1\n");
  expect(out).toContain("error[GRAD1001]");
});
