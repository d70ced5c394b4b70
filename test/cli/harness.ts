import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll } from "vitest";
import { main } from "../../src/cli/main.js";

/** What a command writes to standard output and error, with its exit status. */
export async function gradc(...args: string[]): Promise<{ status: number; out: string; err: string }> {
  const written = { out: "", err: "" };
  const [stdout, stderr] = [process.stdout.write, process.stderr.write];
  process.stdout.write = (text) => ((written.out += String(text)), true);
  process.stderr.write = (text) => ((written.err += String(text)), true);
  try {
    return { status: await main(args), ...written };
  } finally {
    process.stdout.write = stdout;
    process.stderr.write = stderr;
  }
}

/** A folder for a test file, gone at its end; `write` gives the path of a file in it. */
export function scratch(name: string): {
  path: (file: string) => string;
  write: (file: string, text: string) => string;
} {
  const folder = mkdtempSync(join(tmpdir(), `gradc-${name}-`));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  const path = (file: string): string => join(folder, file);
  return {
    path,
    write: (file, text) => {
      writeFileSync(path(file), text);
      return path(file);
    },
  };
}
