import { kindOf } from "./dtype.js";
import { AutogradError } from "./errors.js";
import { noGrad, recordMany } from "./tape.js";
import { Tensor } from "./tensor.js";

/** What `forward` leaves for `backward`. */
export class Context {
  private kept: readonly Tensor[] = [];
  /** Which inputs (tensors only, in order) need a gradient. */
  needsInputGrad: readonly boolean[] = [];
  /** Anything else that `backward` wants. */
  readonly state: Record<string, unknown> = {};
  /** Tensors that `backward` reads; changing them in place until then is an error. */
  saveForBackward(...tensors: readonly Tensor[]): void {
    this.kept = tensors;
  }
  get savedTensors(): readonly Tensor[] {
    return this.kept;
  }
}
type Result = Tensor | readonly Tensor[];
interface FunctionClass<A extends readonly unknown[], R extends Result> {
  readonly name: string;
  forward(ctx: Context, ...args: A): R;
  backward(ctx: Context, ...gradients: Tensor[]): Tensor | null | readonly (Tensor | null)[];
}

/**
 * An operation with a derivative of its own: a subclass has `static forward(ctx, ...args)`, which runs off the tape, and
 * `static backward(ctx, ...gradients)`, which gives one gradient (or null) for each tensor among the arguments, or for
 * each argument, in differentiable operations where second derivatives are wanted. Call it by `Subclass.apply(...args)`.
 */
export abstract class Function {
  static apply<A extends readonly unknown[], R extends Result>(this: FunctionClass<A, R>, ...args: A): R {
    const inputs = args.filter((x): x is A[number] & Tensor => x instanceof Tensor);
    const context = new Context();
    context.needsInputGrad = inputs.map((x) => x.requiresGrad);
    for (const rule of ["forward", "backward"] as const)
      if (typeof this[rule] !== "function") throw new AutogradError(`${this.name} has no \`static ${rule}\``);
    const result = noGrad(() => this.forward(context, ...args));
    const results: readonly unknown[] = Array.isArray(result) ? result : [result];
    const other = results.find((t) => !(t instanceof Tensor));
    if (other !== undefined)
      throw new AutogradError(`${this.name}.forward gives tensors, not ${kindOf(other)}`);
    // New tensors, for a result may be an argument, or one of the caller's.
    const outputs = (result instanceof Tensor ? [result] : [...(result as readonly Tensor[])]).map((t) =>
      t.detach(),
    );
    const saved = context.savedTensors.map((t) => {
      const own = outputs.find((o) => o.storage === t.storage);
      return own && !inputs.includes(t) ? own : t;
    });
    context.saveForBackward(...saved);
    recordMany(outputs, this.name, inputs, saved, (cotangents) => {
      const given = cotangents.map((g, k) => g ?? outputs[k]!.detach().mul(0));
      const found = this.backward(context, ...given);
      const list = Array.isArray(found) ? (found as readonly (Tensor | null)[]) : [found as Tensor | null];
      const wrong = list.find((t) => t !== null && t !== undefined && !(t instanceof Tensor));
      if (wrong !== undefined)
        throw new AutogradError(`${this.name}.backward gives tensors and nulls, not ${kindOf(wrong)}`);
      if (list.length === inputs.length) return list;
      // Or one for each argument, null for what is no tensor.
      if (list.length === args.length) return list.filter((_, k) => args[k] instanceof Tensor);
      throw new AutogradError(
        `${this.name}.backward gave ${list.length} gradients for ${inputs.length} tensors`,
      );
    });
    return (result instanceof Tensor ? outputs[0] : outputs) as R;
  }
}
