import type { DType, Expr, Index, ValueId } from "../../ir/expr.js";
import { FALSE, operands, readsOf, select, TRUE } from "../../ir/expr.js";
import { inBounds } from "../../ir/bounds.js";
import { Poly } from "../../ir/poly.js";
import { kConstant, kVariable } from "../kernel/arithmetic.js";
import { asOne } from "./flat.js";
import type { KExpr, KernelBuffer } from "../kernel/ir.js";
import { elements } from "../kernel/measure.js";
import type { Window } from "../plan/windows.js";

/** Memory that a kernel needs beside its tensors. */
export interface Room {
  readonly name: string;
  readonly dtype: DType;
  readonly elements: Poly;
  /** Iterations of the grid leave something there for what comes after them; else each has it for itself. */
  readonly isShared: boolean;
}

/** How a tensor lies in memory. */
export interface Placed {
  readonly shape: readonly Poly[];
  /** Where not every entry along an axis has a place of its own. */
  readonly window: Window | null;
  /** Axes along which no entry has a place of its own; such a tensor is scratch. */
  readonly dropped: ReadonlySet<number> | null;
}
/** A tensor as a kernel knows it. */
interface Known extends Placed {
  readonly name: string;
  readonly dtype: DType;
  /** Computed by this kernel: a load may see another value later. */
  readonly isMade: boolean;
}

/** What the whole kernel shares: names, buffer and size parameters. */
export class KernelScope {
  readonly buffers: { name: string; dtype: DType; value: ValueId; read: boolean; write: boolean }[] = [];
  readonly sizes: { name: string; poly: Poly }[] = [];
  readonly scratch: Room[] = [];
  private readonly local = new Map<ValueId, string>();
  private readonly runs: { readonly axes: readonly Index[]; readonly flat: Index }[] = [];
  private readonly taken = new Set<string>();
  private readonly next = new Map<string, number>();
  /** Names kept for tensors that have not been met yet. */
  private readonly reserved = new Map<ValueId, string>();
  private readonly readable = new Map<Expr, boolean>();

  constructor(private readonly tensor: (id: ValueId) => Known & { readonly id: ValueId }) {}

  fresh(name: string): string {
    const base = name.replace(/[^\p{L}\p{N}_]/gu, "_").replace(/^(\d)/u, "_$1") || "v";
    let unique = base;
    let n = this.next.get(base) ?? 2;
    for (; this.taken.has(unique); n++) unique = `${base}_${n}`;
    this.next.set(base, n);
    this.taken.add(unique);
    return unique;
  }

  size(poly: Poly): KExpr {
    const known = poly.constant;
    if (known !== undefined) return kConstant(known);
    const found = this.sizes.find((s) => s.poly.equals(poly));
    if (found) return kVariable(found.name, "i32");
    const dims = [...poly.dims];
    const lone =
      dims.length === 1 && dims[0] !== undefined && poly.equals(Poly.dim(dims[0]))
        ? dims[0]
        : `n_${dims.join("_")}`;
    const name = this.fresh(lone);
    this.sizes.push({ name, poly });
    return kVariable(name, "i32");
  }

  /** The buffer that holds a tensor, which is from now on a parameter. */
  buffer(id: ValueId, access: "read" | "write"): Known {
    const tensor = this.tensor(id);
    if (tensor.dropped) {
      const { dtype, shape, isMade, window, dropped } = tensor;
      let name = this.local.get(id);
      if (name === undefined) {
        name = this.room(`${tensor.name}_row`, dtype, elements(shape.filter((_, k) => !dropped.has(k))));
        this.local.set(id, name);
      }
      return { name, dtype, shape, isMade, window, dropped };
    }
    let found = this.buffers.find((b) => b.value === tensor.id);
    if (!found) {
      found = {
        name: this.reserved.get(tensor.id) ?? this.fresh(tensor.name),
        dtype: tensor.dtype,
        value: tensor.id,
        read: false,
        write: false,
      };
      this.buffers.push(found);
    }
    found[access] = true;
    const { shape, isMade, window } = tensor;
    return { name: found.name, dtype: found.dtype, shape, isMade, window, dropped: null };
  }

  /** Room of the kernel's own. */
  room(name: string, dtype: DType, elements: Poly, isShared = false): string {
    const unique = this.fresh(name);
    this.scratch.push({ name: unique, dtype, elements, isShared });
    return unique;
  }
  /** From now on `flat` counts through the axes in row-major order; addresses that need no more than it use it. */
  runTogether(axes: readonly Index[], flat: Index): void {
    this.runs.push({ axes, flat });
  }
  flattened(p: Poly): Poly {
    return this.runs.reduce((address, { axes, flat }) => {
      const found = axes.some((a) => address.indices.has(a)) ? asOne(address, axes) : null;
      return found ? found.rest.add(found.coefficient.mul(Poly.index(flat))) : address;
    }, p);
  }

  /** Operands that are evaluated whenever the node is: not the arms of a select. */
  strictOperands(e: Expr): readonly Expr[] {
    const choice = this.asChoice(e);
    return choice ? [choice.condition] : operands(e);
  }
  /**
   * A select, or what is one in truth: `a and b` whose b reads what may exist only where a holds. What it reads there
   * may be a subscript of another read, which would leave memory.
   */
  asChoice(e: Expr): (Expr & { readonly op: "select" }) | null {
    if (e.op === "select") return e;
    if (e.op !== "call" || (e.fn !== "and" && e.fn !== "or")) return null;
    const [condition, other] = e.args;
    if (!condition || !other || this.mayBeRead(other)) return null;
    const made = e.fn === "and" ? select(condition, other, FALSE) : select(condition, TRUE, other);
    return made.op === "select" ? made : null;
  }
  /** Whether all that is read exists whatever the conditions around. */
  private mayBeRead(e: Expr): boolean {
    const known = this.readable.get(e);
    if (known !== undefined) return known;
    const found = readsOf([e]).every((node) => inBounds(node, this.tensor(node.value).shape));
    this.readable.set(e, found);
    return found;
  }

  about(id: ValueId): { readonly isMade: boolean; readonly shape: readonly Poly[] } {
    return this.tensor(id);
  }

  /** Keeps a tensor's own name for its buffer, from the scalars that would take it first. */
  reserve(id: ValueId): void {
    const tensor = this.tensor(id);
    if (!this.reserved.has(tensor.id)) this.reserved.set(tensor.id, this.fresh(tensor.name));
  }

  get parameters(): KernelBuffer[] {
    const tensors = this.buffers.map((b): KernelBuffer => ({
      name: b.name,
      dtype: b.dtype,
      access: b.write ? (b.read ? "readwrite" : "write") : "read",
    }));
    return [
      ...tensors,
      ...this.scratch.map(({ name, dtype, isShared }): KernelBuffer => ({
        name,
        dtype,
        access: isShared ? "shared" : "scratch",
      })),
    ];
  }
}

/** Row-major address of an element. */
export function flatten(shape: readonly Poly[], subscripts: readonly Poly[]): Poly {
  return subscripts.reduce((flat, s, k) => flat.mul(shape[k] ?? 1).add(s), Poly.constant(0));
}
