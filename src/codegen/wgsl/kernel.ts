import type { DType } from "../../ir/expr.js";
import { wgslHelpers } from "../../ir/scalar/helpers-wgsl.js";
import type { Kernel } from "../../schedule/kernel/ir.js";
import { integerFacts } from "../signs.js";
import { type Bound, StatementPrinter, type Store, type Syntax } from "../statements.js";
import { Lines } from "../text.js";
import { packedNowhere, withBranches } from "./branches.js";
import { WgslExpressions } from "./expression.js";
import { wgslNames } from "./words.js";

export const WORKGROUP_SIZE = 64;

/**
 * A kernel as a compute shader, one invocation for each point of the grid. Buffers are bindings 0, 1, … in order; the
 * sizes, where there are any, are words of a uniform array at the binding after them. An invocation's number is
 * id.y * (workgroups in x) * WORKGROUP_SIZE + id.x, so that a large grid may be folded into two dimensions.
 */
export function printWgslKernel(kernel: Kernel): string {
  const branched = withBranches(kernel);
  const out = new Lines();
  new WgslKernel(branched, out).print();
  const code = out.toString();
  const helpers = wgslHelpers(code);
  const halves = /\bf16\b/.test(code) ? "enable f16;\n" : "";
  return helpers ? `${halves}${code}\n${helpers}\n` : halves + code;
}

/** Bools have no layout in memory. */
const stored = (dtype: DType): string => (dtype === "bool" ? "u32" : dtype === "f64" ? "f32" : dtype);

const WGSL: Syntax = {
  value: "let",
  variable: "var",
  counter: (name) => `var ${name}: i32`,
  hasCompounds: (dtype) => dtype !== "bool",
};

class WgslKernel extends StatementPrinter<WgslExpressions> {
  constructor(
    private readonly kernel: Kernel,
    out: Lines,
  ) {
    const names = wgslNames();
    const facts = integerFacts(kernel);
    super(WGSL, names, facts, new WgslExpressions(names, facts), out);
  }

  print(): void {
    const { kernel, out, names } = this;
    this.notes(kernel);
    kernel.buffers.forEach((b, k) => {
      const access = b.access === "read" ? "read" : "read_write";
      out.add(
        `@group(0) @binding(${k}) var<storage, ${access}> ${names.of(b.name)}: array<${stored(b.dtype)}>;`,
      );
    });
    if (kernel.sizes.length)
      out.add(
        `@group(0) @binding(${kernel.buffers.length}) var<uniform> gradc_sizes: array<vec4<u32>, ${Math.ceil(kernel.sizes.length / 4)}>;`,
      );
    out.add("");
    out.add(`@compute @workgroup_size(${WORKGROUP_SIZE})`);
    out.block(
      "fn main(@builtin(global_invocation_id) gradc_id: vec3<u32>, @builtin(num_workgroups) gradc_groups: vec3<u32>) {",
      () => {
        kernel.sizes.forEach((s, k) =>
          out.add(
            `let ${names.of(s.name)} = i32(gradc_sizes[${Math.floor(k / 4)}].${"xyzw".charAt(k % 4)});`,
          ),
        );
        this.gridPoint();
        this.list(kernel.body);
      },
    );
  }

  /** The grid's variables are the digits of the invocation's number, the last one the fastest. */
  private gridPoint(): void {
    const { kernel, out, names } = this;
    const place = `i32(gradc_id.y * (gradc_groups.x * ${WORKGROUP_SIZE}u) + gradc_id.x)`;
    const counts = kernel.grid.map((g) => {
      if (g.step === 1) return this.expressions.index(g.extent);
      if (g.extent.op === "constant") return String(Math.ceil(g.extent.value / g.step));
      return `(${this.expressions.index(g.extent)} + ${g.step - 1}) / ${g.step}`;
    });
    const [only] = kernel.grid;
    if (!only) {
      out.add(`if (${place} >= 1) { return; }`);
      return;
    }
    const countNames = counts.map((text, k) => {
      if (/^\w+$/u.test(text) || (kernel.grid[k]?.extent.op === "variable" && kernel.grid[k]?.step === 1))
        return text;
      const name = names.fresh(`${kernel.grid[k]?.variable ?? "grid"}_count`);
      out.add(`let ${name} = ${text};`);
      return name;
    });
    const scaled = (digit: string, step: number): string =>
      step === 1 ? digit : `${/[ ]/.test(digit) ? `(${digit})` : digit} * ${step}`;
    const rest = names.fresh("point");
    out.add(`${kernel.grid.length > 1 ? "var" : "let"} ${rest} = ${place};`);
    out.add(`if (${rest} >= ${countNames.join(" * ")}) { return; }`);
    for (let k = kernel.grid.length - 1; k >= 0; k--) {
      const g = kernel.grid[k];
      const count = countNames[k];
      if (!g || count === undefined) continue;
      out.add(`let ${names.of(g.variable)} = ${scaled(k === 0 ? rest : `${rest} % ${count}`, g.step)};`);
      if (k > 0) out.add(`${rest} = ${rest} / ${count};`);
    }
  }

  protected override store(s: Store): void {
    const value = this.expressions.text(s.value);
    const word = s.value.dtype === "bool" ? `u32(${value})` : value;
    this.out.add(`${this.expressions.element(s.buffer, s.index)} = ${word};`);
  }
  protected override product(): never {
    return packedNowhere();
  }
  protected override fixed(variable: string, bound: string): Bound {
    const end = this.names.fresh(`${variable}_end`);
    this.out.add(`let ${end} = ${bound};`);
    return { end, declared: "" };
  }
}
