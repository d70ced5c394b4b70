import { expect, it } from "vitest";
import { compactWgsl } from "../../src/codegen/wgsl/compact.js";
import { compile } from "../../src/compile.js";

it("shortens what a shader declares and nothing else", () => {
  const shader = `
// a note
@group(0) @binding(0) var<storage, read> weights: array<f32>;
@group(0) @binding(1) var<uniform> gradc_sizes: array<vec4<u32>, 2>;

fn helper(value: f32, x: vec2u) -> f32 { return value - -f32(x.x); }
@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) gradc_id: vec3<u32>) {
  let a = 1.5e-3f; /* left */
  var sum = 0.0f;
  for (var i: i32 = 0; i < 4; i++) { sum += max(weights[i], a) * helper(a, vec2u(1u, 2u)); }
}`;
  expect(compactWgsl(shader)).toBe(
    "@group(0)@binding(0)var<storage,read>a:array<f32>;@group(0)@binding(1)var<uniform>b:array<vec4<u32>,2>;" +
      "fn c(d:f32,e:vec2u)->f32{return d- -f32(e.x);}@compute@workgroup_size(64)" +
      "fn main(@builtin(global_invocation_id)f:vec3<u32>){let g=1.5e-3f;var h=0.0f;" +
      "for(var i:i32=0;i<4;i++){h+=max(a[i],g)*c(g,vec2u(1u,2u));}}",
  );
});
it("takes no name that the language or the shader has", () => {
  const lets = Array.from({ length: 400 }, (_, k) => `let v${k} = ${k};`).join(" ");
  const names = [...compactWgsl(`fn main() { ${lets} }`).matchAll(/let (\w+)=/g)].map(([, name]) => name);
  expect(new Set(names).size).toBe(400);
  for (const word of ["if", "do", "as", "fn"]) expect(names).not.toContain(word);
});
it("halves a module's shaders", () => {
  const source =
    "dim B, I, O\ninput x: f32[B, I]\nparam w: f32[I, O]\nloss l = sum[b, o] (sum[i] x[b, i] * w[i, o])^2";
  const size = (compact: boolean): number => compile(source, { targets: ["wgsl"], compact }).code.length;
  expect(size(true)).toBeLessThan(0.65 * size(false));
});
