import { invariant } from "../../diagnostics/invariant.js";
import type { ValueId } from "../../ir/expr.js";
import { Poly } from "../../ir/poly.js";
import type { Initialiser, Program, Value } from "../../ir/program.js";
import type {
  DimSpec,
  EntrySpec,
  InitialiserData,
  LaunchSpec,
  ModuleSpec,
  SizeData,
  TargetSpec,
  TensorSpec,
} from "../../runtime/types.js";
import type { KExpr, Kernel, Launch, ScheduledEntry, ScheduledModule } from "../../schedule/kernel-ir.js";
import { printWgslKernel, WORKGROUP_SIZE } from "../wgsl/kernel.js";

/** A polynomial in dims as the runtime's data. */
function sizeData(p: Poly): SizeData {
  const known = p.constant;
  if (known !== undefined && Number.isInteger(known)) return known;
  const over = p.denominator;
  const terms = p.terms.map((t): [number, ...string[]] => [
    (t.num * over) / t.den,
    ...t.atoms.map((a) => {
      invariant(a.kind === "dim", "a size holds dims only");
      return a.name;
    }),
  ]);
  const [only] = terms;
  if (terms.length === 1 && only && over === 1 && only[0] === 1 && only.length === 2 && only[1] !== undefined)
    return only[1];
  return over === 1 ? { terms } : { terms, over };
}

function initialiser(init: Initialiser): InitialiserData {
  if ("fanIn" in init) return { kind: init.kind, ...(init.fanIn ? { fanIn: sizeData(init.fanIn) } : {}) };
  if (init.kind === "fill" || init.kind === "values") return init;
  if (init.kind === "normal" || init.kind === "uniform") return init;
  return { kind: init.kind };
}

export interface SpecOptions {
  readonly name: string;
  readonly version: string;
  readonly precision: "f32" | "f64" | "f16";
  readonly wrt: readonly string[];
}

/** What the runtime needs to know of a compiled model, as plain data. */
export function buildModuleSpec(
  program: Program,
  targets: {
    readonly js?: ScheduledModule;
    readonly wasm?: ScheduledModule;
    readonly wgsl?: ScheduledModule;
  },
  options: SpecOptions,
): ModuleSpec {
  const tensors = new TensorTable();
  // Leaves first and in source order: they are the model's interface, used or not.
  for (const value of program.values.values()) if (value.definition.kind === "leaf") tensors.add("", value);
  const built: { js?: TargetSpec; wasm?: TargetSpec; wgsl?: TargetSpec } = {};
  if (targets.js) built.js = targetSpec("js", targets.js, tensors);
  if (targets.wasm) built.wasm = targetSpec("wasm", targets.wasm, tensors);
  if (targets.wgsl) built.wgsl = targetSpec("wgsl", targets.wgsl, tensors);
  const leafNames = new Map([...program.values.values()].map((v) => [v.id, v.name]));
  return {
    version: options.version,
    name: options.name,
    precision: options.precision,
    dims: program.dims.map((d): DimSpec => ({
      name: d.name,
      ...(d.default === undefined ? {} : { default: d.default }),
      ...(d.definition
        ? {
            definition: {
              numerator: sizeData(d.definition.numerator),
              ...(d.definition.divisor.equals(1) ? {} : { divisor: sizeData(d.definition.divisor) }),
              ...(d.definition.floor ? { floor: true } : {}),
              ...(d.definition.root ? { root: true } : {}),
              ...(d.definition.least === undefined ? {} : { least: d.definition.least }),
            },
          }
        : {}),
    })),
    checks: program.checks.map((c) => ({
      value: sizeData(c.poly),
      kind: c.kind,
      code: c.code,
      message: c.message,
    })),
    tensors: tensors.list,
    losses: program.losses,
    trains: program.trains.map((t) => ({
      of: t.loss,
      optimizer: t.optimizer,
      args: Object.fromEntries(t.args.map((a) => [a.name, a.value])),
      argTensors: Object.fromEntries(
        t.args.map((a) => [a.name, tensors.indexOfName(leafNames.get(a.leaf) ?? "")]),
      ),
    })),
    wrt: options.wrt,
    targets: built,
  };
}

class TensorTable {
  readonly list: TensorSpec[] = [];
  private readonly byKey = new Map<string, number>();

  /** Leaves are one tensor for all targets; computed values belong to their target. */
  add(target: string, value: Value, alias?: number): number {
    const leaf = value.definition.kind === "leaf" ? value.definition : null;
    const key = leaf ? `leaf ${value.name}` : `${target} ${value.id}`;
    const known = this.byKey.get(key);
    if (known !== undefined) return known;
    const index = this.list.length;
    this.byKey.set(key, index);
    this.list.push({
      name: value.name,
      role: leaf ? leaf.role : "value",
      dtype: value.dtype,
      shape: value.shape.map(sizeData),
      ...(value.doc === undefined ? {} : { doc: value.doc }),
      ...(alias === undefined ? {} : { alias }),
      ...(leaf?.range ? { range: [sizeData(leaf.range.lo), sizeData(leaf.range.hi)] as const } : {}),
      ...(alias === undefined ? {} : { alias }),
      ...(leaf?.init ? { init: initialiser(leaf.init) } : {}),
    });
    return index;
  }
  indexOfName(name: string): number {
    return this.list.findIndex((t) => t.name === name && t.role !== "value");
  }
}

function targetSpec(name: "js" | "wasm" | "wgsl", module: ScheduledModule, tensors: TensorTable): TargetSpec {
  const owner = (id: ValueId): ValueId => module.aliases.get(id) ?? id;
  const valueAt = (id: ValueId): Value => {
    const value = module.program.values.get(id);
    invariant(value, `value ${id} is defined`);
    return value;
  };
  /** A launch takes the tensor that owns the memory; a result keeps its own shape. */
  const memory = (id: ValueId): number => tensors.add(name, valueAt(owner(id)));
  const tensor = (id: ValueId): number =>
    owner(id) === id ? memory(id) : tensors.add(name, valueAt(id), memory(id));
  // A reshape has its own shape and its source's memory.
  const result = (id: ValueId): number =>
    module.aliases.has(id) ? tensors.add(name, valueAt(id), tensor(id)) : tensor(id);
  const entry = (e: ScheduledEntry): EntrySpec => ({
    launches: e.launches.map((launch): LaunchSpec => {
      const kernel = module.kernels.get(launch.kernel);
      invariant(kernel, `kernel ${launch.kernel} exists`);
      return {
        kernel: launch.kernel,
        tensors: launch.tensors.map(memory),
        writes: kernel.buffers.flatMap((b, k) => (b.access === "read" ? [] : [k])),
        // The number of the step comes last, from the runtime.
        sizes: (launch.steps ? kernel.sizes.slice(0, -1) : kernel.sizes).map((s) => sizeData(s.poly)),
        ...(name === "wgsl"
          ? { grid: kernel.grid.map((g) => ({ extent: extentData(g.extent, kernel.sizes), step: g.step })) }
          : {}),
        ...(launch.steps ? { steps: stepsData(launch.steps) } : {}),
      };
    }),
    results: Object.fromEntries(e.results.map((r) => [r.name, result(r.value)])),
    grads: Object.fromEntries(e.gradients.map((g) => [g.name, result(g.value)])),
    updates: e.updates.map((u) => ({ leaf: tensor(u.leaf), value: tensor(u.value) })),
  });
  return {
    forward: entry(module.forward),
    backward: Object.fromEntries([...module.backward].map(([loss, e]) => [loss, entry(e)])),
    step: Object.fromEntries([...module.step].map(([loss, e]) => [loss, entry(e)])),
    ...(name === "wgsl"
      ? {
          shaders: Object.fromEntries(
            [...module.kernels].map(([k, kernel]) => [
              k,
              { code: printWgslKernel(kernel), workgroupSize: WORKGROUP_SIZE },
            ]),
          ),
        }
      : {}),
  };
}

function stepsData({ lo, hi, direction }: NonNullable<Launch["steps"]>): NonNullable<LaunchSpec["steps"]> {
  return { count: sizeData(hi.sub(lo)), first: sizeData(direction === 1 ? lo : hi.sub(1)), direction };
}

const extentData = (extent: KExpr, sizes: Kernel["sizes"]): SizeData => sizeData(extentPoly(extent, sizes));
function extentPoly(extent: KExpr, sizes: Kernel["sizes"]): Poly {
  if (extent.op === "constant") return Poly.constant(extent.value);
  if (extent.op === "address") {
    const [first = Poly.constant(0), ...rest] = extent.args.map((a) => extentPoly(a, sizes));
    if (extent.fn === "add") return rest.reduce((a, b) => a.add(b), first);
    if (extent.fn === "sub") return rest.reduce((a, b) => a.sub(b), first);
    if (extent.fn === "mul") return rest.reduce((a, b) => a.mul(b), first);
  }
  invariant(extent.op === "variable", "a grid extent is a polynomial in the sizes");
  const found = sizes.find((s) => s.name === extent.name);
  invariant(found, `size ${extent.name} is a parameter`);
  return found.poly;
}
