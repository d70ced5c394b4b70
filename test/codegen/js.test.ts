import { describe, expect, it } from "vitest";
import { jsKernelLines } from "../../src/codegen/js/kernel.js";
import { jsHelpers } from "../../src/ir/scalar/helpers-js.js";
import type { Kernel } from "../../src/schedule/kernel/ir.js";
import { verifyKernel } from "../../src/schedule/kernel/verify.js";
import * as hand from "./kernels.js";
import { at, call, choose, f, float, int, kernel, load, reads, store, test, v, writes } from "./kernels.js";
import { type Data, RUNS } from "./runs.js";

const printJsKernel = (k: Kernel): string =>
  jsKernelLines(k)
    .map((line) => `${line.text}\n`)
    .join("");
/** Generated code needs no eval; the tests do. */
function runJs(k: Kernel, buffers: readonly Data[], sizes: readonly number[]): readonly Data[] {
  const code = printJsKernel(k);
  const made: unknown = new Function(`"use strict"; ${jsHelpers(code)}\n${code}\nreturn ${k.name};`)();
  if (typeof made !== "function") throw new Error("no function came out");
  const copies = buffers.map((b) => b.slice());
  made(...copies, ...sizes);
  return copies.filter((_, n) => k.buffers[n]?.access !== "read");
}
/** The text of one float expression of x and y, loaded at i. */
const expressionText = (e: ReturnType<typeof float>): string => {
  const k = kernel(
    "k",
    [reads("x"), reads("y"), writes("z", e.dtype)],
    { sizes: ["N"], grid: [["i", v("N")]] },
    [store("z", v("i"), e)],
  );
  return /z\[i\] = (.*);/.exec(printJsKernel(k))?.[1] ?? "";
};
const x = load("x", v("i"));
const y = load("y", v("i"));

describe("kernels as JavaScript", () => {
  it.each(RUNS.map((r) => [r.kernel.name, r] as const))(
    "run: %s",
    (_, { kernel: k, buffers, sizes, expected }) => {
      verifyKernel(k);
      runJs(k, buffers, sizes).forEach((got, n) => {
        const want = expected[n] ?? [];
        expect(got.length).toBe(want.length);
        got.forEach((value, i) => {
          const close =
            value === want[i] || Math.abs(value - (want[i] ?? NaN)) <= 1e-6 * (1 + Math.abs(value));
          expect(close, `${value} at ${i}, not ${want[i]}`).toBe(true);
        });
      });
    },
  );

  it("choose lazily, so a logarithm of what is not positive is never taken", () => {
    expect(printJsKernel(hand.elementwise)).toMatchInlineSnapshot(`
      "// y[i] = if x[i] > 0 then log(x[i]) * scale[] else -x[i] - 1
      function k_y(x, scale, y, N) {
        for (let i = 0; i < N; i++) {
          const x_i = x[i];
          y[i] = 0 < x_i ? gradc_log(x_i) * scale[0] : -x_i - 1;
        }
      }
      "
    `);
  });
  it("reduce into an accumulator, with the row's address outside the loop", () => {
    expect(printJsKernel(hand.reduction)).toMatchInlineSnapshot(`
      "// rows[b] = sum[i] x[b, i] * (w[i] + 1)
      function k_rows(x, w, rows, B, I) {
        for (let b = 0; b < B; b++) {
          const at = b * I;
          let acc = 0;
          for (let i = 0; i < I; i++) {
            acc += x[at + i] * (w[i] + 1);
          }
          rows[b] = acc;
        }
      }
      "
    `);
  });
  it("keep a tile of a product in registers", () => {
    expect(printJsKernel(hand.tiledProduct(2))).toMatchInlineSnapshot(`
      "// c[i, j] = sum[k] a[i, k] * b[k, j]
      function k_c(a, b, c, M, N, K) {
        for (let i = 0; i < M; i += 2) {
          for (let j = 0; j < N; j += 2) {
            const i0 = Math.min(i, M - 1);
            const i1 = Math.min(i + 1, M - 1);
            const j0 = Math.min(j, N - 1);
            const j1 = Math.min(j + 1, N - 1);
            let acc_00 = 0;
            let acc_01 = 0;
            let acc_10 = 0;
            let acc_11 = 0;
            for (let k = 0; k < K; k++) {
              const a0 = a[i0 * K + k];
              const a1 = a[i1 * K + k];
              const b0 = b[k * N + j0];
              const b1 = b[k * N + j1];
              acc_00 += a0 * b0;
              acc_01 += a0 * b1;
              acc_10 += a1 * b0;
              acc_11 += a1 * b1;
            }
            if (i < M && j < N) {
              c[i0 * N + j0] = acc_00;
            }
            if (i < M && j + 1 < N) {
              c[i0 * N + j1] = acc_01;
            }
            if (i + 1 < M && j < N) {
              c[i1 * N + j0] = acc_10;
            }
            if (i + 1 < M && j + 1 < N) {
              c[i1 * N + j1] = acc_11;
            }
          }
        }
      }
      "
    `);
  });
  it("load from a window only within its bounds", () => {
    expect(printJsKernel(hand.guardedWindow)).toMatchInlineSnapshot(`
      "// blur[u] = sum[p in 0..3] (x[u + p - 1] ?? 0)
      function k_blur(x, blur, N) {
        for (let u = 0; u < N; u++) {
          let acc = 0;
          for (let p = 0; p < 3; p++) {
            acc += 0 <= u + p - 1 && u + p - 1 < N ? x[u + p - 1] : 0;
          }
          blur[u] = acc;
        }
      }
      "
    `);
  });
  it("find positions, maxima and truths in one pass", () => {
    expect(printJsKernel(hand.argmax)).toMatchInlineSnapshot(`
      "// best[b] = argmax[c] z[b, c]
      // most[b] = max[c] z[b, c]
      // any[b] = any[c] (z[b, c] > 1)
      function k_best(z, best, most, any, B, C) {
        for (let b = 0; b < B; b++) {
          let acc = -Infinity;
          let at = -2147483648;
          let some = false;
          for (let c = 0; c < C; c++) {
            const z_c = z[b * C + c];
            if (acc < z_c || at === -2147483648) {
              acc = z_c;
              at = c;
            }
            some = some || 1 < z_c;
          }
          best[b] = at === -2147483648 ? 0 : at;
          most[b] = acc;
          any[b] = some;
        }
      }
      "
    `);
  });
  it("wrap data integers and leave addresses plain", () => {
    expect(printJsKernel(hand.integerGather)).toMatchInlineSnapshot(`
      "// picked[n] = if keep[n] then (table[token[n / 2]] + n) * 3 % 5 else -n
      function k_picked(table, token, keep, picked, N) {
        for (let n = 0; n < N; n++) {
          const token_n = token[n / 2 | 0] | 0;
          picked[n] = keep[n] !== 0 ? gradc_mod_int(Math.imul(table[token_n] + n | 0, 3) | 0, 5) : - n | 0;
        }
      }
      "
    `);
  });
});

describe("JavaScript expressions", () => {
  it("have brackets only where the order of evaluation needs them", () => {
    expect(
      [
        f("add", f("add", x, y), f("mul", x, y)),
        f("add", x, f("add", y, x)),
        f("mul", f("add", x, y), f("sub", x, y)),
        f("sub", x, f("sub", y, f("neg", x))),
        f("div", x, f("mul", y, x)),
        f("neg", f("neg", f("add", x, y))),
        f("max", f("add", x, y), f("mul", x, float(-2))),
        f("add", choose(test("lt", x, y), x, y), float(1)),
        choose(test("lt", x, y), x, choose(test("le", y, x), y, float(-0))),
        call(
          "and",
          "bool",
          call("and", "bool", test("lt", x, y), test("lt", y, x)),
          call("or", "bool", test("eq", x, y), test("lt", x, y)),
        ),
        call("not", "bool", call("and", "bool", test("lt", x, y), test("ne", y, x))),
        test("lt", f("add", x, y), f("erf", f("add", x, y))),
        f("powi", x, float(3)),
      ].map(expressionText),
    ).toMatchInlineSnapshot(`
      [
        "x[i] + y[i] + x[i] * y[i]",
        "x[i] + (y[i] + x[i])",
        "(x[i] + y[i]) * (x[i] - y[i])",
        "x[i] - (y[i] - -x[i])",
        "x[i] / (y[i] * x[i])",
        "-(-(x[i] + y[i]))",
        "Math.max(x[i] + y[i], x[i] * -2)",
        "(x[i] < y[i] ? x[i] : y[i]) + 1",
        "x[i] < y[i] ? x[i] : y[i] <= x[i] ? y[i] : -0",
        "x[i] < y[i] && y[i] < x[i] && (x[i] === y[i] || x[i] < y[i])",
        "!(x[i] < y[i] && y[i] !== x[i])",
        "x[i] + y[i] < gradc_erf(x[i] + y[i])",
        "gradc_powi(x[i], 3)",
      ]
    `);
  });
  it("round quotients of indices down, the cheap way where nothing is negative", () => {
    const i = v("i");
    const shifted = at("sub", i, int(3));
    const texts = [
      call("floor_div", "i32", i, int(2)),
      call("mod", "i32", i, int(2)),
      call("floor_div", "i32", shifted, int(2)),
      call("mod", "i32", shifted, int(2)),
      call("floor_div", "i32", i, shifted),
      at("mul", at("add", i, int(1)), at("mul", v("N"), call("floor_div", "i32", i, int(2)))),
      at("add", i, int(-1)),
    ].map((e) => expressionText(load("x", e)));
    expect(texts).toMatchInlineSnapshot(`
      [
        "x[i / 2 | 0]",
        "x[i % 2]",
        "x[Math.floor((i - 3) / 2)]",
        "x[gradc_mod_int(i - 3, 2)]",
        "x[gradc_floor_div(i, i - 3)]",
        "x[(i + 1) * (N * (i / 2 | 0))]",
        "x[i - 1]",
      ]
    `);
  });
  it("avoid names that mean something else", () => {
    const k = kernel(
      "k",
      [reads("new"), reads("gradc_erf"), writes("σ")],
      { sizes: ["Math"], grid: [["m.W", v("Math")]] },
      [
        { kind: "let", name: "new_", value: load("new", v("m.W")) },
        store("σ", v("m.W"), f("erf", f("add", v("new_", "f32"), load("gradc_erf", v("m.W"))))),
      ],
    );
    expect(printJsKernel(k)).toMatchInlineSnapshot(`
      "function k(new_, vgradc_erf, σ, Math_) {
        for (let m_W = 0; m_W < Math_; m_W++) {
          const new__2 = new_[m_W];
          σ[m_W] = gradc_erf(new__2 + vgradc_erf[m_W]);
        }
      }
      "
    `);
  });
});
