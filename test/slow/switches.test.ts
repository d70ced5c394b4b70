import { readFileSync, readdirSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { loadData } from "../../dist/cli/data.js";
import { instantiate, RUNTIME_URL } from "../../dist/cli/model.js";
import { compile, OPTIMIZATIONS } from "../../dist/compile.js";

interface Expected {
  readonly loss: string;
  readonly grads: Readonly<
    Record<string, Readonly<Record<string, { readonly data: readonly (number | string)[] }>>>
  >;
}
const folder = "test/models";
const models = readdirSync(folder).flatMap((f) => (f.endsWith(".grad") ? [f.slice(0, -5)] : []));

// PyTorch's gradients, whatever is left out: an optimisation changes no result.
describe.each(["js", "wasm"] as const)("on %s", (target) => {
  test.each(models)(
    "the gradients of %s do not depend on any optimisation",
    async (name) => {
      const source = readFileSync(`${folder}/${name}.grad`, "utf8");
      const data = await loadData([`${folder}/${name}.data.json`]);
      const { loss, grads } = JSON.parse(readFileSync(`${folder}/${name}.expected.json`, "utf8")) as Expected;
      const params = Object.entries(grads[loss] ?? {});
      expect(params.length).toBeGreaterThan(0);
      for (const off of [...OPTIMIZATIONS.map((one) => [one]), OPTIMIZATIONS]) {
        const compiled = compile(source, {
          targets: [target],
          wrt: params.map(([param]) => param),
          runtimeImport: RUNTIME_URL,
          off,
        });
        expect(compiled.ok).toBe(true);
        const model = await instantiate(compiled, { backend: target, dims: data.dims, params: data.params });
        const found = model.backward(data.inputs, { of: loss }).grads;
        for (const [param, want] of params) {
          const wanted = want.data.map(Number);
          const most = Math.max(1e-6, ...wanted.map(Math.abs));
          const got = found[param]?.data ?? [];
          expect(got.length).toBe(wanted.length);
          const error = Math.max(...wanted.map((w, k) => Math.abs((got[k] ?? NaN) - w))) / most;
          expect(error, `d${loss}/d${param} without ${off.join()}`).toBeLessThan(1e-3);
        }
        model.dispose();
      }
    },
    120_000,
  );
});
