import { mkdirSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test, vi } from "vitest";
import { instantiate } from "../../src/cli/model.js";

vi.mock("node:fs", async (original) => ({
  ...(await original<typeof import("node:fs")>()),
  // A folder's name is drawn at random and may come again.
  mkdtempSync: (prefix: string) => {
    const folder = join(tmpdir(), `${prefix.split("/").at(-1)}${process.pid}-again`);
    mkdirSync(folder);
    return folder;
  },
}));

test("a module written to a folder that an earlier one had is its own", async () => {
  for (const n of [1, 2])
    expect(await instantiate({ code: `export const create = () => ${n};` }, {})).toBe(n);
});
