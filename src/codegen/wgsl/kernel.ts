import { invariant } from "../../diagnostics/invariant.js";
import type { DType } from "../../ir/expr.js";
import { castWgsl } from "../../ir/scalar/cast.js";
import { wgslHelpers } from "../../ir/scalar/helpers-wgsl.js";
import { SCALARS } from "../../ir/scalar/table.js";
import type { KExpr, Kernel, Statement } from "../../schedule/kernel-ir.js";
import { addressText, atom, bracketed, Lines, type Piece } from "../pieces.js";

export const WORKGROUP_SIZE = 64;

/**
 * A kernel as a compute shader, one invocation for each point of the grid. Buffers are bindings 0, 1, … in order, the
 * sizes a uniform array behind them. A select may evaluate both arms: WebGPU keeps every access within its buffer.
 */
export function printWgslKernel(kernel: Kernel): string {
  const out = new Lines();
  for (const note of kernel.notes) out.add(`// ${note}`);
  kernel.buffers.forEach((b, k) => out.add(`@group(0) @binding(${k}) var<storage, ${b.access === "read" ? "read" : "read_write"}> ${identifier(b.name)}: array<${stored(b.dtype)}>;`));
  const words = Math.max(1, Math.ceil(kernel.sizes.length / 4));
  if (kernel.sizes.length) out.add(`@group(0) @binding(${kernel.buffers.length}) var<uniform> gradc_sizes: array<vec4<u32>, ${words}>;`);
  out.add("");
  out.add(`@compute @workgroup_size(${WORKGROUP_SIZE})`);
  out.block("fn main(@builtin(global_invocation_id) gradc_id: vec3<u32>, @builtin(num_workgroups) gradc_groups: vec3<u32>) {", () => {
    kernel.sizes.forEach((s, k) => out.add(`let ${identifier(s.name)} = i32(gradc_sizes[${Math.floor(k / 4)}].${"xyzw"[k % 4] ?? "x"});`));
    out.add(`var gradc_rest = i32(gradc_id.y * gradc_groups.x * ${WORKGROUP_SIZE}u + gradc_id.x);`);
    const extents = kernel.grid.map((g) => (g.step === 1 ? text(g.extent) : `((${text(g.extent)} + ${g.step - 1}) / ${g.step})`));
    out.add(`if (gradc_rest >= ${extents.length ? extents.join(" * ") : "1"}) { return; }`);
    for (let k = kernel.grid.length - 1; k >= 0; k--) {
      const g = kernel.grid[k];
      if (!g) continue;
      const digit = k === 0 ? "gradc_rest" : `gradc_rest % ${extents[k] ?? "1"}`;
      out.add(`let ${identifier(g.variable)} = ${g.step === 1 ? digit : `(${digit}) * ${g.step}`};`);
      if (k > 0) out.add(`gradc_rest = gradc_rest / ${extents[k] ?? "1"};`);
    }
    printStatements(out, kernel.body);
  });
  const code = out.toString();
  return code + wgslHelpers(code);
}

const WORDS = new Set("alias array atomic bool break case const const_assert continue continuing default diagnostic discard else enable f16 f32 false fn for function i32 if let loop main mat2x2 override private ptr read requires return select storage struct switch target true u32 uniform uint var vec2 vec3 vec4 while with workgroup write NULL Self abstract active as asm async auto await become cast catch class common compile concept crate debugger decltype delete do double dynamic_cast enum explicit export extends extern external fallthrough filter final finally friend from get goto handle impl implements import inline instanceof interface layout macro match mod module move mut mutable namespace new nil noexcept null of operator out package params pass precise precision premerge priv protected pub public ref register resource self set shared sizeof static std super template this thread throw trait try type typedef typename union unless unsafe use using varying virtual void volatile where writable yield abs acos add all any ceil clamp cos dot exp exp2 floor log log2 max min mix pow round sign sin sqrt step tan tanh transpose trunc x y z w xy".split(" "));
const identifier = (name: string): string => (WORDS.has(name) || name === "_" ? `${name}_v` : name.startsWith("__") ? `v${name}` : name);
const stored = (dtype: DType): string => (dtype === "bool" ? "u32" : dtype);

function printStatements(out: Lines, statements: readonly Statement[]): void {
  for (const s of statements) {
    switch (s.kind) {
      case "comment":
        out.add(`// ${s.text}`);
        break;
      case "let":
        out.add(`let ${identifier(s.name)} = ${text(s.value)};`);
        break;
      case "var":
        out.add(`var ${identifier(s.name)}: ${s.init.dtype} = ${text(s.init)};`);
        break;
      case "assign":
        out.add(`${identifier(s.name)} = ${text(s.value)};`);
        break;
      case "store": {
        const value = s.value.dtype === "bool" ? `select(0u, 1u, ${text(s.value)})` : text(s.value);
        out.add(`${identifier(s.buffer)}[${text(s.index)}] = ${value};`);
        break;
      }
      case "if":
        out.block(`if (${text(s.condition)}) {`, () => printStatements(out, s.then));
        if (s.else.length) out.block(`if (!(${text(s.condition)})) {`, () => printStatements(out, s.else));
        break;
      case "loop": {
        const v = identifier(s.variable);
        const up = s.direction === 1;
        const head = up ? `for (var ${v}: i32 = ${text(s.lo)}; ${v} < ${text(s.hi)}; ${v} += ${s.step}) {` : `for (var ${v}: i32 = ${text(s.hi)} - 1; ${v} >= ${text(s.lo)}; ${v} -= ${s.step}) {`;
        out.block(head, () => printStatements(out, s.body));
        break;
      }
    }
  }
}

/** The shortest decimal that reads back as the same f32, always with a point or exponent. */
function floatLiteral(value: number): string {
  const f = Math.fround(value);
  let digits = String(f);
  for (let p = 1; p <= 9; p++) {
    const candidate = f.toPrecision(p);
    if (Math.fround(Number(candidate)) === f) {
      digits = String(Number(candidate));
      break;
    }
  }
  return /[.e]/.test(digits) ? digits : `${digits}.0`;
}

const text = (e: KExpr): string => piece(e).text;
function piece(e: KExpr): Piece {
  switch (e.op) {
    case "constant": {
      if (e.dtype === "bool") return atom(e.value ? "true" : "false");
      if (e.dtype === "i32") return e.value === -2147483648 ? atom("(-2147483647i - 1i)") : { text: String(e.value), strength: e.value < 0 ? 0 : 3 };
      if (e.dtype === "u32") return atom(`${e.value}u`);
      if (Number.isNaN(e.value)) return atom("gradc_nan()");
      if (!Number.isFinite(e.value)) return { text: `${e.value < 0 ? "-" : ""}gradc_inf()`, strength: e.value < 0 ? 0 : 3 };
      const literal = `${floatLiteral(e.value)}${e.dtype === "f16" ? "h" : ""}`;
      return { text: literal, strength: e.value < 0 || Object.is(e.value, -0) ? 0 : 3 };
    }
    case "variable":
      return atom(identifier(e.name));
    case "load":
      return atom(e.dtype === "bool" ? `(${identifier(e.buffer)}[${text(e.index)}] != 0u)` : `${identifier(e.buffer)}[${text(e.index)}]`);
    case "address":
      return addressText(e, piece, (fn, args) => `${fn}(${args.join(", ")})`);
    case "cast":
      return atom(castWgsl(e.arg.dtype, e.dtype, bracketed(piece(e.arg), 3)));
    case "select":
      return atom(`select(${text(e.else)}, ${text(e.then)}, ${text(e.condition)})`);
    case "call": {
      const entry = SCALARS[e.fn];
      invariant(entry, `scalar function ${e.fn} is in the table`);
      const dtype = e.args[e.args.length - 1]?.dtype ?? e.dtype;
      return atom(entry.wgsl.expression(e.args.map((x) => bracketed(piece(x), 3)), dtype));
    }
  }
}
