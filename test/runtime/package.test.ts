import { readFileSync } from "node:fs";
import { expect, it } from "vitest";
import * as runtime from "../../src/runtime/index.js";

it("gradc/runtime is one file, so that Node has no others to find", async () => {
  const { exports } = JSON.parse(readFileSync("package.json", "utf8")) as {
    exports: Record<string, { default: string }>;
  };
  const file = exports["./runtime"]?.default ?? "";
  expect(readFileSync(file, "utf8")).not.toMatch(/^import |\bimport\(/m);
  const built = (await import(/* @vite-ignore */ `../../${file}`)) as object;
  expect(Object.keys(built).sort()).toEqual(Object.keys(runtime).sort());
});
