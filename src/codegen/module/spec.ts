import { invariant } from "../../diagnostics/invariant.js";
import type { DType } from "../../ir/expr.js";
import type {
  BindingCheck,
  DimDeclaration,
  DimDefinition,
  Leaf,
  Program,
  TrainStep,
  Value,
} from "../../ir/program.js";
import { whole } from "../../runtime/host.js";
import type { DimSpec, LeafSpec, ModuleSpec, TensorType } from "../../runtime/types.js";
import { bracketed, ModuleCode } from "./code.js";
import type { EntryOrder } from "./entries.js";
import { initialiserOf } from "./initialiser.js";

export interface SpecOptions {
  readonly version: string;
  /** Names that gradients are for. */
  readonly wrt: readonly string[];
}
/** A module's data as it will have them, functions too, and the functions' texts. */
export interface ModuleData {
  readonly spec: ModuleSpec;
  readonly code: ModuleCode;
  /** What stands where in the entry points. */
  readonly order: EntryOrder;
}

/** What the runtime needs to know of a compiled model beside its entry points. */
export function buildModuleSpec(program: Program, { version, wrt }: SpecOptions): ModuleData {
  const code = new ModuleCode();
  const args = new Map(program.trains.flatMap((train) => train.args.map(({ leaf }) => [leaf, train])));
  const leaves = [...program.values.values()].filter(({ definition }) => definition.kind === "leaf");
  // In source order: they are the model's interface, used or not.
  const ofRole = (role: Leaf["role"]): Value[] =>
    leaves.filter(
      ({ id, definition }) => definition.kind === "leaf" && definition.role === role && !args.has(id),
    );
  const groups = Object.fromEntries(
    ROLES.map((role) => [
      role,
      Object.fromEntries(ofRole(role).map((value) => [value.name, leafSpec(value, code)])),
    ]),
  ) as Pick<ModuleSpec, (typeof ROLES)[number]>;
  const results = program.outputs.flatMap(({ name, value: id }) => {
    const value = program.values.get(id);
    return value ? [[name, typeOf(value, code)] as const] : [];
  });
  const spec: ModuleSpec = {
    version,
    dims: Object.fromEntries(inOrder(program.dims).map((dim) => [dim.name, dimSpec(dim, code)])),
    ...(Object.keys(code.sizes).length && { sizes: code.sizes }),
    ...(program.checks.length && { checks: checksOf(program.checks, code) }),
    ...groups,
    trains: program.trains.map((train) => trainSpec(train, program)),
    results: Object.fromEntries(results),
    losses: program.losses,
    ...(wrt.join("\n") !== Object.keys(groups.param).join("\n") && { wrt }),
  };
  const order = [
    ...ROLES.flatMap(ofRole).map(({ id }) => id),
    ...program.trains.flatMap((train) => train.args.map(({ leaf }) => leaf)),
  ];
  const names = order.map((id) => program.values.get(id)?.name ?? "");
  return {
    spec,
    code,
    order: { leaves: names, results: results.map(([name]) => name), wrt, dims: Object.keys(spec.dims) },
  };
}

const ROLES = ["input", "param", "state", "optimizer", "const"] as const;

const typeOf = ({ dtype, shape, doc }: Value, code: ModuleCode): TensorType & { readonly doc?: string } => ({
  dtype,
  shape: shape.map((size) => code.size(size)),
  ...(doc !== undefined && { doc }),
});

function leafSpec(value: Value, code: ModuleCode): LeafSpec {
  const { definition, dtype } = value;
  invariant(definition.kind === "leaf", "a leaf has memory of its own");
  const { role, range, init } = definition;
  const start = init && role !== "input" && initialiserOf(init, value, code);
  const isWhole = dtype[0] !== "f" && role !== "const";
  if (isWhole) code.imports.add("whole");
  return {
    ...typeOf(value, code),
    ...(range && { range: [code.size(range.lo), code.size(range.hi)] as const }),
    ...(role === "input" && init?.kind === "fill" && { default: init.value }),
    ...(start && { init: start }),
    ...(isWhole && { check: code.named("whole", whole) }),
  };
}

function trainSpec({ loss, optimizer, args }: TrainStep, program: Program): ModuleSpec["trains"][number] {
  const types = args.flatMap(({ name, leaf }): [string, DType][] => {
    const dtype = program.values.get(leaf)?.dtype ?? "f32";
    return dtype === "f32" ? [] : [[name, dtype]];
  });
  return {
    of: loss,
    optimizer,
    args: Object.fromEntries(args.map(({ name, value }) => [name, value])),
    ...(types.length && { types: Object.fromEntries(types) }),
  };
}

/** Definitions after the dims that they are made of. */
function inOrder(dims: readonly DimDeclaration[]): readonly DimDeclaration[] {
  const ordered = new Set<DimDeclaration>();
  const add = (dim: DimDeclaration): void => {
    const { definition } = dim;
    for (const name of definition ? [...definition.numerator.dims, ...definition.divisor.dims] : []) {
      const needed = dims.find((other) => other.name === name);
      if (needed && needed !== dim) add(needed);
    }
    ordered.add(dim);
  };
  dims.forEach(add);
  return [...ordered];
}

function dimSpec({ default: value, definition }: DimDeclaration, code: ModuleCode): DimSpec {
  if (value !== undefined) return value;
  return definition ? definitionOf(definition, code) : null;
}

function definitionOf({ numerator, divisor, floor, root, least }: DimDefinition, code: ModuleCode): DimSpec {
  return code.ofDims(
    divisor.equals(1) ? [numerator] : [numerator, divisor],
    ([n = "", d]) => {
      let text = d === undefined ? n : `${bracketed(n)} / ${bracketed(d)}`;
      if (floor) text = `Math.floor(${text})`;
      if (root) text = `Math.ceil(Math.sqrt(${text}))`;
      return least === undefined ? text : `Math.max(${least}, ${text})`;
    },
    ([n = NaN, d = 1]) => {
      const exact = n / d;
      const size = floor ? Math.floor(exact) : root ? Math.ceil(Math.sqrt(exact)) : exact;
      return Math.max(least ?? -Infinity, size);
    },
  );
}

/** What must not be negative. */
function checksOf(checks: readonly BindingCheck[], code: ModuleCode): NonNullable<ModuleSpec["checks"]> {
  return code.ofDims(
    checks.map(({ poly }) => poly),
    (texts) => {
      const rows = checks.map(({ kind, code: name, message }, k) => {
        const size = texts[k] ?? "";
        const text = {
          "non-negative": size,
          zero: `-Math.abs(${size})`,
          integer: `-Math.abs(${bracketed(size)} % 1)`,
        };
        return `[${text[kind]}, ${JSON.stringify(name)}, ${JSON.stringify(message)}]`;
      });
      return `[${rows.join(", ")}]`;
    },
    (sizes) =>
      checks.map(({ kind, code: name, message }, k) => {
        const size = sizes[k] ?? NaN;
        const values = { "non-negative": size, zero: -Math.abs(size), integer: -Math.abs(size % 1) };
        return [values[kind], name, message] as const;
      }),
  );
}
