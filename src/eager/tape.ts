import type { DType } from "./dtype.js";
import { isFloat } from "./dtype.js";
import { AutogradError } from "./errors.js";
import type { Shape } from "./shape.js";
import type { Tensor } from "./tensor.js";

/**
 * The tape. Each differentiable operation leaves a node that knows its inputs' nodes and how cotangents go back through
 * it. Backward rules are written in differentiable operations, so running them with the tape on (`createGraph`) gives
 * derivatives of derivatives.
 */

let recording = true;
export const isGradEnabled = (): boolean => recording;
function withRecording<T>(on: boolean, body: () => T): T {
  const before = recording;
  recording = on;
  try {
    const result = body();
    // What it awaits would run after `recording` is set back.
    if (result instanceof Promise)
      throw new AutogradError("noGrad and enableGrad take a synchronous function");
    return result;
  } finally {
    recording = before;
  }
}
/** Runs `body`, which must be synchronous, without leaving anything on the tape. @throws AutogradError where it is not */
export const noGrad = <T>(body: () => T): T => withRecording(false, body);
/** Runs `body`, which must be synchronous, with the tape on, also within `noGrad`. */
export const enableGrad = <T>(body: () => T): T => withRecording(true, body);

/** Cotangents of a node's outputs (null: none came) to those of its inputs (null: none goes there). */
export type Backward = (
  cotangents: readonly (Tensor | null)[],
  needed: readonly boolean[],
) => readonly (Tensor | null)[];
/** Sees a gradient on its way and may put another in its place. */
export type Hook = (gradient: Tensor) => Tensor | void;
export interface Edge {
  readonly node: Node;
  /** Which of the node's outputs. */
  readonly output: number;
}

/**
 * A node whose output is a part of its input, `of(input)`, or (`overwrites`) its first input with that part replaced by
 * the second: the backward run then goes in place where it may.
 */
export interface Part {
  readonly of: (whole: Tensor) => Tensor;
  readonly overwrites: boolean;
}

let nodes = 0;
export class Node {
  /** Grows along every path from leaves to results, so descending order is an order for the backward run. */
  readonly id = ++nodes;
  readonly hooks = new Map<number, Hook[]>();
  private backward: Backward | null;
  private saved: readonly { readonly tensor: Tensor; readonly version: number }[];

  constructor(
    readonly name: string,
    /** One for each input; null where it needs no gradient. */
    readonly edges: readonly (Edge | null)[],
    readonly outputs: readonly { readonly shape: Shape; readonly dtype: DType }[],
    backward: Backward,
    saved: readonly Tensor[] = [],
    /** The tensor that gradients end in, of a leaf's node. */
    readonly leaf: Tensor | null = null,
    readonly part: Part | null = null,
  ) {
    this.backward = backward;
    this.saved = saved.map((tensor) => ({ tensor, version: tensor.version }));
  }

  /** What the backward rule reads; nothing once it is released. */
  get held(): readonly Tensor[] {
    return this.saved.map(({ tensor }) => tensor);
  }
  /** Lets go of everything kept for the backward run. */
  release(): void {
    if (this.leaf) return;
    this.backward = null;
    this.saved = [];
  }
  hook(output: number, hook: Hook): () => void {
    const list = this.hooks.get(output) ?? [];
    this.hooks.set(output, list);
    list.push(hook);
    return () => {
      const at = list.indexOf(hook);
      if (at >= 0) list.splice(at, 1);
    };
  }

  /** @throws AutogradError where the graph is freed, or a value needed here was changed in place since */
  apply(cotangents: readonly (Tensor | null)[]): readonly (Tensor | null)[] {
    return this.rule()(
      cotangents,
      this.edges.map((e) => e !== null),
    );
  }
  /** The backward rule. @throws AutogradError as `apply` */
  rule(): Backward {
    if (!this.backward)
      throw new AutogradError(
        `the graph below \`${this.name}\` was freed by an earlier backward; pass { retainGraph: true } to the first`,
      );
    for (const { tensor, version } of this.saved)
      if (tensor.version !== version)
        throw new AutogradError(
          `a value of shape [${tensor.shape.join(", ")}] that the derivative of \`${this.name}\` needs was changed in ` +
            `place: it is at version ${tensor.version}, and was at version ${version} when it was used`,
        );
    return this.backward;
  }
}

/**
 * How a tensor came out of another as a view, or null where it owns its elements. `base` owns them; `remake` takes the
 * same view of it (or of any tensor of its shape).
 */
export interface View {
  readonly base: Tensor;
  readonly remake: (base: Tensor) => Tensor;
  /** Made with the tape on. */
  readonly recorded: boolean;
}

/** The edge into the node that made a tensor, or a leaf's own node; null where it needs no gradient. */
export function edgeOf(t: Tensor): Edge | null {
  const made = t.history;
  if (made) return made;
  if (!t.isLeafRequiringGrad) return null;
  t.accumulator ??= new Node("leaf", [], [{ shape: t.shape, dtype: t.dtype }], () => [], [], t);
  return { node: t.accumulator, output: 0 };
}

export interface OperationRecord {
  readonly name: string;
  readonly inputs: readonly Tensor[];
  /** Tensors whose values the backward rule reads: it refuses to run once they were changed in place. */
  readonly saved?: readonly Tensor[];
  /** The cotangent of the output to those of the inputs, in differentiable operations. */
  readonly backward: (cotangent: Tensor, needed: readonly boolean[]) => readonly (Tensor | null)[];
  readonly part?: Part | null;
}

/** Puts an operation with one output on the tape, if that is on and an input needs a gradient. Returns `out`. */
export function record(
  out: Tensor,
  { name, inputs, saved = [], backward, part = null }: OperationRecord,
): Tensor {
  const all: Backward = ([cotangent], needed) =>
    cotangent ? backward(cotangent, needed) : inputs.map(() => null);
  recordMany([out], name, inputs, saved, all, part);
  return out;
}
/** As `record`, for several outputs. */
export function recordMany(
  outputs: readonly Tensor[],
  name: string,
  inputs: readonly Tensor[],
  saved: readonly Tensor[],
  backward: Backward,
  part: Part | null = null,
): void {
  if (!recording) return;
  const edges = inputs.map((t) => (isFloat(t.dtype) ? edgeOf(t) : null));
  if (edges.every((e) => e === null)) return;
  const node = new Node(
    name,
    edges,
    outputs.map(({ shape, dtype }) => ({ shape, dtype })),
    backward,
    saved,
    null,
    part,
  );
  outputs.forEach((out, output) => {
    if (isFloat(out.dtype)) out.history = { node, output };
  });
}
