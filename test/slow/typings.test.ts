import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, expect, it } from "vitest";
import { emitTypings } from "../../src/codegen/module/emit.js";
import { buildModuleSpec } from "../../src/codegen/module/spec.js";
import { PROGRAM } from "../codegen/regression.js";

const root = fileURLToPath(new URL("../..", import.meta.url));
const folder = mkdtempSync(join(tmpdir(), "gradc-typings-"));
afterAll(() => rmSync(folder, { recursive: true }));

/** What the TypeScript compiler says of a use of the generated typings. */
function errorsOf(use: string): string {
  const dts = emitTypings(buildModuleSpec(PROGRAM, { version: "0.0.0", wrt: ["w"] }));
  writeFileSync(
    join(folder, "regression.d.ts"),
    dts.replaceAll("gradc/runtime", join(root, "src/runtime/index.js")),
  );
  writeFileSync(join(folder, "regression.js"), "");
  writeFileSync(
    join(folder, "use.ts"),
    `import { create } from "./regression.js";\nconst x = new Float32Array(2), t = new Float32Array(1);\nconst model = await create({ dims: { I: 2 } });\n${use}\n`,
  );
  const types = join(root, "node_modules/@webgpu/types/dist/index.d.ts");
  const flags =
    "--noEmit --strict --exactOptionalPropertyTypes --skipLibCheck --target es2023 --lib es2023,dom,esnext.disposable --module nodenext --ignoreConfig --types";
  const args = [
    join(root, "node_modules/typescript/bin/tsc"),
    ...flags.split(" "),
    types,
    join(folder, "use.ts"),
  ];
  writeFileSync(join(folder, "package.json"), '{ "type": "module" }');
  const { stdout } = spawnSync(process.execPath, args, { cwd: folder, encoding: "utf8" });
  return stdout.trim();
}

it("a right use has no type errors", () => {
  const use =
    "const r = model.step({ x, t }, { rate: 0.5 });\nawait r.mse.item();\nawait model.backward({ x, t }).grads.w.read();\nmodel.forward({ x, t }).y.shape;";
  expect(errorsOf(use)).toBe("");
});
it.each([
  ["a missing input", "model.forward({ x });", "'t' is missing"],
  ["an unknown input", "model.forward({ x, t, z: x });", "'z' does not exist"],
  ["an unknown result", "model.forward({ x, t }).loss;", "'loss' does not exist"],
  [
    "an unknown argument of the optimizer",
    "model.step({ x, t }, { momentum: 1 });",
    "'momentum' does not exist",
  ],
  ["an unknown dim", "await create({ dims: { K: 2 } });", "'K' does not exist"],
])("%s is a type error", (_, use, message) => {
  expect(errorsOf(use)).toContain(message);
});
