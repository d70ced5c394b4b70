import { invariant } from "../../diagnostics/invariant.js";
import { type DType, isFloat } from "../../ir/expr.js";
import { SCALARS } from "../../ir/scalar/table.js";
import {
  entriesOf,
  type KExpr,
  type Kernel,
  type KernelBuffer,
  type ScheduledEntry,
  type ScheduledModule,
  type Statement,
} from "./ir.js";
import { blockEnd } from "./grid.js";

/**
 * Checks of a kernel:
 *  1. parameters (buffers and sizes), loop variables and scalars are declared once on the way from the root, so no
 *     name hides another, and a name is used only within its block and after its declaration, with its own dtype;
 *  2. only a `var` is assigned, by a value of its dtype;
 *  3. loads and stores name declared buffers, with an i32 index and the buffer's dtype; a buffer is loaded from and
 *     stored to as its access says, and every buffer is used; a product's places are in scratch of its dtype;
 *  4. conditions are bool, bounds and extents i32; extents hold sizes and constants only; constant steps are positive;
 *     a downward loop has step 1;
 *  5. addresses are of i32 operands; a call names a function of the table, has as many operands as that takes, and
 *     operands and result of the types of its rule; arms of a select have its dtype; integer constants are integers
 *     in range;
 *  6. the grid's iterations are independent: nothing outside the body's own scalars is carried (a buffer that is read
 *     and written is the schedule's promise, and not checked here).
 * Of a module: launches name kernels and give a tensor of the right dtype for each buffer, and no tensor twice where
 * one of the two is written.
 * @throws InternalError that names the kernel and the statement
 */
export function verifyKernel(kernel: Kernel): void {
  new Verifier(kernel).run();
}

export function verifyScheduled(module: ScheduledModule): void {
  for (const kernel of module.kernels.values()) verifyKernel(kernel);
  const entry = (title: string, { launches }: ScheduledEntry): void => {
    for (const { kernel: name, tensors } of launches) {
      const kernel = module.kernels.get(name);
      invariant(kernel, `${title}: kernel ${name} exists`);
      invariant(
        tensors.length === kernel.buffers.length,
        `${title}: ${name} gets ${tensors.length} tensors for ${kernel.buffers.length} buffers`,
      );
      tensors.forEach((id, k) => {
        const value = module.program.values.get(id);
        const buffer = kernel.buffers[k];
        invariant(value && buffer, `${title}: ${name} is given value ${id}, which is defined`);
        invariant(
          value.dtype === buffer.dtype,
          `${title}: ${name} takes ${value.name}: ${value.dtype} as ${buffer.name}: ${buffer.dtype}`,
        );
        const twice = tensors.some((other, j) => j !== k && owner(module, other) === owner(module, id));
        invariant(
          !twice || buffer.access === "read",
          `${title}: ${name} writes ${value.name}, which it is given twice`,
        );
      });
    }
  };
  for (const [title, of] of entriesOf(module)) entry(title, of);
}
const owner = (module: ScheduledModule, id: number): number => module.aliases.get(id) ?? id;

interface Known {
  readonly dtype: DType;
  readonly kind: "size" | "loop" | "let" | "var";
}

/** Names visible in a block; lookups go outwards. */
class Scope {
  private readonly names = new Map<string, Known>();
  constructor(readonly outer: Scope | null) {}
  find(name: string): Known | undefined {
    return this.names.get(name) ?? this.outer?.find(name);
  }
  add(name: string, known: Known): void {
    this.names.set(name, known);
  }
}

class Verifier {
  private readonly buffers = new Map<string, KernelBuffer>();
  private readonly loaded = new Set<string>();
  private readonly stored = new Set<string>();
  private where = "";

  constructor(private readonly kernel: Kernel) {}

  private holds(condition: unknown, message: string): asserts condition {
    invariant(condition, `kernel ${this.kernel.name}${this.where && `, ${this.where}`}: ${message}`);
  }

  run(): void {
    const { kernel } = this;
    const top = new Scope(null);
    for (const b of kernel.buffers) {
      this.holds(!this.buffers.has(b.name), `buffer ${b.name} is declared twice`);
      this.buffers.set(b.name, b);
    }
    for (const s of kernel.sizes) this.declare(top, s.name, { dtype: "i32", kind: "size" });
    for (const g of kernel.grid) {
      this.where = `grid ${g.variable}`;
      this.step(g.step);
      for (const bound of [g.first, g.extent])
        if (bound) {
          this.expect(bound, "i32", top);
          this.holds(this.isSize(bound, top), "an extent holds sizes and constants only");
        }
    }
    const body = new Scope(top);
    for (const g of kernel.grid) {
      this.declare(body, g.variable, { dtype: "i32", kind: "loop" });
      this.block(blockEnd(g), body);
    }
    this.block(kernel.body, body);
    this.block(kernel.after, new Scope(top));
    this.where = "";
    for (const b of kernel.buffers) {
      this.holds(
        this.stored.has(b.name) === (b.access !== "read"),
        `${b.name} is declared ${b.access} and ${this.stored.has(b.name) ? "" : "not "}stored to`,
      );
      if (b.access === "read") this.holds(this.loaded.has(b.name), `${b.name} is declared read and not used`);
      else if (this.loaded.has(b.name))
        this.holds(b.access !== "write", `${b.name} is loaded from, but declared write`);
    }
  }

  private declare(scope: Scope, name: string, known: Known): void {
    this.holds(!this.buffers.has(name) && !scope.find(name), `${name} is declared twice`);
    scope.add(name, known);
  }
  private step(step: number): void {
    this.holds(Number.isInteger(step) && step > 0, `step ${step} is a positive integer`);
  }
  private isSize(e: KExpr, scope: Scope): boolean {
    if (e.op === "variable") return scope.find(e.name)?.kind === "size";
    return e.op === "constant" || (e.op === "address" && e.args.every((a) => this.isSize(a, scope)));
  }

  private block(list: readonly Statement[], scope: Scope): void {
    for (const s of list) this.statement(s, scope);
  }
  private statement(s: Statement, scope: Scope): void {
    switch (s.kind) {
      case "comment":
        return;
      case "let":
      case "var": {
        this.where = `${s.kind} ${s.name}`;
        const value = s.kind === "let" ? s.value : s.init;
        this.expr(value, scope);
        return this.declare(scope, s.name, { dtype: value.dtype, kind: s.kind });
      }
      case "assign": {
        this.where = `assignment to ${s.name}`;
        const known = scope.find(s.name);
        this.holds(
          known?.kind === "var",
          `${s.name} is ${known ? `a ${known.kind}` : "not declared"}, not a var`,
        );
        return this.expect(s.value, known.dtype, scope);
      }
      case "store": {
        this.where = `store to ${s.buffer}`;
        const buffer = this.buffers.get(s.buffer);
        this.holds(buffer, "the buffer is declared");
        this.stored.add(s.buffer);
        this.expect(s.index, "i32", scope);
        return this.expect(s.value, buffer.dtype, scope);
      }
      case "product": {
        this.where = "product";
        this.expect(s.count, "i32", scope);
        this.step(s.rows);
        this.step(s.columns);
        for (const place of [s.left, s.right, s.into]) {
          const buffer = this.buffers.get(place.buffer);
          this.holds(buffer?.access === "scratch", `${place.buffer} is scratch`);
          this.holds(buffer.dtype === s.dtype, `${place.buffer} is ${buffer.dtype}, not ${s.dtype}`);
          this.expect(place.index, "i32", scope);
        }
        this.loaded.add(s.left.buffer).add(s.right.buffer);
        this.stored.add(s.into.buffer);
        return;
      }
      case "if":
        this.where = "if";
        this.expect(s.condition, "bool", scope);
        this.block(s.then, new Scope(scope));
        return this.block(s.else, new Scope(scope));
      case "loop": {
        this.where = `loop ${s.variable}`;
        if (typeof s.step === "number") this.step(s.step);
        else this.expect(s.step, "i32", scope);
        this.holds(s.direction === 1 || s.step === 1, "a downward loop has step 1");
        this.expect(s.lo, "i32", scope);
        this.expect(s.hi, "i32", scope);
        const inner = new Scope(scope);
        this.declare(inner, s.variable, { dtype: "i32", kind: "loop" });
        return this.block(s.body, inner);
      }
    }
  }

  private expect(e: KExpr, dtype: DType, scope: Scope): void {
    this.holds(e.dtype === dtype, `${e.op} is ${e.dtype}, not ${dtype}`);
    this.expr(e, scope);
  }
  private expr(e: KExpr, scope: Scope): void {
    switch (e.op) {
      case "constant":
        return this.constant(e.value, e.dtype);
      case "variable": {
        const known = scope.find(e.name);
        this.holds(known, `${e.name} is declared here`);
        return this.holds(known.dtype === e.dtype, `${e.name} is ${known.dtype}, used as ${e.dtype}`);
      }
      case "load": {
        const buffer = this.buffers.get(e.buffer);
        this.holds(buffer, `buffer ${e.buffer} is declared`);
        this.holds(buffer.dtype === e.dtype, `${e.buffer} is ${buffer.dtype}, loaded as ${e.dtype}`);
        this.loaded.add(e.buffer);
        return this.expect(e.index, "i32", scope);
      }
      case "address":
        this.holds(e.args.length === 1 || e.fn !== "neg", "neg has one operand");
        this.holds(e.args.length > 0, "an address has operands");
        for (const a of e.args) this.expect(a, "i32", scope);
        return;
      case "cast":
        return this.expr(e.arg, scope);
      case "select":
        this.expect(e.condition, "bool", scope);
        this.expect(e.then, e.dtype, scope);
        return this.expect(e.else, e.dtype, scope);
      case "call":
        return this.call(e, scope);
    }
  }
  private constant(value: number, dtype: DType): void {
    if (isFloat(dtype)) return;
    const [least, greatest] =
      dtype === "bool" ? [0, 1] : dtype === "u32" ? [0, 4294967295] : [-2147483648, 2147483647];
    this.holds(Number.isInteger(value) && value >= least && value <= greatest, `${value} is a ${dtype}`);
  }

  private call(e: KExpr & { readonly op: "call" }, scope: Scope): void {
    const entry = SCALARS[e.fn];
    this.holds(entry, `${e.fn} is a scalar function`);
    const { arity, type } = entry;
    const fits = typeof arity === "number" ? e.args.length === arity : e.args.length >= arity.min;
    this.holds(fits, `${e.fn} of ${e.args.length} operands`);
    for (const a of e.args) this.expr(a, scope);
    const types = e.args.map((a) => a.dtype);
    const [first = e.dtype] = types;
    const same = types.every((t) => t === first);
    const isNumber = first !== "bool";
    const right = {
      float: same && isFloat(first) && e.dtype === first,
      arithmetic: same && isNumber && e.dtype === first,
      integer: same && isNumber && !isFloat(first) && e.dtype === first,
      equality: same && e.dtype === "bool",
      comparison: same && isNumber && e.dtype === "bool",
      logic: same && first === "bool" && e.dtype === "bool",
      select: first === "bool" && types[1] === types[2] && e.dtype === types[1],
      random: types.every((t) => t === "i32" || t === "u32") && isFloat(e.dtype),
    }[type];
    this.holds(right, `${e.fn}(${types.join(", ")}) is ${e.dtype}`);
  }
}
