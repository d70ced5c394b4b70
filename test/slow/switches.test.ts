import { describe, expect, test } from "vitest";
import { loadData } from "../../dist/cli/data.js";
import { instantiate, RUNTIME_URL } from "../../dist/cli/model.js";
import { compile, OPTIMIZATIONS } from "../../dist/compile.js";
import { caseNames, readCase } from "../cases.js";

// PyTorch's gradients, whatever is left out: an optimisation changes no result.
describe.each(["js", "wasm"] as const)("on %s", (target) => {
  test.each(caseNames("models"))(
    "the gradients of %s do not depend on any optimisation",
    async (name) => {
      const { source, expected } = readCase("models", name);
      const data = await loadData([`test/models/${name}.data.json`]);
      const { loss, grads } = expected;
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
