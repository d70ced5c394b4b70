import { addElements } from "./loops.js";
import type { Edge, Node } from "./tape.js";
import { Tensor } from "./tensor.js";

/** What has come so far for one output of a node. */
export interface Arrived {
  gradient: Tensor;
  /** No one else has these elements, so more can be added in place. */
  own: boolean;
}

/**
 * Cotangents on their way back. What comes for a part of a tensor is added to that part alone, so a tensor that is read
 * piece by piece costs its size once and not once for each piece. With the tape on nothing is added in place.
 */
export class Cotangents {
  private readonly pending = new Map<Node, (Arrived | null)[]>();
  constructor(private readonly recorded: boolean) {}

  /** All that came for a node, once. */
  take(node: Node): (Arrived | null)[] | undefined {
    const found = this.pending.get(node);
    this.pending.delete(node);
    return found;
  }

  send(edge: Edge, gradient: Tensor, own = false): void {
    const at = this.at(edge.node);
    const before = at[edge.output];
    if (!before) at[edge.output] = { gradient, own };
    else if (before.own) addInto(before.gradient, gradient);
    else at[edge.output] = { gradient: before.gradient.add(gradient), own: !this.recorded };
  }
  /** A cotangent for the part of the node's output that `part` takes. */
  sendPart({ node, output }: Edge, part: (whole: Tensor) => Tensor, gradient: Tensor): void {
    const at = this.at(node);
    const before = at[output];
    const { shape, dtype } = node.outputs[output]!;
    const whole = before
      ? before.own
        ? before.gradient
        : before.gradient.clone()
      : Tensor.empty(dtype, shape);
    addInto(part(whole), gradient);
    at[output] = { gradient: whole, own: true };
  }
  private at(node: Node): (Arrived | null)[] {
    const found = this.pending.get(node) ?? node.outputs.map(() => null);
    this.pending.set(node, found);
    return found;
  }
}

function addInto(target: Tensor, { shape, strides, offset, storage }: Tensor): void {
  const [into, from] = [target.storage.data, storage.data];
  // Floats: others have no cotangents.
  if (into instanceof BigInt64Array || from instanceof BigInt64Array) return;
  addElements(shape, into, target, from, { strides, offset });
}
