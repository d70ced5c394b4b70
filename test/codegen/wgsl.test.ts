import { describe, expect, it } from "vitest";
import { compile } from "../../src/compile.js";
import { floatDigits } from "../../src/codegen/wgsl/expression.js";
import { printWgslKernel } from "../../src/codegen/wgsl/kernel.js";
import { isReserved } from "../../src/codegen/wgsl/words.js";
import { WGSL_HELPERS } from "../../src/ir/scalar/helpers-wgsl.js";
import * as hand from "./kernels.js";
import { call, choose, f, float, int, kernel, load, reads, store, test, v, writes } from "./kernels.js";

/** The shader without its helper functions. */
const shader = (k: Parameters<typeof printWgslKernel>[0]): string =>
  (printWgslKernel(k).split("\nfn gradc_")[0] ?? "").trimEnd();

describe("kernels as WGSL", () => {
  it("branch where an arm loads, so nothing is loaded that was not asked for", () => {
    expect(shader(hand.elementwise)).toMatchInlineSnapshot(`
      "// y[i] = if x[i] > 0 then log(x[i]) * scale[] else -x[i] - 1
      @group(0) @binding(0) var<storage, read> x: array<f32>;
      @group(0) @binding(1) var<storage, read> scale: array<f32>;
      @group(0) @binding(2) var<storage, read_write> y: array<f32>;
      @group(0) @binding(3) var<uniform> gradc_sizes: array<vec4<u32>, 1>;

      @compute @workgroup_size(64)
      fn main(@builtin(global_invocation_id) gradc_id: vec3<u32>, @builtin(num_workgroups) gradc_groups: vec3<u32>) {
        let N = i32(gradc_sizes[0].x);
        let point = i32(gradc_id.y * (gradc_groups.x * 64u) + gradc_id.x);
        if (point >= N) { return; }
        let i = point;
        let x_i = x[i];
        var chosen = -x_i - 1.0f;
        if (0.0f < x_i) {
          chosen = gradc_log(x_i) * scale[0];
        }
        y[i] = chosen;
      }"
    `);
  });
  it("reduce in one invocation", () => {
    expect(shader(hand.reduction)).toMatchInlineSnapshot(`
      "// rows[b] = sum[i] x[b, i] * (w[i] + 1)
      @group(0) @binding(0) var<storage, read> x: array<f32>;
      @group(0) @binding(1) var<storage, read> w: array<f32>;
      @group(0) @binding(2) var<storage, read_write> rows: array<f32>;
      @group(0) @binding(3) var<uniform> gradc_sizes: array<vec4<u32>, 1>;

      @compute @workgroup_size(64)
      fn main(@builtin(global_invocation_id) gradc_id: vec3<u32>, @builtin(num_workgroups) gradc_groups: vec3<u32>) {
        let B = i32(gradc_sizes[0].x);
        let I = i32(gradc_sizes[0].y);
        let point = i32(gradc_id.y * (gradc_groups.x * 64u) + gradc_id.x);
        if (point >= B) { return; }
        let b = point;
        let at = b * I;
        var acc = 0.0f;
        for (var i: i32 = 0; i < I; i++) {
          acc += x[at + i] * (w[i] + 1.0f);
        }
        rows[b] = acc;
      }"
    `);
  });
  it("count tiles, not elements", () => {
    expect(shader(hand.tiledProduct(2))).toMatchInlineSnapshot(`
      "// c[i, j] = sum[k] a[i, k] * b[k, j]
      @group(0) @binding(0) var<storage, read> a: array<f32>;
      @group(0) @binding(1) var<storage, read> b: array<f32>;
      @group(0) @binding(2) var<storage, read_write> c: array<f32>;
      @group(0) @binding(3) var<uniform> gradc_sizes: array<vec4<u32>, 1>;

      @compute @workgroup_size(64)
      fn main(@builtin(global_invocation_id) gradc_id: vec3<u32>, @builtin(num_workgroups) gradc_groups: vec3<u32>) {
        let M = i32(gradc_sizes[0].x);
        let N = i32(gradc_sizes[0].y);
        let K = i32(gradc_sizes[0].z);
        let i_count = (M + 1) / 2;
        let j_count = (N + 1) / 2;
        var point = i32(gradc_id.y * (gradc_groups.x * 64u) + gradc_id.x);
        if (point >= i_count * j_count) { return; }
        let j = (point % j_count) * 2;
        point = point / j_count;
        let i = point * 2;
        let i0 = min(i, M - 1);
        let i1 = min(i + 1, M - 1);
        let j0 = min(j, N - 1);
        let j1 = min(j + 1, N - 1);
        var acc_00 = 0.0f;
        var acc_01 = 0.0f;
        var acc_10 = 0.0f;
        var acc_11 = 0.0f;
        for (var k: i32 = 0; k < K; k++) {
          let a0 = a[i0 * K + k];
          let a1 = a[i1 * K + k];
          let b0 = b[k * N + j0];
          let b1 = b[k * N + j1];
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
      }"
    `);
  });
  it("load from a window only within its bounds", () => {
    expect(shader(hand.guardedWindow)).toMatchInlineSnapshot(`
      "// blur[u] = sum[p in 0..3] (x[u + p - 1] ?? 0)
      @group(0) @binding(0) var<storage, read> x: array<f32>;
      @group(0) @binding(1) var<storage, read_write> blur: array<f32>;
      @group(0) @binding(2) var<uniform> gradc_sizes: array<vec4<u32>, 1>;

      @compute @workgroup_size(64)
      fn main(@builtin(global_invocation_id) gradc_id: vec3<u32>, @builtin(num_workgroups) gradc_groups: vec3<u32>) {
        let N = i32(gradc_sizes[0].x);
        let point = i32(gradc_id.y * (gradc_groups.x * 64u) + gradc_id.x);
        if (point >= N) { return; }
        let u = point;
        var acc = 0.0f;
        for (var p: i32 = 0; p < 3; p++) {
          var chosen = 0.0f;
          if (0i <= u + p - 1 && u + p - 1 < N) {
            chosen = x[u + p - 1];
          }
          acc += chosen;
        }
        blur[u] = acc;
      }"
    `);
  });
  it("have no infinite constants, and bools in words", () => {
    expect(shader(hand.argmax)).toMatchInlineSnapshot(`
      "// best[b] = argmax[c] z[b, c]
      // most[b] = max[c] z[b, c]
      // any[b] = any[c] (z[b, c] > 1)
      @group(0) @binding(0) var<storage, read> z: array<f32>;
      @group(0) @binding(1) var<storage, read_write> best: array<i32>;
      @group(0) @binding(2) var<storage, read_write> most: array<f32>;
      @group(0) @binding(3) var<storage, read_write> any: array<u32>;
      @group(0) @binding(4) var<uniform> gradc_sizes: array<vec4<u32>, 1>;

      @compute @workgroup_size(64)
      fn main(@builtin(global_invocation_id) gradc_id: vec3<u32>, @builtin(num_workgroups) gradc_groups: vec3<u32>) {
        let B = i32(gradc_sizes[0].x);
        let C = i32(gradc_sizes[0].y);
        let point = i32(gradc_id.y * (gradc_groups.x * 64u) + gradc_id.x);
        if (point >= B) { return; }
        let b = point;
        var acc = -gradc_inf();
        var at = i32(-2147483648);
        var some = false;
        for (var c: i32 = 0; c < C; c++) {
          let z_c = z[b * C + c];
          if (acc < z_c || at == i32(-2147483648)) {
            acc = z_c;
            at = c;
          }
          some = some || 1.0f < z_c;
        }
        best[b] = select(at, 0i, at == i32(-2147483648));
        most[b] = acc;
        any[b] = u32(some);
      }"
    `);
  });
  it("type their integers", () => {
    expect(shader(hand.integerGather)).toMatchInlineSnapshot(`
      "// picked[n] = if keep[n] then (table[token[n / 2]] + n) * 3 % 5 else -n
      @group(0) @binding(0) var<storage, read> table: array<i32>;
      @group(0) @binding(1) var<storage, read> token: array<u32>;
      @group(0) @binding(2) var<storage, read> keep: array<u32>;
      @group(0) @binding(3) var<storage, read_write> picked: array<i32>;
      @group(0) @binding(4) var<uniform> gradc_sizes: array<vec4<u32>, 1>;

      @compute @workgroup_size(64)
      fn main(@builtin(global_invocation_id) gradc_id: vec3<u32>, @builtin(num_workgroups) gradc_groups: vec3<u32>) {
        let N = i32(gradc_sizes[0].x);
        let point = i32(gradc_id.y * (gradc_groups.x * 64u) + gradc_id.x);
        if (point >= N) { return; }
        let n = point;
        let token_n = i32(token[n / 2]);
        var chosen = -n;
        if (keep[n] != 0u) {
          chosen = gradc_mod_i32((table[token_n] + n) * 3i, 5i);
        }
        picked[n] = chosen;
      }"
    `);
  });
});

describe("WGSL expressions", () => {
  const x = load("x", v("i"));
  it("keep both arms of a choice where they are cheap", () => {
    const k = kernel("k", [reads("x"), writes("y")], { grid: [["i", int(8)]] }, [
      { kind: "let", name: "a", value: x },
      store(
        "y",
        v("i"),
        choose(test("lt", v("a", "f32"), float(0)), f("mul", v("a", "f32"), float(0.01)), v("a", "f32")),
      ),
    ]);
    expect(shader(k)).toContain("y[i] = select(a, a * 0.01f, a < 0.0f);");
  });
  it("bracket mixed conditions, which WGSL has no order for", () => {
    const [p, q] = [test("lt", x, float(0)), test("eq", x, float(1))];
    const k = kernel("k", [reads("x"), writes("y", "bool")], { grid: [["i", int(8)]] }, [
      store("y", v("i"), call("or", "bool", call("and", "bool", p, q), call("eq", "bool", p, q))),
    ]);
    expect(shader(k)).toContain(
      "y[i] = u32((x[i] < 0.0f && x[i] == 1.0f) || (x[i] < 0.0f) == (x[i] == 1.0f));",
    );
  });
  it("name what a call would repeat, and hide constants from a compiler that folds them", () => {
    const k = kernel("k", [reads("x"), writes("y")], { grid: [["i", int(8)]] }, [
      store("y", v("i"), f("add", f("powi", f("add", x, float(1)), float(2)), f("log", float(0)))),
    ]);
    expect(shader(k)).toMatchInlineSnapshot(`
      "@group(0) @binding(0) var<storage, read> x: array<f32>;
      @group(0) @binding(1) var<storage, read_write> y: array<f32>;

      @compute @workgroup_size(64)
      fn main(@builtin(global_invocation_id) gradc_id: vec3<u32>, @builtin(num_workgroups) gradc_groups: vec3<u32>) {
        let point = i32(gradc_id.y * (gradc_groups.x * 64u) + gradc_id.x);
        if (point >= 8) { return; }
        let i = point;
        let t = x[i] + 1.0f;
        var c = 0.0f;
        y[i] = (t * t) + gradc_log(c);
      }"
    `);
  });
  it("split what nests deeper than a shader compiler reads", () => {
    const deep = Array.from({ length: 300 }).reduce<typeof x>((e) => f("abs", f("sub", float(1), e)), x);
    const k = kernel("k", [reads("x"), writes("y")], { grid: [["i", int(8)]] }, [store("y", v("i"), deep)]);
    const depth = Math.max(
      ...shader(k)
        .split("\n")
        .map((line) => (line.match(/\(/g) ?? []).length),
    );
    expect(depth).toBeLessThan(60);
  });
  it("write floats that read back as the same", () => {
    const values = [0.1, 1 / 3, 1e-7, 16777216, 3.4028234663852886e38, 1e-45, 5, 1e21, -2.5].map(Math.fround);
    for (const value of values) expect(Math.fround(Number(floatDigits(value)))).toBe(value);
    expect(values.map(floatDigits)).toMatchInlineSnapshot(`
      [
        "0.1",
        "0.33333334",
        "1e-7",
        "16777216.0",
        "3.4028234663852886e+38",
        "1e-45",
        "5.0",
        "1e+21",
        "-2.5",
      ]
    `);
  });
  it("avoid reserved names", () => {
    const k = kernel(
      "k",
      [reads("texture"), reads("__x"), writes("σ")],
      { sizes: ["log"], grid: [["target", v("log")]] },
      [store("σ", v("target"), f("log", f("add", load("texture", v("target")), load("__x", v("target")))))],
    );
    expect(shader(k)).toMatchInlineSnapshot(`
      "@group(0) @binding(0) var<storage, read> texture: array<f32>;
      @group(0) @binding(1) var<storage, read> v__x: array<f32>;
      @group(0) @binding(2) var<storage, read_write> σ: array<f32>;
      @group(0) @binding(3) var<uniform> gradc_sizes: array<vec4<u32>, 1>;

      @compute @workgroup_size(64)
      fn main(@builtin(global_invocation_id) gradc_id: vec3<u32>, @builtin(num_workgroups) gradc_groups: vec3<u32>) {
        let log_ = i32(gradc_sizes[0].x);
        let point = i32(gradc_id.y * (gradc_groups.x * 64u) + gradc_id.x);
        if (point >= log_) { return; }
        let target_ = point;
        σ[target_] = gradc_log(texture[target_] + v__x[target_]);
      }"
    `);
  });
});

// A thousand equal terms, added one by one in f32, were off by 2e-5.
it("sums over several indices are sums of sums", () => {
  const text = compile(
    "dim A, B\nparam p: f32[A, B], u: f32\noutput y[i] = sum[j in 0..B + 1, k in 0..B] atan2(u, p[i, k])",
  ).stage("wgsl");
  expect(text).toMatch(/var y_acc = 0\.0f;/);
  expect(text).toMatch(/\{\s+var y_part_acc = 0\.0f;\s+for [^}]+\}\s+y_acc \+= y_part_acc;\s+\}/);
});

describe("names", () => {
  it("of functions that helpers call are none of variables", () => {
    const texts = [...WGSL_HELPERS.values()].map((helper) => helper.text);
    const called = texts.flatMap((text) =>
      [...text.matchAll(/\b([a-z]\w*)(?:<\w+>)?\(/g)].map(([, name = ""]) => name),
    );
    const builtins = new Set(called.filter((name) => !name.startsWith("gradc_")));
    expect(builtins.size).toBeGreaterThan(10);
    expect([...builtins].filter((name) => !isReserved(name))).toEqual([]);
  });
});
